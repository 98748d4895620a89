"""Many requests at once: that release, that never end, that hold up others."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import pygorums as gorums
from pygorums.wire.batching import envelope
from tests.protos.calls_gorums import CallsServer, echo, note
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected, serving
from tests.support.frames import request
from tests.support.peers import running
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import turns, until, within

ECHO = "calls.Calls.Echo"


@pytest.fixture(autouse=True)
async def _light() -> None:
    # In its debug mode asyncio notes for each task where that was made, which takes a millisecond.
    asyncio.get_running_loop().set_debug(False)


class Releasing(CallsServer):
    """Releases at once and waits, or answers, as the test wants it.

    Attributes:
        seen: The numbers of the requests whose handlers have started.
        running: How many handlers run.
        most: How many ran at once, at the most.
    """

    def __init__(self, *, waits: bool) -> None:
        self.seen: list[int] = []
        self.running = 0
        self.most = 0
        self.depth = 0
        self.free = asyncio.Event()
        if not waits:
            self.free.set()

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.seen.append(request.number)
        self.running += 1
        self.most = max(self.most, self.running)
        self.depth = max(self.depth, depth())
        ctx.release()
        await self.free.wait()
        self.running -= 1
        return request

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self.echo(ctx, request)

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        raise NotImplementedError

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        raise NotImplementedError

    def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        raise NotImplementedError


def depth() -> int:
    """How many frames deep this is called."""
    count, frame = 0, sys._getframe()
    while frame.f_back is not None:
        count, frame = count + 1, frame.f_back
    return count


@contextmanager
def eager(wanted: bool) -> Iterator[None]:
    """Has all tasks begin at once, where Python can do that."""
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    if wanted:
        if sys.version_info < (3, 12):
            pytest.skip("this Python has no eager tasks")
        loop.set_task_factory(asyncio.eager_task_factory)
    try:
        yield
    finally:
        loop.set_task_factory(before)


@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("way", ["network", "own node"])
async def test_releases_do_not_nest(way: str, waits: bool, eagerly: bool) -> None:
    """However many requests wait when each lets the next one in."""
    service = Releasing(waits=waits)
    with eager(eagerly):
        async with running(service, node_id=1) as server, connected([str(server.address)]) as config:
            node = config[0] if way == "network" else server.config()[0]
            calls = [echo(node, Text(number=number)) for number in range(400)]
            await until(lambda: len(service.seen) == 400)
            service.free.set()
            replies = await within(asyncio.gather(*calls))
            assert [reply.number for reply in replies] == list(range(400))
            assert service.seen == list(range(400))
            assert service.depth < 80


@pytest.mark.parametrize("way", ["network", "own node"])
async def test_handlers_that_have_released_are_bounded(way: str) -> None:
    service = Releasing(waits=True)
    options = [("pygorums.max_released_handlers", 10)]
    async with running(service, node_id=1, options=options) as server, connected([str(server.address)]) as config:
        node = config[0] if way == "network" else server.config()[0]
        calls = [echo(node, Text(number=number)) for number in range(100)]
        await until(lambda: service.running == 10)
        await turns(20)
        assert service.seen == list(range(10))
        service.free.set()
        await within(asyncio.gather(*calls))
        assert (service.most, service.seen) == (10, list(range(100)))


async def test_there_is_a_bound_by_default() -> None:
    """A client cannot have a server run as many handlers as it likes with a few bytes for each."""
    service = Releasing(waits=True)
    async with serving(service) as address, ScriptedClient(address, [("pygorums-batch", "1")]) as client:
        frames = [request(number + 1, ECHO).SerializeToString() for number in range(5000)]
        await client.send(envelope(frames))
        await until(lambda: service.running >= 4096)
        await turns(20)
        assert service.running == service.most == 4096
        service.free.set()
        assert len(await client.receive_all(5000)) == 5000


@pytest.mark.parametrize("value", [0, -1, "many", None, 1.5])
async def test_bounds_that_are_none(value: Any) -> None:
    with pytest.raises(gorums.ConfigurationError, match="max_released_handlers"):
        gorums.Server(Releasing(waits=False), options=[("pygorums.max_released_handlers", value)])


class Spinning(Releasing):
    """Each request of the greedy client keeps the processor for a while, by the loop's own clock."""

    def __init__(self) -> None:
        super().__init__(waits=False)
        self.order: list[str] = []

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        self.order.append("greedy")
        end = asyncio.get_running_loop().time() + 0.001
        while asyncio.get_running_loop().time() < end:
            pass

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.order.append("modest")
        return request


async def test_streams_take_turns_by_time() -> None:
    """A few requests that take long are as much as many that do not, so somebody else is heard between them."""
    service = Spinning()
    async with serving(service) as address, connected([address]) as greedy, connected([address]) as modest:
        for _ in range(200):
            note(greedy[0], Text())
        await until(lambda: "greedy" in service.order)
        await within(echo(modest[0], Text()))
        before = service.order.index("modest")
        assert before < 150
        await until(lambda: service.order.count("greedy") == 200)
