"""In what order requests are handled, by whom, and until when: in both directions of a stream."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
import pytest

import pygorums as gorums
from pygorums.serving.handlers import CallNext
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.peers import PEERS, dialled, peer, running
from tests.support.waiting import turns, until, within


@dataclass
class Way:
    """One way for calls to go.

    Attributes:
        config: A configuration of one node that goes it.
        service: What handles the calls.
        end: Ends the stream, if there is one.
    """

    config: gorums.Configuration
    service: ScriptedCalls
    end: Callable[[], Awaitable[None]]

    @property
    def node(self) -> gorums.Node:
        """The node."""
        return self.config[0]


@asynccontextmanager
async def forward() -> AsyncIterator[Way]:
    service = ScriptedCalls(1)
    async with running(service) as server, dialled(server) as config:
        yield Way(config, service, config.close)


@asynccontextmanager
async def backward() -> AsyncIterator[Way]:
    service = ScriptedCalls(1)
    async with running(node_id=1, peers=PEERS) as server, peer(server, 2, service) as config:
        yield Way(server.config().remove(1), service, config.close)
        service.open_all()


@asynccontextmanager
async def within_the_process() -> AsyncIterator[Way]:
    service = ScriptedCalls(1)
    async with running(service, node_id=1) as server:
        yield Way(server.config(), service, server.stop)


WAYS = {"forward": forward, "backward": backward, "own node": within_the_process}


@pytest.fixture(params=WAYS)
async def way(request: pytest.FixtureRequest) -> AsyncIterator[Way]:
    async with WAYS[request.param]() as each:
        yield each


async def test_first_in_first_out(way: Way) -> None:
    """Calls of all kinds are handled in the order in which they were made, also back to a client.

    Rows: 90, 95, 141.
    """
    expected = [f"{n} {kind}" for n in range(100) for kind in ("rpc", "unicast", "quorum call", "streaming")]
    calls: list[Awaitable[object]] = []
    for n in range(100):
        calls.append(echo(way.node, Text(text=f"{n} rpc")))
        calls.append(note(way.node, Text(text=f"{n} unicast")))
        calls.append(ask(way.config, Text(text=f"{n} quorum call")).async_all())
        calls.append(follow(way.config, Text(text=f"{n} streaming", number=2)).async_all())
    await within(asyncio.gather(*calls))
    assert way.service.seen == expected


async def test_the_next_handler_starts_when_the_one_before_has_returned(way: Way) -> None:
    """Rows: 90, 95, 141."""
    calls = [echo(way.node, Text(text="hold:x")), echo(way.node, Text(text="second"))]
    await way.service.gates["x"].arrivals()
    await turns(20)
    assert way.service.seen == ["hold:x"]
    way.service.gates["x"].open()
    await within(asyncio.gather(*calls))
    assert way.service.seen == ["hold:x", "second"]


async def test_or_has_released(way: Way) -> None:
    """Replies then leave in another order than their requests came in.

    Rows: 92, 93, 141.
    """
    held = [echo(way.node, Text(text=f"hold-free:{n}")) for n in range(3)]
    assert (await within(echo(way.node, Text(text="passes")))).text == "passes"
    for n in (2, 0, 1):
        assert not held[n].done()
        way.service.gates[str(n)].open()
        await within(held[n])
    assert way.service.seen == ["hold-free:0", "hold-free:1", "hold-free:2", "passes"]


async def test_releasing_twice_and_in_an_interceptor() -> None:
    """Rows: 92."""
    service = ScriptedCalls(1)

    async def releasing(ctx: gorums.ServerContext, request: Text, call_next: CallNext) -> object:
        ctx.release()
        ctx.release()
        reply = await call_next(ctx, request)
        ctx.release()
        return reply

    async with running(service, node_id=1, interceptors=[releasing]) as server, dialled(server) as config:
        for node in (config[0], server.config()[0]):
            held = echo(node, Text(text="hold:x"))
            assert (await within(echo(node, Text(text="passes")))).text == "passes"
            service.gates["x"].let()
            await within(held)


async def test_streams_do_not_wait_for_each_other() -> None:
    """Rows: 91."""
    service = ScriptedCalls(1)
    async with (
        running(service, node_id=1, peers=PEERS) as server,
        peer(server, 2) as first,
        dialled(server) as second,
    ):
        nodes = (first[0], second[0], server.config()[0])
        held = [echo(node, Text(text="hold:x")) for node in nodes]
        await service.gates["x"].arrivals(3)
        service.gates["x"].open()
        await within(asyncio.gather(*held))


async def test_any_number_of_replies(way: Way) -> None:
    """Rows: 21, 102, 103."""
    for count in (0, 1, 5):
        replies = [r async for r in follow(way.config, Text(text="x", number=count), timeout=10)]
        assert [r.value.number for r in replies] == list(range(1, count + 1))


async def test_what_handlers_raise(way: Way) -> None:
    """The caller gets it, and the stream goes on.

    Rows: 14, 102, 107.
    """
    with pytest.raises(gorums.StatusError, match="server 1 refuses") as error:
        await within(echo(way.node, Text(text="fail")))
    assert error.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    (answer,) = [r async for r in follow(way.config, Text(text="fail", number=1), timeout=10)]
    assert isinstance(answer.error, gorums.StatusError)
    assert answer.error.message == "server 1 refuses"
    await within(note(way.node, Text(text="fail")))
    assert (await within(echo(way.node, Text(text="next")))).text == "next"


class Watching(CallsServer):
    """Waits for ever, and says whether it was cancelled."""

    def __init__(self) -> None:
        self.started = asyncio.Semaphore(0)
        self.cancelled = asyncio.Semaphore(0)

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        if request.text == "released":
            ctx.release()
        self.started.release()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.release()
            raise
        return request

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self.echo(ctx, request)

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self.echo(ctx, request)

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self.echo(ctx, request)

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        yield await self.echo(ctx, request)


async def test_the_end_of_a_stream_cancels_its_handlers() -> None:
    """Those that were released too; nobody waits for their replies any more. A caller's timeout does not.

    Rows: 22, 23, 97, 98.
    """
    service = Watching()
    async with running(service, node_id=1, peers=PEERS) as server:
        for node_id in (None, 2):
            own = None if node_id is None else gorums.Server(node_id=node_id)
            async with dialled(server, own) as config:
                with pytest.raises(TimeoutError):
                    await within(echo(config[0], Text(text="released"), timeout=0.01))
                call = echo(config[0], Text(text="not released"))
                for _ in range(2):
                    await within(service.started.acquire())
                await turns(20)
                assert service.cancelled.locked()
            with pytest.raises(gorums.StatusError):
                await within(call)
            for _ in range(2):
                await within(service.cancelled.acquire())


async def test_the_end_of_a_stream_cancels_handlers_of_calls_back() -> None:
    """Rows: 97."""
    service = Watching()
    async with running(node_id=1, peers=PEERS) as server:
        async with peer(server, 2, service):
            call = echo(server.config()[1], Text(text="x"))
            await within(service.started.acquire())
        await within(service.cancelled.acquire())
        with pytest.raises(gorums.StatusError):
            await within(call)


async def test_nested_calls_end_with_the_handler_that_made_them() -> None:
    """When the caller's stream ends its handler is cancelled, and what that waits for is forgotten.

    Rows: 97, 109.
    """
    called = ScriptedCalls(2)

    class Nesting(ScriptedCalls):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            ctx.release()
            return await ask(ctx.config(), request).all()

    async with running(Nesting(1), node_id=1, peers=PEERS) as server, peer(server, 2, called):
        node = server.config()[1]
        async with dialled(server) as config:
            call = echo(config[0], Text(text="ok silent"))
            await called.has_seen("ok silent")
            assert node.pending == 1
        await until(lambda: node.pending == 0)
        with pytest.raises(gorums.StatusError):
            await within(call)
        called.open_all()
        assert (await within(echo(node, Text(text="x")))).number == 2


async def test_stopping_does_not_wait_for_idle_streams() -> None:
    """Rows: 108."""
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server, peer(server, 2), dialled(server):
        begin = asyncio.get_running_loop().time()
        await within(server.stop(60))
        assert asyncio.get_running_loop().time() - begin < 5
