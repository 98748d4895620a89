"""Handlers that call the peers or the clients of their server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

import pygorums as gorums
from tests.behaviour.peers.nesting import Mutual, Nesting
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.cluster import QUICK, connected
from tests.support.peers import PEERS, clients_are, dialled, peer, running
from tests.support.waiting import within

N = 3
SUM = 1 + 2 + 3


@asynccontextmanager
async def complete(systems: list[gorums.System]) -> AsyncIterator[gorums.Configuration]:
    """Waits until all systems know each other; gives a client's configuration of them."""
    for system in systems:
        await within(system.wait_for_config(lambda config: len(config) == len(systems)))
    async with connected([str(system.address) for system in systems]) as config:
        yield config


@pytest.fixture
async def services() -> list[Nesting]:
    return []


@pytest.fixture
async def cluster(services: list[Nesting]) -> AsyncIterator[gorums.Configuration]:
    """A client's configuration of three systems that know each other."""

    def make(node_id: int) -> Nesting:
        services.append(Nesting(node_id))
        return services[-1]

    async with gorums.local_systems(N, make, backoff=QUICK) as systems, complete(systems) as config:
        yield config


@pytest.mark.parametrize("how", ["majority", "all", "first", "iterate"])
@pytest.mark.parametrize("hold", ["", "hold"])
async def test_chained_quorum_calls(cluster: gorums.Configuration, how: str, hold: str) -> None:
    """A quorum call to the peers from the handler of a quorum call, or of an RPC, of a client.

    Without `release` it works too as long as nobody calls in a circle: the peers' streams are not the client's.

    Rows: 94, 125, 140, 265.
    """
    calls = [echo(node, Text(text=f"{how} {hold}")) for node in cluster for _ in range(20)]
    numbers = {reply.number for reply in await within(asyncio.gather(*calls))}
    if how in ("all", "iterate"):
        assert numbers == {SUM}
    else:
        assert numbers <= {1, 2, 3}


@pytest.mark.parametrize("hold", ["", "hold"])
async def test_chained_multicasts_reach_the_own_node_too(
    cluster: gorums.Configuration, services: list[Nesting], hold: str
) -> None:
    """Three handlers that multicast to three nodes: nine deliveries.

    Rows: 125, 140, 144, 264.
    """
    replies = await within(asyncio.gather(*(echo(node, Text(text=f"multicast {hold}")) for node in cluster)))
    assert [reply.number for reply in replies] == [N] * N
    for service in services:
        await service.has_spread(N)
    assert [service.spread_count for service in services] == [N] * N


async def test_chained_streaming_calls(cluster: gorums.Configuration) -> None:
    """Rows: 125, 265."""
    replies = [r async for r in follow(cluster, Text(text="x"), timeout=10)]
    assert sorted(r.value.number for r in replies) == [1, 1, 1, 2, 2, 2, 3, 3, 3]


async def test_from_one_way_handlers(cluster: gorums.Configuration, services: list[Nesting]) -> None:
    """Rows: 19, 264."""
    await within(note(cluster[0], Text(text="multicast")))
    for service in services:
        await service.has_spread(1)


@pytest.mark.parametrize("how", ["majority", "all", "first", "iterate"])
async def test_to_the_clients(how: str) -> None:
    """Clients behind a firewall: they connect, and handlers call them.

    Rows: 120, 125, 130, 131, 264, 265.
    """
    clients = [Nesting(number) for number in (10, 20, 30)]
    async with running(Nesting(1)) as server, AsyncExitStack() as stack:
        configs = [await stack.enter_async_context(peer(server, 0, client)) for client in clients]
        await clients_are(server, *(1 << 20 | n for n in range(3)))
        calls = [echo(config[0], Text(text=f"{how} clients")) for config in configs for _ in range(10)]
        numbers = {reply.number for reply in await within(asyncio.gather(*calls))}
        ids = sum(server.client_config().node_ids)
        assert numbers <= {"all": {ids}, "iterate": {60}}.get(how, {10, 20, 30})
        await within(echo(configs[0][0], Text(text="multicast clients")))
        for client in clients:
            await client.has_spread(1)


async def test_without_any_clients() -> None:
    """Rows: 127."""
    async with running(Nesting(1)) as server, dialled(server) as config:
        with pytest.raises(gorums.StatusError, match="incomplete call"):
            await within(echo(config[0], Text(text="majority clients")))
        assert (await within(echo(config[0], Text(text="multicast clients")))).number == 0


@pytest.mark.parametrize("depth", [1, 2, 3])
async def test_calls_in_a_circle_need_release_and_have_it(depth: int) -> None:
    """A calls B, which calls A, and so on, over the same streams in both directions and to the own node.

    Rows: 94, 140, 141.
    """
    async with gorums.local_systems(N, Mutual, backoff=QUICK) as systems, complete(systems) as config:
        expected = sum(N**level for level in range(depth + 1))
        replies = await within(asyncio.gather(*(echo(node, Text(number=depth)) for node in config)), 30)
        assert [reply.number for reply in replies] == [expected] * N


async def test_the_own_node_without_release() -> None:
    """The handler of a call to the own node keeps the next one out: waiting for that would last for ever.

    Rows: 94, 141.
    """

    class Holding(Nesting):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            if request.text == "release":
                ctx.release()
            return await ask(ctx.config(), request, timeout=0.2).all()

    async with running(Holding(1), node_id=1) as server:
        node = server.config()[0]
        with pytest.raises(gorums.StatusError, match="timed out"):
            await within(echo(node, Text(text="hold")))
        assert (await within(echo(node, Text(text="release")))).number == 1


async def test_a_peer_that_is_lost_during_a_nested_call() -> None:
    """The handler learns it at once."""

    class Silent(Nesting):
        async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
            asked.release()
            await asyncio.Event().wait()
            return request

    asked = asyncio.Semaphore(0)
    async with (
        running(Nesting(1), node_id=1, peers=PEERS) as server,
        dialled(server) as config,
    ):
        async with peer(server, 2, Silent(2)):
            call = echo(config[0], Text(text="all"))
            await within(asked.acquire())
        with pytest.raises(gorums.StatusError, match="node 2"):
            await within(call)
        assert (await within(echo(config[0], Text(text="all")))).number == 1


async def test_everybody_at_once(cluster: gorums.Configuration, services: list[Nesting]) -> None:
    """Nested calls of many clients, while multicasts go the same ways.

    Rows: 94, 143, 265.
    """

    async def client() -> None:
        async with connected([node.address for node in cluster]) as config:
            for _ in range(10):
                assert (await ask(config, Text(text="x")).majority()).text == "x"
                replies = await asyncio.gather(*(echo(node, Text(text="all")) for node in config))
                assert [reply.number for reply in replies] == [SUM] * N
                await spread(config, Text(text="x"))

    await within(asyncio.gather(*(client() for _ in range(5))), 30)
    for service in services:
        await service.has_spread(50)
