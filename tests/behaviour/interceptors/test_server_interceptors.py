"""Server interceptors: around the handlers of all call types, wherever the call comes from."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected, serving
from tests.support.frames import request
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import until, within

Next = Callable[[gorums.ServerContext, Any], Awaitable[Any]]
Interceptor = gorums.ServerInterceptor


@dataclass
class Answering:
    """Somebody with interceptors who can be called.

    Attributes:
        config: to call it with.
        service: its handlers.
    """

    config: gorums.Configuration
    service: ScriptedCalls = field(default_factory=ScriptedCalls)


@asynccontextmanager
async def remote(*interceptors: Interceptor) -> AsyncIterator[Answering]:
    """A server over the network."""
    service = ScriptedCalls()
    async with serving(service, interceptors=interceptors) as address, connected([address]) as config:
        yield Answering(config, service)


@asynccontextmanager
async def own(*interceptors: Interceptor) -> AsyncIterator[Answering]:
    """The own node, in the process."""
    service = ScriptedCalls()
    async with gorums.Server(service, node_id=7, interceptors=interceptors) as server:
        yield Answering(server.config(), service)


@asynccontextmanager
async def reverse(*interceptors: Interceptor) -> AsyncIterator[Answering]:
    """A client that is called back over the stream that it has opened."""
    service = ScriptedCalls()
    async with gorums.Server() as server:
        address = await server.start("127.0.0.1:0")
        async with connected([address], server=gorums.Server(service, interceptors=interceptors)):
            await until(lambda: len(server.client_config()) == 1)
            yield Answering(server.client_config(), service)


WAYS = {"remote": remote, "own": own, "reverse": reverse}
Way = Callable[..., Any]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """Each way in which a request can come."""
    return WAYS[request.param]


def noting(log: list[str], name: str) -> Interceptor:
    async def interceptor(ctx: gorums.ServerContext, request: Text, call_next: Next) -> Any:
        log.append(f"{name} in")
        reply = await call_next(ctx, Text(text=request.text + name, number=request.number))
        log.append(f"{name} out")
        return reply

    return interceptor


async def test_the_first_is_the_outermost(way: Way) -> None:
    """Rows: 251, 256."""
    log: list[str] = []
    async with way(noting(log, "a"), noting(log, "b")) as answering:
        reply = await within(echo(answering.config[0], Text(text="x")))
    assert reply.text == "xab"
    assert log == ["a in", "b in", "b out", "a out"]


async def test_they_run_for_every_call_type(way: Way) -> None:
    """Rows: 255, 256."""
    log: list[str] = []
    kinds: list[str] = []

    async def look(ctx: gorums.ServerContext, request: Text, call_next: Next) -> Any:
        reply = await call_next(ctx, request)
        kinds.append("none" if reply is None else "replies" if hasattr(reply, "__aiter__") else "reply")
        return reply

    async with way(noting(log, "!"), look) as answering:
        config, node = answering.config, answering.config[0]
        assert (await within(echo(node, Text(text="rpc")))).text == "rpc!"
        await within(note(node, Text(text="unicast")))
        await within(spread(config, Text(text="multicast")))
        assert (await within(ask(config, Text(text="quorum")).all())).text == "quorum!"
        replies = [r.value.text async for r in follow(config, Text(text="stream", number=2))]
        assert replies == ["stream!"] * 2
        assert answering.service.seen == ["rpc!", "unicast!", "multicast!", "quorum!", "stream!"]
    assert kinds == ["reply", "none", "none", "reply", "replies"]


async def test_messages_may_be_changed_in_place(way: Way) -> None:
    """Rows: 252."""

    async def change(ctx: gorums.ServerContext, request: Text, call_next: Next) -> Any:
        request.text += " and more"
        reply = await call_next(ctx, request)
        reply.text = reply.text.upper()
        return reply

    sent = Text(text="x")
    async with way(change) as answering:
        assert (await within(echo(answering.config[0], sent))).text == "X AND MORE"
        assert (await within(ask(answering.config, sent).all())).text == "X AND MORE"
    assert sent.text == "x", "the caller's message is its own"


async def test_replies_of_a_correctable_may_be_changed(way: Way) -> None:
    """Rows: 255."""

    async def change(ctx: gorums.ServerContext, request: Text, call_next: Next) -> Any:
        replies = await call_next(ctx, request)

        async def doubled() -> AsyncIterator[Text]:
            async for reply in replies:
                yield reply
                yield Text(text="again", number=reply.number)

        return doubled()

    async with way(change) as answering:
        replies = [r.value async for r in follow(answering.config, Text(text="x", number=2))]
    assert [(reply.text, reply.number) for reply in replies] == [("x", 1), ("again", 1), ("x", 2), ("again", 2)]


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (gorums.StatusError(grpc.StatusCode.PERMISSION_DENIED, "no"), grpc.StatusCode.PERMISSION_DENIED, "no"),
        (ZeroDivisionError("oops"), grpc.StatusCode.UNKNOWN, "oops"),
        (NotImplementedError("later"), grpc.StatusCode.UNIMPLEMENTED, "later"),
    ],
)
async def test_they_may_refuse(
    way: Way, error: Exception, code: grpc.StatusCode, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The handler is not called, and the stream goes on.

    Rows: 253.
    """

    async def refuse(ctx: gorums.ServerContext, request: Text, call_next: Next) -> Any:
        if request.text == "refuse":
            raise error
        return await call_next(ctx, request)

    with caplog.at_level(logging.CRITICAL, "pygorums"):
        async with way(refuse) as answering:
            config, node = answering.config, answering.config[0]
            await within(note(node, Text(text="refuse")))
            await within(spread(config, Text(text="refuse")))
            with pytest.raises(gorums.StatusError, match=text) as rpc:
                await within(echo(node, Text(text="refuse")))
            with pytest.raises(gorums.IncompleteError, match=text) as quorum:
                await within(ask(config, Text(text="refuse")).all())
            with pytest.raises(gorums.IncompleteError, match=text) as streaming:
                await within(follow(config, Text(text="refuse", number=2)).first())
            assert (await within(echo(node, Text(text="after")))).text == "after"
            assert answering.service.seen == ["after"]
    assert rpc.value.code == code
    assert quorum.value.caused_by(code)
    assert streaming.value.caused_by(code)


