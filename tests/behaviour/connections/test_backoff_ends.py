"""A node that is down is tried again before its time, if somebody calls it or it shows that it is there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import pygorums as gorums
from pygorums.streams.pause import Pause
from tests.protos.calls_gorums import ask, echo, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, Cluster
from tests.support.proxy import TcpProxy
from tests.support.waiting import until, within

# The second attempt comes soon, the third not during any test.
ONCE_MORE = gorums.Backoff(initial=0.02, maximum=600, multiplier=1e6)
AGAIN = "pygorums.streams.reach.CALLS_APART"
HOPE = "pygorums.streams.reach.HOPE"


async def in_a_long_pause(node: gorums.Node) -> None:
    """Waits until no attempt will be made for long, and the last one is older than the shortest pause."""
    pause: Pause = node.channel._reach.pause  # type: ignore[attr-defined]  # nothing tells that a pause has begun
    loop = asyncio.get_running_loop()
    await until(lambda: pause._over is not None and pause._until > loop.time() + 60)
    await until(lambda: loop.time() > pause._attempted_at + ONCE_MORE.initial)


@asynccontextmanager
async def a_node_that_was_down(one: Cluster[ScriptedCalls]) -> AsyncIterator[tuple[TcpProxy, gorums.Node]]:
    """A node in a long pause."""
    async with TcpProxy(one.addresses[0]) as proxy:
        proxy.turn_away = True
        config = gorums.connect([proxy.address], backoff=ONCE_MORE)
        try:
            await proxy.attempted(2)
            await in_a_long_pause(config[0])
            yield proxy, config[0]
        finally:
            await within(config.close())


@pytest.mark.parametrize("call", ["rpc", "one-way", "quorum"])
async def test_the_next_call_after_the_node_is_back_succeeds(
    one: Cluster[ScriptedCalls], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(AGAIN, 0)
    monkeypatch.setattr(HOPE, 10)
    async with a_node_that_was_down(one) as (proxy, node):
        proxy.turn_away = False
        if call == "rpc":
            assert (await within(echo(node, Text(text="x")))).text == "x"
        elif call == "one-way":
            await within(note(node, Text(text="x")))
        else:
            config = gorums.Configuration([node], node.pool)
            assert (await within(ask(config, Text(text="x")).all())).text == "x"
        await one.service.has_seen("x")


async def test_calls_that_come_meanwhile_wait_for_the_same_attempt(
    one: Cluster[ScriptedCalls], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AGAIN, 0)
    monkeypatch.setattr(HOPE, 10)
    async with a_node_that_was_down(one) as (proxy, node):
        proxy.turn_away = False
        attempts = proxy.attempts
        calls = [echo(node, Text(text=str(n))) for n in range(20)]
        assert [reply.text for reply in await within(asyncio.gather(*calls))] == [str(n) for n in range(20)]
        assert proxy.open_links == 1
        assert proxy.attempts == attempts + 1


async def test_a_call_to_a_node_that_is_still_down_is_told_so(
    one: Cluster[ScriptedCalls], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AGAIN, 0)
    async with a_node_that_was_down(one) as (proxy, node):
        attempts = proxy.attempts
        with pytest.raises(gorums.StreamDownError):
            await within(echo(node, Text()))
        await proxy.attempted(attempts + 1)


async def test_a_call_does_not_wait_for_long(one: Cluster[ScriptedCalls], monkeypatch: pytest.MonkeyPatch) -> None:
    """The attempt may take seconds, where nobody refuses it."""
    monkeypatch.setattr(AGAIN, 0)
    monkeypatch.setattr(HOPE, 0.05)
    async with a_node_that_was_down(one) as (proxy, node):
        proxy.turn_away = False
        proxy.freeze()
        with pytest.raises(gorums.StreamDownError):
            await within(echo(node, Text()), 3)
        with pytest.raises(gorums.SendError):
            await within(note(node, Text()), 3)
        proxy.thaw()
        await until(lambda: node.connected)
        assert (await within(echo(node, Text(text="x")))).text == "x"


async def test_calls_do_not_make_a_storm(one: Cluster[ScriptedCalls], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AGAIN, 600)
    async with a_node_that_was_down(one) as (proxy, node):
        attempts = proxy.attempts
        for _ in range(100):
            with pytest.raises(gorums.StreamDownError):
                await within(echo(node, Text()))
        assert proxy.attempts == attempts


async def test_a_peer_that_connects_is_connected_to() -> None:
    def system(node_id: int, addresses: dict[int, str]) -> gorums.System:
        return gorums.System(
            addresses[node_id], ScriptedCalls(node_id), node_id=node_id, peers=addresses, backoff=ONCE_MORE
        )

    async with gorums.local_systems(2, ScriptedCalls) as pair:
        addresses = {one.node_id: str(one.address) for one in pair}
    async with system(1, addresses) as first:
        peer = first.outbound[1]
        await in_a_long_pause(peer)
        async with system(2, addresses):
            await within(first.outbound.wait_connected(timeout=5))
            assert (await within(echo(peer, Text(text="x")))).number == 2


async def test_a_peer_that_calls_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only our own stream to it broke; it has not connected anew."""
    monkeypatch.setattr(AGAIN, 0)
    monkeypatch.setattr("pygorums.serving.arrivals.HEARD_APART", 0)
    async with gorums.local_systems(2, ScriptedCalls) as pair:
        addresses = {one.node_id: str(one.address) for one in pair}
    second = gorums.System(addresses[2], ScriptedCalls(2), node_id=2, peers=addresses, backoff=QUICK)
    async with TcpProxy(addresses[2]) as proxy, second:
        # The first reaches the second through the proxy only.
        peers = {1: addresses[1], 2: proxy.address}
        service = ScriptedCalls(1)
        first = gorums.System(addresses[1], service, node_id=1, peers=peers, backoff=ONCE_MORE)
        async with first:
            await within(second.outbound.wait_connected(timeout=5))
            await within(first.outbound.wait_connected(timeout=5))
            proxy.turn_away = True
            proxy.reset()
            await in_a_long_pause(first.outbound[1])
            proxy.turn_away = False
            await within(echo(second.outbound[0], Text(text="hello")))
            await within(first.outbound.wait_connected(timeout=5))


async def test_a_peer_can_be_called_at_the_moment_it_connects() -> None:
    """A protocol greets whoever comes: that must not be told how things were before."""
    async with gorums.local_systems(2, ScriptedCalls) as pair:
        addresses = {one.node_id: str(one.address) for one in pair}
    greetings: list[asyncio.Future[Text]] = []

    def greet(config: gorums.Configuration) -> None:
        if 2 in config:
            greetings.append(echo(first.outbound.node(2), Text(text="hello")))

    service = ScriptedCalls(1)
    first = gorums.System(addresses[1], service, node_id=1, peers=addresses, backoff=ONCE_MORE, on_config_change=greet)
    async with first:
        await in_a_long_pause(first.outbound[1])
        async with gorums.System(addresses[2], ScriptedCalls(2), node_id=2, peers=addresses):
            await until(lambda: bool(greetings))
            assert (await within(greetings[0])).number == 2
