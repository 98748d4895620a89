"""What a handler may return, raise and know, and what the caller sees of it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage

import pygorums as gorums
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, cluster_of, connected
from tests.support.waiting import until, within


class Custom(CallsServer):
    """Every handler is `behave`, which a test sets."""

    def __init__(self, number: int = 1) -> None:
        self.behave: Callable[[gorums.ServerContext, Text], Any] = lambda ctx, request: request
        self.handled = 0

    def _handle(self, ctx: gorums.ServerContext, request: Text) -> Any:
        self.handled += 1
        return self.behave(ctx, request)

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        result = self._handle(ctx, request)
        return await result if asyncio.iscoroutine(result) else result  # type: ignore[no-any-return]  # a test's own

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self.echo(ctx, request)

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        self._handle(ctx, request)

    def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        self._handle(ctx, request)

    def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        return self._handle(ctx, request)  # type: ignore[no-any-return]  # a test's own


@pytest.fixture
async def custom() -> AsyncIterator[Cluster[Custom]]:
    async with cluster_of(1, Custom) as cluster:
        yield cluster


async def error_of(cluster: Cluster[Custom]) -> gorums.StatusError:
    """What the caller of an RPC gets; the stream goes on."""
    with pytest.raises(gorums.StatusError) as error:
        await within(echo(cluster.node, Text(text="x")))
    cluster.service.behave = lambda ctx, request: request
    assert (await within(echo(cluster.node, Text(text="after")))).text == "after"
    return error.value


def raising(error: BaseException) -> Callable[[gorums.ServerContext, Text], Any]:
    def behave(ctx: gorums.ServerContext, request: Text) -> Any:
        raise error

    return behave


async def test_a_status_with_details(custom: Cluster[Custom]) -> None:
    details = [Text(text="one"), Text(number=2)]
    custom.service.behave = raising(gorums.StatusError(grpc.StatusCode.DATA_LOSS, "gone", details))
    error = await error_of(custom)
    assert (error.code(), error.message, error.node_id) == (grpc.StatusCode.DATA_LOSS, "gone", 1)
    assert list(error.details) == details


async def test_details_whose_type_nobody_knows_stay_packed(custom: Cluster[Custom]) -> None:
    known = AnyMessage()
    known.Pack(Text(text="known"))
    unknown = AnyMessage(type_url="type.googleapis.com/of.another.Program", value=b"?")
    broken = AnyMessage(type_url="type.googleapis.com/calls.Text", value=b"\xff")
    nameless = AnyMessage(value=b"x")
    details = [known, unknown, broken, nameless]
    custom.service.behave = raising(gorums.StatusError(grpc.StatusCode.DATA_LOSS, "gone", details))
    assert list((await error_of(custom)).details) == [Text(text="known"), unknown, broken, nameless]


async def test_every_status(custom: Cluster[Custom]) -> None:
    for code in set(grpc.StatusCode) - {grpc.StatusCode.OK}:
        custom.service.behave = raising(gorums.StatusError(code, ""))
        assert (await error_of(custom)).code == code


async def test_any_other_exception(custom: Cluster[Custom], caplog: pytest.LogCaptureFixture) -> None:
    custom.service.behave = raising(ZeroDivisionError("by nothing"))
    error = await error_of(custom)
    assert error.code == grpc.StatusCode.UNKNOWN
    assert "by nothing" in error.message
    (record,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert record.name.startswith("pygorums")
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    assert "calls.Calls.Echo" in record.getMessage()


async def test_a_status_is_not_logged(custom: Cluster[Custom], caplog: pytest.LogCaptureFixture) -> None:
    custom.service.behave = raising(gorums.StatusError(grpc.StatusCode.NOT_FOUND, "no"))
    await error_of(custom)
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


async def test_not_implemented(custom: Cluster[Custom]) -> None:
    custom.service.behave = raising(NotImplementedError("not yet"))
    error = await error_of(custom)
    assert error.code == grpc.StatusCode.UNIMPLEMENTED
    assert "not yet" in error.message


async def test_the_error_of_a_nested_call_is_an_error(custom: Cluster[Custom]) -> None:
    """An error with a status that a handler lets through is sent with that status."""
    custom.service.behave = raising(gorums.NodeClosedError("the other one", node_id=7))
    assert (await error_of(custom)).code == grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("error", [asyncio.CancelledError(), asyncio.CancelledError("why")])
async def test_a_handler_that_cancels_itself(custom: Cluster[Custom], error: BaseException) -> None:
    custom.service.behave = raising(error)
    assert (await error_of(custom)).code in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN)


class OwnBaseError(BaseException):
    """Not an Exception."""


async def test_a_handler_that_raises_no_exception(custom: Cluster[Custom]) -> None:
    custom.service.behave = raising(OwnBaseError("odd"))
    assert (await error_of(custom)).code == grpc.StatusCode.UNKNOWN


@pytest.mark.parametrize("result", [None, "text", 7], ids=repr)
async def test_a_handler_that_returns_no_reply(custom: Cluster[Custom], result: object) -> None:
    custom.service.behave = lambda ctx, request: result
    error = await error_of(custom)
    assert error.code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
    assert "Text" in error.message


@pytest.mark.parametrize("send", [note, spread])
async def test_errors_of_one_way_handlers_are_logged(
    custom: Cluster[Custom], caplog: pytest.LogCaptureFixture, send: Any
) -> None:
    custom.service.behave = raising(ZeroDivisionError("by nothing"))
    await within(send(custom.node if send is note else custom.config, Text(text="x")))
    await until(lambda: caplog.records, "the error is logged")
    assert "by nothing" in caplog.text
    assert f"calls.Calls.{send.__name__.title()}" in caplog.text
    custom.service.behave = lambda ctx, request: request
    assert (await within(echo(custom.node, Text(text="after")))).text == "after"


async def some_then(error: Exception | None, count: int = 2) -> AsyncIterator[Text]:
    for number in range(1, count + 1):
        yield Text(number=number)
    if error is not None:
        raise error


def plain_some_then(error: Exception | None, count: int = 2) -> Iterator[Text]:
    for number in range(1, count + 1):
        yield Text(number=number)
    if error is not None:
        raise error


KINDS = pytest.mark.parametrize("kind", [some_then, plain_some_then], ids=["async", "plain"])


async def follow_all(cluster: Cluster[Custom]) -> tuple[list[int], list[Exception]]:
    numbers, errors = [], []
    async with asyncio.timeout(10):
        async for r in follow(cluster.config, Text(text="x")):
            if r.error is None:
                numbers.append(r.value.number)
            else:
                errors.append(r.error)
    return numbers, errors


@KINDS
async def test_correctable_handlers(custom: Cluster[Custom], kind: Callable[..., Any]) -> None:
    custom.service.behave = lambda ctx, request: kind(None, 5)
    assert await follow_all(custom) == ([1, 2, 3, 4, 5], [])


@KINDS
async def test_a_correctable_handler_that_fails_midway(custom: Cluster[Custom], kind: Callable[..., Any]) -> None:
    custom.service.behave = lambda ctx, request: kind(gorums.StatusError(grpc.StatusCode.ABORTED, "enough"))
    numbers, (error,) = await follow_all(custom)
    assert numbers == [1, 2]
    assert isinstance(error, gorums.StatusError)
    assert (error.code(), error.message, error.node_id) == (grpc.StatusCode.ABORTED, "enough", 1)


@KINDS
async def test_a_correctable_handler_that_breaks(
    custom: Cluster[Custom], kind: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    custom.service.behave = lambda ctx, request: kind(ZeroDivisionError("by nothing"))
    numbers, (error,) = await follow_all(custom)
    assert numbers == [1, 2]
    assert isinstance(error, gorums.StatusError)
    assert error.code == grpc.StatusCode.UNKNOWN
    assert "by nothing" in caplog.text


async def test_a_correctable_handler_that_does_not_even_start(custom: Cluster[Custom]) -> None:
    custom.service.behave = raising(gorums.StatusError(grpc.StatusCode.ABORTED, "never"))
    numbers, errors = await follow_all(custom)
    assert (numbers, len(errors)) == ([], 1)


async def test_an_endless_correctable_handler_ends_with_its_stream() -> None:
    ended = asyncio.Event()

    async def endless(ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        try:
            while True:
                yield Text()
                await asyncio.sleep(0.001)
        finally:
            ended.set()

    async with cluster_of(1, Custom) as cluster:
        cluster.service.behave = endless
        await within(follow(cluster.config, Text()).first())
        await cluster.config.close()
        await within(ended.wait())


async def test_what_a_handler_knows(custom: Cluster[Custom]) -> None:
    seen: list[gorums.ServerContext] = []

    def look(ctx: gorums.ServerContext, request: Text) -> Text:
        seen.append(ctx)
        return request

    custom.service.behave = look
    await within(echo(custom.node, Text()))
    await within(ask(custom.config, Text()).all())
    rpc, quorum = seen
    assert rpc.method == "calls.Calls.Echo"
    assert quorum.method == "calls.Calls.Ask"
    assert rpc.peer == quorum.peer
    assert "127.0.0.1" in rpc.peer
    assert rpc.server is custom.servers[0]
    assert "x509_common_name" not in rpc.auth_context, "no credentials, no identity"


async def test_a_handler_is_cancelled_when_its_client_goes(custom: Cluster[Custom]) -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(ctx: gorums.ServerContext, request: Text) -> Text:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return request

    custom.service.behave = wait
    call = echo(custom.node, Text())
    await within(started.wait())
    await custom.config.close()
    with pytest.raises(gorums.NodeClosedError):
        await within(call)
    await within(cancelled.wait())


async def test_a_missing_handler() -> None:
    server = gorums.Server()
    address = await server.start("127.0.0.1:0")
    async with connected([address]) as config:
        with pytest.raises(gorums.StatusError) as error:
            await within(echo(config[0], Text()))
        assert error.value.code == grpc.StatusCode.UNIMPLEMENTED
        assert error.value.message == "no handler registered for method calls.Calls.Echo"
        with pytest.raises(gorums.IncompleteError) as incomplete:
            await within(ask(config, Text()).first())
        assert incomplete.value.caused_by(grpc.StatusCode.UNIMPLEMENTED)
        (response,) = [r async for r in follow(config, Text())]
        assert isinstance(response.error, gorums.StatusError)
        await within(note(config[0], Text()))
    await server.stop()


def test_a_service_must_have_every_handler() -> None:
    class Half(ScriptedCalls):
        ask = CallsServer.ask  # type: ignore[assignment]  # abstract again

    incomplete: Any = Half
    with pytest.raises(TypeError, match="ask"):
        incomplete()
