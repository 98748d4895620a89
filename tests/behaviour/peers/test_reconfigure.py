"""Clusters whose members change while they run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.peers import PEERS, config_is, dialled, peer, recorder, running
from tests.support.waiting import turns, until, within


@asynccontextmanager
async def cluster(size: int) -> AsyncIterator[list[gorums.System]]:
    """Systems that are all connected, in both directions."""
    async with gorums.local_systems(size, ScriptedCalls, backoff=QUICK) as systems:
        await all_connected(systems)
        yield systems


async def all_connected(systems: list[gorums.System]) -> None:
    ids = tuple(system.node_id for system in systems)
    for system in systems:
        await system.wait_for_config(lambda config: config.node_ids == ids, timeout=10)
        await system.outbound.wait_connected(timeout=10)


def addresses(systems: list[gorums.System]) -> dict[int, str]:
    return {system.node_id: system.address for system in systems}


async def reconfigured(systems: list[gorums.System], epoch: int) -> None:
    """All of them have each other as their peers."""
    peers = addresses(systems)
    configs = await within(asyncio.gather(*(system.reconfigure(peers, epoch=epoch) for system in systems)))
    assert configs == [system.outbound for system in systems]
    assert all(config.node_ids == tuple(peers) for config in configs)
    assert all(system.epoch == epoch for system in systems)


async def test_who_stays_notices_nothing() -> None:
    """Two more nodes, and two less, under load: no call fails at the others, and none of their streams breaks."""
    asyncio.get_running_loop().set_debug(False)  # or there would be little load
    async with cluster(7) as systems:
        five = systems[:5]
        await reconfigured(five, 1)
        await all_connected(five)
        outbound = five[0].outbound
        changes = outbound.changes()
        calls, over = 0, False

        async def call(config: gorums.Configuration) -> None:
            nonlocal calls
            while not over:
                await ask(config, Text(text="x")).all()
                calls += len(config)

        async def change() -> None:
            await reconfigured(systems, 2)
            await all_connected(systems)
            assert (await ask(five[4].outbound, Text(text="x"), timeout=10).all()).text == "x"
            await reconfigured(five, 3)
            await all_connected(five)

        back = five[1].config()
        callers = [asyncio.ensure_future(call(config)) for config in [outbound, back] * 3]
        try:
            await within(change())
        finally:
            over = True
            await within(asyncio.gather(*callers))
        assert calls > 100
        told = []
        while (event := changes.take()) is not None:
            told.append((type(event), event.node_id))
        assert {node_id for _, node_id in told} == {6, 7}
        assert five[0].outbound == outbound


async def test_a_removed_peer_is_told() -> None:
    async with cluster(3) as (one, two, three):
        seen = one.server.changes()
        lost = three.outbound.changes()
        back = three.node_id in one.config() and one.config()
        assert back
        await within(one.reconfigure({1: one.address, 2: two.address}, epoch=7))
        down = await within(anext(lost))
        assert isinstance(down, gorums.NodeDown)
        assert isinstance(down.reason, gorums.StatusError)
        assert down.reason.code == grpc.StatusCode.FAILED_PRECONDITION
        assert "node 3 was removed from the peers of this server, at epoch 7" in str(down.reason)
        assert (type(event := await within(anext(seen))), event.node_id) == (gorums.NodeRemoved, 3)
        assert one.config().node_ids == one.outbound.node_ids == (1, 2)
        with pytest.raises(gorums.NodeClosedError, match="was removed from the peers of this server"):
            await within(echo(back.node(3), Text()))
        await within(one.reconfigure({1: one.address, 2: two.address}, epoch=7))


async def test_calls_to_who_is_removed_fail_at_once() -> None:
    services = {number: ScriptedCalls(number) for number in (1, 2)}
    async with gorums.local_systems(2, services.__getitem__, backoff=QUICK) as (one, two):
        await all_connected([one, two])
        there, back = one.outbound.node(2), one.config().node(2)
        calls = [echo(node, Text(text="hold-free:x")) for node in (there, back)]
        await services[2].has_seen_count(2)
        removing = asyncio.ensure_future(one.reconfigure({1: one.address}))
        for call, whose in zip(calls, ("members, at epoch 1", "peers of this server"), strict=True):
            with pytest.raises(gorums.NodeClosedError, match=f"was removed from the {whose}"):
                await within(call)
        services[2].open_all()
        await within(removing)


async def test_what_a_removed_peer_has_asked_for_is_answered() -> None:
    """Even if it is what removes it, and waits for that."""
    systems: list[gorums.System] = []

    class Leaving(ScriptedCalls):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            await systems[0].reconfigure({1: systems[0].address})
            return Text(text="you have left")

    async with gorums.local_systems(2, Leaving, backoff=QUICK) as started:
        systems += started
        await all_connected(systems)
        assert (await within(echo(systems[1].outbound.node(1), Text()))).text == "you have left"
        await until(lambda: systems[1].outbound.node(1).last_error is not None or not systems[1].outbound[0].connected)


async def test_who_has_connected_before_is_known_at_once() -> None:
    """Over the stream that it has; nothing is opened anew."""
    changes: list[tuple[int, ...]] = []
    own, called = ScriptedCalls(1), ScriptedCalls(4)
    async with (
        running(own, node_id=1, peers=PEERS, on_config_change=recorder(changes)) as server,
        dialled(server, gorums.Server(called, node_id=4)) as config,
    ):
        seen = server.changes()
        assert (await within(echo(config[0], Text(text="before")))).number == 1
        assert server.config().node_ids == (1,)
        await within(server.reconfigure({**PEERS, 4: "peer-4:4"}))
        assert server.config().node_ids == (1, 4)
        assert server.epoch == 1
        assert (await within(echo(server.config().node(4), Text(text="back")))).number == 4
        assert (await within(echo(config[0], Text(text="after")))).number == 1
        assert [ctx.peer_id for ctx in own.contexts] == [None, 4]
        assert [type(change) for change in (await within(anext(seen)), await within(anext(seen)))] == [
            gorums.NodeAdded,
            gorums.NodeUp,
        ]
        await within(server.reconfigure(PEERS))
        assert server.config().node_ids == (1,)
        await until(lambda: not config[0].connected or config[0].last_error is None)
    assert changes == [(1,), (1, 4), (1,)]


async def test_a_peer_at_another_address_is_another_one() -> None:
    async with cluster(2) as (one, two), running(ScriptedCalls(9), node_id=2) as moved:
        before = one.outbound.node(2)
        config = await within(one.reconfigure({1: one.address, 2: moved.address}))
        assert config.node(2) is not before
        await config.wait_connected(timeout=10)
        assert (await within(echo(config.node(2), Text()))).number == 9
        with pytest.raises(gorums.NodeClosedError):
            await within(echo(before, Text()))
        assert two.epoch == 0


async def test_changes_that_cannot_be() -> None:
    async with cluster(2) as (one, two):
        peers = {1: one.address, 2: two.address}
        await within(one.reconfigure(peers, epoch=3))
        for wrong, epoch, why in (
            ({**peers, 3: "127.0.0.1:9"}, 2, "epoch 2 is over"),
            (peers, 2, "epoch 2 is over"),
            ({**peers, 3: "127.0.0.1:9"}, 3, "at epoch 3 already"),
            ({2: two.address}, 4, "node 1 is not among the peers"),
            ({1: "127.0.0.1:9", 2: one.address}, 4, "it is the address of node 2, and this is node 1"),
            ({**peers, 3: two.address}, 4, "already in use by node 2"),
            ({}, 4, "missing node addresses"),
        ):
            with pytest.raises(gorums.ConfigurationError, match=why):
                await within(one.reconfigure(wrong, epoch=epoch))
            assert (one.epoch, one.outbound.node_ids, one.config().node_ids) == (3, (1, 2), (1, 2))
        one.outbound.extend({9: "127.0.0.1:9"})
        with pytest.raises(gorums.ConfigurationError, match="already in use by node 9"):
            await within(one.reconfigure({**peers, 3: "127.0.0.1:9"}, epoch=4))
        assert one.epoch == 3
    with pytest.raises(gorums.StoppedError):
        await one.reconfigure(peers, epoch=5)


async def test_a_system_that_has_not_started() -> None:
    async with running(ScriptedCalls(2), node_id=2) as server:
        system = gorums.System("127.0.0.1:0", ScriptedCalls(1), node_id=1, peers={1: "127.0.0.1:9"}, backoff=QUICK)
        await system.reconfigure({1: "127.0.0.1:9", 2: server.address}, epoch=2)
        async with system:
            assert system.epoch == 2
            await system.outbound.wait_connected(timeout=10)


async def test_the_server_of_a_system_has_it_done_there() -> None:
    async with cluster(2) as (one, two):
        await within(one.server.reconfigure({1: one.address}, epoch=1))
        assert (one.outbound.node_ids, one.epoch) == ((1,), 1)
        assert two.outbound.node_ids == (1, 2)


async def test_streams_say_what_is_known_now(caplog: pytest.LogCaptureFixture) -> None:
    """A stream that is opened after a change has the new list: nobody warns of another one."""
    async with cluster(3) as (one, two, three):
        peers = {1: one.address, 2: two.address}
        for system in (one, two):
            await within(system.reconfigure(peers))
        await within(three.stop())
        caplog.clear()
        async with running(ScriptedCalls(3), node_id=3, peers=peers):
            before = two.config().node(1)
            # Its stream breaks, and the next one says the same as ours.
            for stream in list(two.server._acceptor.streams):
                stream.end_with(gorums.StatusError(grpc.StatusCode.ABORTED, "begin anew"))
            await turns()
            await until(lambda: two.config().node_ids == (1, 2) and before.connected)
            await two.outbound.wait_connected(timeout=10)
        assert not [record for record in caplog.records if "knows the nodes" in record.getMessage()]


async def test_a_client_has_the_id() -> None:
    async with running(ScriptedCalls(1), node_id=1, peers=PEERS) as server, peer(server) as _:
        number = server.client_config().node_ids[0]
        with pytest.raises(gorums.ConfigurationError, match=f"node {number} cannot be a peer: a client"):
            await server.reconfigure({**PEERS, number: "peer-4:4"})
        assert server.epoch == 0
        await config_is(server, 1)
