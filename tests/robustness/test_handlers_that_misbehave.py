"""Whatever a handler raises fails its own call: the next request of the same stream is served, and so is everybody."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any, NoReturn

import grpc
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected, serving
from tests.support.waiting import within


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise ValueError("cannot even be printed")


class OwnBaseError(BaseException):
    """What some libraries derive from BaseException, so that nobody catches it."""


def stop_iteration() -> NoReturn:
    next(iter(()))
    raise AssertionError


def status_with(*details: Any) -> Callable[[], NoReturn]:
    def fail() -> NoReturn:
        raise gorums.StatusError(grpc.StatusCode.ABORTED, "with details", details)

    return fail


def raising(error: BaseException) -> Callable[[], NoReturn]:
    def fail() -> NoReturn:
        raise error

    return fail


def recursion() -> NoReturn:
    recursion()


FAILURES: dict[str, Callable[[], object]] = {
    "exception": raising(ValueError("why")),
    "exception group": raising(ExceptionGroup("many", [ValueError("a"), KeyError("b")])),
    "base exception": raising(OwnBaseError("why")),
    "system exit": lambda: sys.exit(3),
    "generator exit": raising(GeneratorExit()),
    "cancelled": raising(asyncio.CancelledError()),
    "stop iteration": stop_iteration,
    "stop async iteration": raising(StopAsyncIteration()),
    "timeout": raising(TimeoutError()),
    "unprintable": raising(UnprintableError()),
    "surrogates in the text": raising(ValueError("\ud800")),
    "a long text": raising(ValueError("x" * 10_000_000)),
    "memory": raising(MemoryError()),
    "recursion": recursion,
    "details that are no messages": status_with("not a message"),
    "a message that is no text": lambda: (_ for _ in ()).throw(gorums.StatusError(grpc.StatusCode.ABORTED, 5)),  # type: ignore[arg-type]  # the point
}


class Misbehaving(CallsServer):
    """Fails as the request's text says, in every kind of handler."""

    def plain(self, text: str) -> None:
        if text in FAILURES:
            FAILURES[text]()

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.plain(request.text)
        return request

    def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.plain(request.text)
        return request

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        self.plain(request.text)

    def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        self.plain(request.text)

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        yield request
        self.plain(request.text)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "pygorums.server")


async def failure_of(call: Any) -> gorums.StatusError:
    with pytest.raises(gorums.StatusError) as caught:
        await within(call)
    return caught.value


@pytest.mark.parametrize("how", FAILURES)
@pytest.mark.parametrize("kind", ["async", "plain", "released", "streaming", "one-way", "one-way plain"])
async def test_it_fails_its_own_call_alone(how: str, kind: str) -> None:
    class Released(Misbehaving):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            ctx.release()
            return await super().echo(ctx, request)

    async with (
        serving(Released() if kind == "released" else Misbehaving()) as address,
        connected([address]) as config,
        connected([address]) as other,
    ):
        request = Text(text=how)
        if kind in {"async", "released"}:
            error = await failure_of(echo(config[0], request))
            assert error.node_id == 1
            assert error.code not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
        elif kind == "plain":
            with pytest.raises(gorums.IncompleteError) as caught:
                await within(ask(config, request).all())
            assert set(caught.value.node_errors) == {1}
        elif kind == "streaming":
            responses = [response async for response in follow(config, request, timeout=10)]
            assert [response.error is None for response in responses] == [True, False]
        elif kind == "one-way":
            await within(note(config[0], request))
        else:
            await within(spread(config, request))
        for calm in (config, other):
            assert (await within(echo(calm[0], Text(text="after")))).text == "after"
            assert calm[0].connected
            assert calm[0].pending == 0


async def test_a_handler_that_never_returns_stalls_its_own_stream_alone() -> None:
    class Stuck(Misbehaving):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            if request.text == "never":
                await asyncio.Event().wait()
            return request

    async with serving(Stuck()) as address, connected([address]) as config, connected([address]) as other:
        stuck = echo(config[0], Text(text="never"))
        with pytest.raises(TimeoutError) as caught:
            await within(echo(config[0], Text(text="behind"), timeout=0.1))
        assert "node 1" in str(caught.value)
        for n in range(20):
            assert (await within(echo(other[0], Text(text=str(n))))).text == str(n)
        assert config[0].pending == 1
        stuck.cancel()
        assert config[0].pending == 0
