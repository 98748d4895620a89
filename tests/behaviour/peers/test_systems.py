"""Systems: servers that connect to each other."""

import asyncio
import inspect
import itertools
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest

import pygorums as gorums
from pygorums.serving.settings import ServerOptions, SystemOptions
from tests.protos.calls_gorums import ask, echo, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, connected
from tests.support.peers import clients_are, config_is, recorder, running
from tests.support.waiting import turns, within


def free_addresses(count: int) -> dict[int, str]:
    """Addresses by node ID that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return {number: f"127.0.0.1:{each.getsockname()[1]}" for number, each in enumerate(sockets, start=1)}
    finally:
        for each in sockets:
            each.close()


@asynccontextmanager
async def member(
    node_id: int, addresses: dict[int, str], service: ScriptedCalls | None = None
) -> AsyncIterator[gorums.System]:
    """A started system of a cluster with known addresses."""
    service = service or ScriptedCalls(node_id)
    system = gorums.System(addresses[node_id], service, node_id=node_id, peers=addresses, backoff=QUICK)
    await within(system.start())
    try:
        yield system
    finally:
        service.open_all()
        await within(system.stop())


async def all_connected(systems: Sequence[gorums.System]) -> None:
    """Waits until every system sees every other, in both directions, though nobody calls anybody."""
    for system in systems:
        await system.wait_for_config(lambda config: len(config) == len(systems), timeout=10)
        await system.outbound.wait_connected(timeout=10)


async def test_local_systems() -> None:
    """All find each other without a call, and have the IDs from 1.

    Rows: 37, 259, 260, 261.
    """
    services: dict[int, ScriptedCalls] = {}

    def make(node_id: int) -> ScriptedCalls:
        return services.setdefault(node_id, ScriptedCalls(node_id))

    async with gorums.local_systems(4, make) as systems:
        await all_connected(systems)
        assert [system.node_id for system in systems] == [1, 2, 3, 4]
        addresses = [system.address for system in systems]
        for system in systems:
            assert system.config().node_ids == system.outbound.node_ids == (1, 2, 3, 4)
            assert [node.address for node in system.outbound] == addresses
            assert [node.address for node in system.config()] == addresses
            assert [node.id for node in system.config() if not node.is_inbound] == [system.node_id]
            assert not any(node.is_inbound for node in system.outbound)
            assert system.client_config().node_ids == ()
        assert not any(service.seen for service in services.values())


async def test_calls_both_ways() -> None:
    """Over one's own streams and back over those of the peers, the own node included.

    Rows: 139, 140.
    """
    services = [ScriptedCalls(number) for number in (1, 2, 3)]
    async with gorums.local_systems(3, lambda node_id: services[node_id - 1]) as systems:
        await all_connected(systems)
        for system in systems:
            for config in (system.outbound, system.config()):
                replies = await within(ask(config, Text(text="x")).collect_all())
                assert {node_id: reply.number for node_id, reply in replies.items()} == {1: 1, 2: 2, 3: 3}
                assert (await within(ask(config, Text(text="x")).majority())).text == "x"
                await within(spread(config, Text(text="spread")))
                for node in config:
                    assert (await within(echo(node, Text(text="x")))).number == node.id
        for service in services:
            await service.has_seen_count(3 * 2 * 4)
            assert service.seen.count("spread") == 6
            assert [ctx.peer_id for ctx in service.contexts].count(service.number) == 8


@pytest.mark.parametrize("n", [0, -1])
def test_local_systems_of_nobody(n: int) -> None:
    """Rows: 260."""
    with pytest.raises(ValueError, match="at least one system"):
        gorums.local_systems(n, ScriptedCalls)


async def test_local_systems_take_options() -> None:
    """Rows: 260, 266, 267."""
    changes: list[tuple[int, ...]] = []
    options: gorums.SystemOptions = {"on_config_change": recorder(changes), "metadata": {"a": "b"}}
    async with gorums.local_systems(1, ScriptedCalls, **options) as systems:
        assert systems[0].config().node_ids == (1,)
        assert (await within(echo(systems[0].outbound[0], Text(text="x")))).number == 1
    assert changes == [(1,)]


async def test_local_systems_that_cannot_start() -> None:
    """What was started before is stopped.

    Rows: 262, 263.
    """

    def make(node_id: int) -> ScriptedCalls:
        if node_id == 2:
            raise RuntimeError("no second one")
        return ScriptedCalls(node_id)

    with pytest.raises(RuntimeError, match="no second one"):
        async with gorums.local_systems(3, make):
            raise AssertionError


@pytest.mark.parametrize("order", [*itertools.permutations((1, 2, 3))])
async def test_any_order_of_start(order: tuple[int, ...]) -> None:
    """Rows: 48, 261."""
    addresses = free_addresses(3)
    async with AsyncExitStack() as stack:
        systems = []
        for number, node_id in enumerate(order, start=1):
            systems.append(await stack.enter_async_context(member(node_id, addresses)))
            await systems[0].wait_for_config(lambda config, n=number: len(config) == n, timeout=10)  # type: ignore[misc]
        await all_connected(systems)
        for system in systems:
            assert len(await within(ask(system.config(), Text(text="x")).collect_all())) == 3


@pytest.mark.parametrize("restarted", [1, 2, 3])
async def test_a_restart_is_found_without_a_call(restarted: int) -> None:
    """Another system on the same port takes the place of one that has stopped.

    Rows: 49, 53, 84, 117, 123.
    """
    addresses = free_addresses(3)
    async with AsyncExitStack() as stack:
        others = [
            await stack.enter_async_context(member(node_id, addresses)) for node_id in addresses if node_id != restarted
        ]
        rest = tuple(sorted(system.node_id for system in others))
        for _ in range(3):
            async with member(restarted, addresses) as system:
                await all_connected([*others, system])
                nodes = [other.config()[restarted - 1] for other in others]
                for each in (*others, system):
                    assert len(await within(ask(each.config(), Text(text="x")).collect_all())) == 3
                    assert len(await within(ask(each.outbound, Text(text="x")).collect_all())) == 3
            for other, node in zip(others, nodes, strict=True):
                await config_is(other, *rest)
                assert not node.connected


async def test_calls_go_on_through_restarts() -> None:
    """A majority is there all the time: no call fails, and none hangs."""
    addresses = free_addresses(3)
    async with member(1, addresses) as first, member(2, addresses) as second:
        stopped = False

        async def call() -> int:
            count = 0
            while not stopped:
                for system in (first, second):
                    assert (await ask(system.outbound, Text(text="x")).majority()).text == "x"
                    assert (await ask(system.config(), Text(text="x")).threshold(2)).text == "x"
                    count += 1
            return count

        await first.wait_for_config(lambda config: 2 in config, timeout=10)
        await second.wait_for_config(lambda config: 1 in config, timeout=10)
        await first.outbound.wait_connected(2, timeout=10)
        await second.outbound.wait_connected(2, timeout=10)
        calling = asyncio.create_task(call())
        for _ in range(3):
            async with member(3, addresses) as third:
                await all_connected([first, second, third])
        stopped = True
        assert await within(calling) > 0


async def test_a_system_serves_clients_too() -> None:
    """Rows: 120, 131."""
    async with gorums.local_systems(2, ScriptedCalls) as systems:
        await all_connected(systems)
        address = str(systems[0].address)
        async with running(ScriptedCalls(9)) as own, connected([address], server=own) as config:
            await clients_are(systems[0], 1 << 20)
            assert (await within(echo(config[0], Text(text="x")))).number == 1
            assert (await within(echo(systems[0].client_config()[0], Text(text="x")))).number == 9
            assert systems[1].client_config().node_ids == ()
        await clients_are(systems[0])


async def test_stop_before_start_leaves_the_port_alone() -> None:
    """Rows: 258, 262."""
    addresses = free_addresses(1)
    system = gorums.System(addresses[1], ScriptedCalls(), node_id=1, peers=addresses)
    with pytest.raises(RuntimeError, match="not started"):
        _ = system.address
    with pytest.raises(RuntimeError, match="not started"):
        _ = system.outbound
    await within(system.stop())
    with pytest.raises(RuntimeError, match="can be started once"):
        await within(system.start())
    async with member(1, addresses) as other:
        assert other.address == addresses[1]


@pytest.mark.parametrize("turns_before", range(6))
async def test_stop_while_it_starts(turns_before: int) -> None:
    """Nothing is left of either."""
    addresses = free_addresses(2)
    system = gorums.System(addresses[1], ScriptedCalls(), node_id=1, peers=addresses)
    starting = asyncio.create_task(system.start())
    await turns(turns_before)
    await within(system.stop())
    with suppress(RuntimeError):  # it was stopped before it started, or while it did
        await within(starting)
    async with member(1, addresses):
        pass


async def test_stop_while_a_service_is_told_of_the_start() -> None:
    begun = asyncio.Event()

    class Waiting(ScriptedCalls):
        async def started(self, system: gorums.System) -> None:
            begun.set()
            await asyncio.Event().wait()

    system = gorums.System("127.0.0.1:0", Waiting(), node_id=1, peers=["127.0.0.1:1"])
    starting = asyncio.create_task(system.start())
    await within(begun.wait())
    await within(system.stop())
    with pytest.raises(RuntimeError, match="stopped while it started"):
        await within(starting)
    await within(system.wait())


@pytest.mark.parametrize(
    ("made", "options"),
    [(gorums.Server, ServerOptions), (gorums.System, SystemOptions)],
    ids=["server", "system"],
)
def test_all_options_have_types(made: type, options: Any) -> None:
    """Whoever checks types can say to a system what can be said to a server."""
    own = {"self", "service", "address", "node_id", "peers", "facade", "server_options"}
    named = inspect.signature(made).parameters.keys() - own
    assert named <= options.__optional_keys__
    assert ServerOptions.__optional_keys__ <= SystemOptions.__optional_keys__


async def test_stopping_twice_and_starting_twice() -> None:
    """Rows: 258, 263."""
    async with gorums.System("127.0.0.1:0", ScriptedCalls(), node_id=1, peers=["a:1"]) as system:
        assert str(system.address).startswith("127.0.0.1:")
        with pytest.raises(RuntimeError, match="can be started once"):
            await within(system.start())
        await within(asyncio.gather(system.stop(), system.stop()))
        await within(system.stop())


async def test_a_port_that_is_taken() -> None:
    """Rows: 258, 262."""
    addresses = free_addresses(2)
    async with member(1, addresses):
        second = gorums.System(addresses[1], ScriptedCalls(), node_id=1, peers=addresses)
        with pytest.raises(OSError, match=addresses[1]):
            await within(second.start())
        await within(second.stop())


async def test_stopping_with_grace() -> None:
    """Requests of all kinds of callers that came before are answered.

    Rows: 108, 263.
    """
    services = [ScriptedCalls(1), ScriptedCalls(2)]
    async with gorums.local_systems(2, lambda node_id: services[node_id - 1]) as systems:
        await all_connected(systems)
        nodes = (systems[0].outbound[0], systems[0].config()[0], systems[1].outbound[0], systems[1].config()[0])
        calls = [echo(node, Text(text="hold:x")) for node in nodes]
        await services[0].gates["x"].arrivals(4)
        stopping = asyncio.create_task(systems[0].stop(10))
        await asyncio.sleep(0.01)
        services[0].open_all()
        assert [reply.number for reply in await within(asyncio.gather(*calls[:3]))] == [1] * 3
        await within(asyncio.gather(calls[3], return_exceptions=True))
        await within(stopping)


@pytest.mark.parametrize(
    ("node_id", "peers", "text"),
    [
        (3, ["a:1", "b:1"], "node 3 is not among the peers"),
        (0, ["a:1"], "node 0 is not among the peers"),
        (1, [], "missing node addresses"),
        (1, ["a:1", "a:1"], "already in use"),
    ],
)
def test_systems_that_cannot_be(node_id: int, peers: list[str], text: str) -> None:
    """Rows: 111."""
    with pytest.raises(gorums.ConfigurationError, match=text):
        gorums.System("127.0.0.1:0", ScriptedCalls(), node_id=node_id, peers=peers)
