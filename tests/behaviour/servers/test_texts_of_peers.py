"""What peers write is shown on one line, and what went wrong within a server is no stranger's business."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected, serving
from tests.support.frames import failure
from tests.support.scripted_server import ScriptedServer, ServerStream
from tests.support.waiting import until, within

EVIL = "no\nERROR root: all is lost\r\x1b[2J\x1b]0;title\x07"
HARMLESS = "no\\nERROR root: all is lost\\r\\x1b[2J\\x1b]0;title\\x07"
SECRET = "password=hunter2"


class Failing(CallsServer):
    """Raises, or gives, what it was made with."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        if isinstance(self.outcome, Exception):
            raise self.outcome.with_traceback(None)
        return self.outcome  # type: ignore[no-any-return] # it is wrong on purpose

    ask = echo

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self.echo(ctx, request)

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self.echo(ctx, request)

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        yield await self.echo(ctx, request)


async def told(outcome: Any, **options: Any) -> gorums.StatusError:
    """What a client is told of an outcome."""
    async with serving(Failing(outcome), **options) as address, connected([address]) as config:
        with pytest.raises(gorums.StatusError) as error:
            await within(echo(config[0], Text()))
        return error.value


async def test_statuses_are_escaped_where_they_are_shown() -> None:
    """And only there."""
    async with (
        serving(Failing(gorums.StatusError(grpc.StatusCode.ABORTED, EVIL))) as address,
        connected([address]) as config,
    ):
        with pytest.raises(gorums.StatusError) as error:
            await within(echo(config[0], Text()))
        assert error.value.message == error.value.details() == EVIL
        assert str(error.value) == f"node 1: ABORTED: {HARMLESS}"
        with pytest.raises(gorums.IncompleteError) as failed:
            await within(ask(config, Text()).all())
        assert f"ABORTED: {HARMLESS}" in str(failed.value)
        assert "\x1b" not in str(failed.value)


async def test_the_status_that_ends_a_stream() -> None:
    async def script(stream: ServerStream) -> None:
        await stream.abort(grpc.StatusCode.PERMISSION_DENIED, "no\nwhere\x1b[2J")

    async with ScriptedServer(script) as server:
        config = gorums.connect([server.address])
        await until(lambda: config[0].last_error is not None)
        assert str(config[0].last_error).endswith("no\\nwhere\\x1b[2J")
        await config.close()


async def test_methods_that_peers_name(caplog: pytest.LogCaptureFixture) -> None:
    """A reply that cannot be delivered is logged with its method, as the peer wrote it."""

    async def script(stream: ServerStream) -> None:
        frame = await stream.receive()
        while frame is not None:
            answer = failure(stream.messages[-1], 13, "x")
            answer.method = EVIL
            await stream.send(answer)
            frame = await stream.receive()

    async with ScriptedServer(script) as server, connected([server.address]) as config:
        call = echo(config[0], Text())
        calls = config[0].channel.pending._calls
        calls[min(calls)] = object()  # type: ignore[assignment] # how else could a call fail to take it?
        await until(lambda: caplog.records)
        call.cancel()
    assert HARMLESS in caplog.records[0].getMessage()


async def test_one_way_failures_are_escaped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    failing = gorums.StatusError(grpc.StatusCode.ABORTED, EVIL)
    with caplog.at_level(logging.ERROR, "pygorums.server"):
        async with serving(Failing(failing)) as address, connected([address]) as config:
            for _ in range(50):
                await within(note(config[0], Text()))
            with pytest.raises(gorums.StatusError):
                await within(echo(config[0], Text()))
    assert [record.getMessage() for record in caplog.records] == [
        f"The handler of calls.Calls.Note failed: ABORTED: {HARMLESS}"
    ]


async def test_a_handler_that_always_raises(caplog: pytest.LogCaptureFixture) -> None:
    """Its traceback is logged once, not once a request."""
    with caplog.at_level(logging.ERROR, "pygorums.server"):
        async with serving(Failing(ValueError("always"))) as address, connected([address]) as config:
            for _ in range(100):
                with pytest.raises(gorums.StatusError, match="UNKNOWN: always"):
                    await within(echo(config[0], Text()))
    assert [record.getMessage() for record in caplog.records] == ["The handler of calls.Calls.Echo failed"]
    assert caplog.records[0].exc_info is not None


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (ValueError(SECRET), SECRET),
        (KeyError("missing"), "KeyError: 'missing'"),
        (RuntimeError(), "RuntimeError"),
        (LookupError("nothing"), "nothing"),
    ],
)
async def test_what_handlers_raise_is_sent_by_default(outcome: Exception, text: str) -> None:
    error = await told(outcome)
    assert (error.code(), error.message) == (grpc.StatusCode.UNKNOWN, text)


@pytest.mark.parametrize(
    ("outcome", "code", "text"),
    [
        (ValueError(SECRET), "UNKNOWN", "ValueError"),
        (KeyError(SECRET), "UNKNOWN", "KeyError"),
        (NotImplementedError(SECRET), "UNIMPLEMENTED", "calls.Calls.Echo is not implemented"),
        (gorums.StatusError(grpc.StatusCode.ABORTED, "meant for the client"), "ABORTED", "meant for the client"),
        (Text(text=SECRET).text, "UNKNOWN", "TypeError"),
    ],
)
async def test_hidden_errors(outcome: Any, code: str, text: str, caplog: pytest.LogCaptureFixture) -> None:
    """The log has what clients are not told."""
    error = await told(outcome, hide_errors=True)
    assert (error.code().name, error.message) == (code, text)
    if isinstance(outcome, ValueError):
        assert SECRET in str(caplog.records[0].exc_info)


async def test_hidden_errors_of_streaming_calls() -> None:
    async with (
        serving(Failing(ValueError(SECRET)), hide_errors=True) as address,
        connected([address]) as config,
    ):
        with pytest.raises(gorums.IncompleteError) as error:
            await within(follow(config, Text()).first())
        assert str(error.value.node_errors[1]) == "node 1: UNKNOWN: ValueError"


@pytest.mark.parametrize(
    ("outcome", "kind"), [(SECRET, "a str"), (None, "None"), ({"key": SECRET}, "a dict"), (gorums, "a module")]
)
async def test_a_reply_of_the_wrong_type_is_not_shown(outcome: object, kind: str) -> None:
    """Only its type: what is in it may be anything."""
    error = await told(outcome)
    assert error.message == f"the handler of calls.Calls.Echo must return a calls.Text, it returned {kind}"
