"""Broadcast and trees among real systems."""

import asyncio
from functools import partial

import pytest

import pygorums as gorums
from pygorums.broadcast import Broadcast, Mode
from tests.protos.calls_gorums import echo, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.waiting import until, within


@pytest.mark.parametrize("mode", ["best_effort", "reliable", "fifo"])
async def test_what_one_sends_all_deliver(mode: Mode) -> None:
    delivered: dict[int, list[tuple[int, str]]] = {1: [], 2: [], 3: []}
    async with gorums.local_systems(3, lambda _: ScriptedCalls()) as systems:
        for system in systems:
            await system.outbound.wait_connected(timeout=10)
        buses = []
        for system in systems:

            async def deliver(sender: int, message: Text, own: int = system.node_id) -> None:
                await asyncio.sleep(0)
                delivered[own].append((sender, message.text))

            buses.append(Broadcast(system, deliver, mode))
        for number in range(20):
            for bus in buses:
                await within(bus.send(Text(text=str(number))))
        await until(lambda: all(len(got) == 60 for got in delivered.values()))
        for got in delivered.values():
            for sender in (1, 2, 3):
                assert sorted(int(text) for origin, text in got if origin == sender) == list(range(20))
    with pytest.raises(gorums.StoppedError):
        await buses[0].send(Text())


async def test_who_was_away_gets_it_later() -> None:
    peers: dict[int, str] = {}
    delivered: list[str] = []
    async with gorums.local_systems(2, lambda _: ScriptedCalls()) as systems:
        peers = {system.node_id: system.address for system in systems}
        first = Broadcast(systems[0], lambda *_: None)
        await systems[1].stop()
        await until(lambda: not systems[0].outbound.node(2).connected)
        await within(first.send(Text(text="early")))
        again = gorums.System(peers[2], ScriptedCalls(), node_id=2, peers=peers)
        Broadcast(again, lambda _, message: delivered.append(message.text))
        async with again:
            await until(lambda: delivered == ["early"])


async def test_what_deliver_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def deliver(sender: int, message: Text) -> None:
        if message.text == "bad":
            raise ValueError("bad")
        delivered.append(message.text)

    delivered: list[str] = []
    async with gorums.local_systems(1, lambda _: ScriptedCalls()) as systems:
        bus = Broadcast(systems[0], deliver)
        await bus.send(Text(text="bad"))
        await bus.send(Text(text="good"))
        await until(lambda: delivered == ["good"])
    assert "deliver has failed for a message of node 1" in caplog.text
    with pytest.raises(ValueError, match="mode"):
        Broadcast(systems[0], deliver, "sure")  # type: ignore[arg-type]


class Relaying(ScriptedCalls):
    """Passes on what is spread, and counts the nodes below itself."""

    async def started(self, system: gorums.System) -> None:
        self.system = system
        self.heard: list[str] = []

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        ctx.release()
        self.heard.append(request.text)
        await self.system.outbound.tree(2, int(request.number)).multicast(spread, request)

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        ctx.release()
        tree = self.system.outbound.tree(2, int(request.number))
        total: Text = await tree.aggregate(
            partial(echo, timeout=5), request, added, Text(text="1", number=request.number)
        )
        return total


def have_heard(services: list[Relaying], word: str) -> bool:
    return all(word in each.heard for each in services)


def added(replies: list[Text] | tuple[Text, ...] | object) -> Text:
    assert isinstance(replies, list)
    return Text(text=str(sum(int(reply.text) for reply in replies)), number=replies[0].number)


async def test_a_tree_reaches_all_and_goes_around_who_is_down() -> None:
    services: dict[int, Relaying] = {}

    def make(node_id: int) -> Relaying:
        return services.setdefault(node_id, Relaying())

    async with gorums.local_systems(7, make) as systems:
        for system in systems:
            await system.outbound.wait_connected(timeout=10)
        for root in (1, 5):
            tree = systems[root - 1].outbound.tree(2, root)
            await within(tree.multicast(spread, Text(text=f"from {root}", number=root)))
            others = [services[n] for n in range(1, 8) if n != root]
            await until(partial(have_heard, others, f"from {root}"))
            total = await within(tree.aggregate(partial(echo, timeout=5), Text(number=root), added, Text(text="1")))
            assert total is not None
            assert total.text == "7"
        await systems[1].stop()  # an inner node of the first tree
        await until(lambda: not any(system.outbound.node(2).connected for system in systems if system.node_id != 2))
        tree = systems[0].outbound.tree(2, 1)
        await within(tree.multicast(spread, Text(text="again", number=1)))
        await until(lambda: all("again" in services[n].heard for n in (3, 4, 5, 6, 7)))
        total = await within(tree.aggregate(partial(echo, timeout=5), Text(number=1), added, Text(text="1")))
        assert total is not None
        assert total.text == "6"
        assert [services[n].heard.count("again") for n in (3, 4, 5, 6, 7)] == [1] * 5