async def test_metadata_that_they_add_are_seen_further_in(way: Way) -> None:
    """By the interceptors inside, and by the handler, after what came with the message.

    Rows: 257.
    """
    seen: list[tuple[str, ...]] = []

    def adding(value: str) -> Interceptor:
        async def add(ctx: gorums.ServerContext, request: Text, call_next: Next) -> Any:
            seen.append(ctx.metadata.get_all("key"))
            ctx.add_metadata("key", value)
            return await call_next(ctx, request)

        return add

    async with way(adding("a"), adding("b")) as answering:
        await within(echo(answering.config[0], Text(text="x"), metadata={"key": "message"}))
        await within(spread(answering.config, Text(text="y")))
        await answering.service.has_seen("y")
        handlers = [ctx.metadata.get_all("key") for ctx in answering.service.contexts]
    assert seen == [("message",), ("message", "a"), (), ("a",)]
    assert handlers == [("message", "a", "b"), ("a", "b")]


@pytest.mark.parametrize(("key", "value"), [("Key", "x"), ("key-bin", "x"), ("key", 1)])
async def test_metadata_that_cannot_be_added(key: str, value: Any) -> None:
    raised: list[Exception] = []

    async def add(ctx: gorums.ServerContext, request: Text, call_next: Next) -> Any:
        with pytest.raises((TypeError, ValueError), match="metadata") as error:
            ctx.add_metadata(key, value)
        raised.append(error.value)
        return await call_next(ctx, request)

    async with remote(add) as answering:
        await within(echo(answering.config[0], Text()))
    assert len(raised) == 1


async def test_they_may_answer_themselves(way: Way) -> None:
    async def cached(ctx: gorums.ServerContext, request: Text, call_next: Next) -> Any:
        return Text(text="from the cache")

    async with way(cached) as answering:
        assert (await within(echo(answering.config[0], Text(text="x")))).text == "from the cache"
        assert answering.service.seen == []


async def test_they_may_release(way: Way) -> None:
    """The next request is let in, as by the handler."""

    async def release(ctx: gorums.ServerContext, request: Text, call_next: Next) -> Any:
        ctx.release()
        return await call_next(ctx, request)

    async with way(release) as answering:
        held = echo(answering.config[0], Text(text="hold:x"))
        assert (await within(echo(answering.config[0], Text(text="passes by")))).text == "passes by"
        answering.service.gates["x"].open()
        await within(held)


async def test_they_are_those_of_the_server_for_every_service() -> None:
    """Services that are registered later have them too; a method without a handler has none.

    Rows: 254.
    """
    log: list[str] = []
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(gorums.Server(interceptors=[noting(log, "a")]))
        address = await server.start("127.0.0.1:0")
        client = await stack.enter_async_context(ScriptedClient(address))
        await client.send(request(1, "calls.Calls.Echo"))
        reply = await client.receive()
        assert reply.status.code == grpc.StatusCode.UNIMPLEMENTED.value[0]
        assert log == []
        server.register(ScriptedCalls())
        await client.send(request(2, "calls.Calls.Echo"), request(3, "calls.Calls.Nothing"))
        assert not (await client.receive()).status.code
        assert (await client.receive()).status.code == grpc.StatusCode.UNIMPLEMENTED.value[0]
        assert log == ["a in", "a out"]


async def test_one_that_returns_nothing_that_can_be_awaited(caplog: pytest.LogCaptureFixture) -> None:
    """A mistake of the server's author: the caller is told, and the log has more."""

    def wrong(ctx: gorums.ServerContext, request: Text, call_next: Next) -> Any:
        return None

    with caplog.at_level(logging.ERROR, "pygorums"):
        async with remote(wrong) as answering:
            with pytest.raises(gorums.StatusError) as error:
                await within(echo(answering.config[0], Text()))
    assert error.value.code == grpc.StatusCode.UNKNOWN
    assert "await" in caplog.text
