"""Calls that are made in a handler have the time that is left to those who wait for it."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Self

import pytest

import pygorums as gorums
from tests.protos import calls_gorums
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected, serving
from tests.support.plain_calls import PlainCalls
from tests.support.waiting import within
from tests.support.worlds import WORLDS

Remaining = float | None
passing = gorums.map_response(lambda value, node: value)


class Inner(CallsServer):
    """Keeps how much time its callers have."""

    def __init__(self) -> None:
        self.remaining: list[Remaining] = []
        self.noted = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    def _see(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.remaining.append(ctx.time_remaining())
        return request

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return self._see(ctx, request)

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        await self.gate.wait()
        return self._see(ctx, request)

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        self._see(ctx, request)
        self.noted.set()

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None: ...

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        yield self._see(ctx, request)


class Outer(Inner):
    """Has a test's function called in the handlers of `Echo` and `Follow`."""

    def __init__(self) -> None:
        super().__init__()
        self.nested: Callable[[gorums.ServerContext], Awaitable[Any]]

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        ctx.release()
        await self.nested(ctx)
        return request

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        ctx.release()
        await self.nested(ctx)
        yield request


class Both:
    """A server whose handlers call another.

    Attributes:
        inner: the service of the other.
        outer: the service of the first.
        first: the first, as a configuration.
        second: the other, as a configuration.
    """

    async def __aenter__(self) -> Self:
        self.inner, self.outer = Inner(), Outer()
        self._stack = AsyncExitStack()
        enter = self._stack.enter_async_context
        self.second = await enter(connected([await enter(serving(self.inner))]))
        self.first = await enter(connected([await enter(serving(self.outer))]))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def remaining(
        self, nested: Callable[[gorums.Configuration], Awaitable[Any]], timeout: Remaining
    ) -> Remaining:
        """How much time a nested call has if the outer one has `timeout`."""
        self.outer.nested = lambda ctx: nested(self.second)
        await within(echo(self.first[0], Text(), timeout=timeout))
        (one,) = self.inner.remaining
        return one


NESTED: dict[str, Callable[[gorums.Configuration], Awaitable[Any]]] = {
    "rpc": lambda config: echo(config[0], Text()),
    "intercepted rpc": lambda config: echo(config[0], Text(), interceptors=[passing]),
    "quorum call": lambda config: ask(config, Text()).majority(),
    "intercepted quorum call": lambda config: ask(config, Text(), interceptors=[passing]).majority(),
    "future": lambda config: ask(config, Text()).async_all(),
    "iteration": lambda config: ask(config, Text()).collect_all(),
    "correctable": lambda config: follow(config, Text()).correctable(1).wait(),
    "in a task": lambda config: asyncio.create_task(within(echo(config[0], Text()))),
}


@pytest.mark.parametrize("name", NESTED)
async def test_a_nested_call_has_what_is_left(name: str) -> None:
    async with Both() as both:
        remaining = await both.remaining(NESTED[name], 50.0)
        assert remaining is not None
        assert 20 < remaining <= 50


@pytest.mark.parametrize("name", NESTED)
async def test_without_a_deadline_there_is_none(name: str) -> None:
    async with Both() as both:
        assert await both.remaining(NESTED[name], None) is None


OTHERWISE: dict[str, tuple[Callable[[gorums.Configuration], Awaitable[Any]], tuple[float, float] | None]] = {
    "shorter": (lambda config: echo(config[0], Text(), timeout=40), (10, 40)),
    "longer": (lambda config: echo(config[0], Text(), timeout=100), (60, 100)),
    "none": (lambda config: echo(config[0], Text(), timeout=math.inf), None),
    "quorum call, longer": (lambda config: ask(config, Text(), timeout=100).all(), (60, 100)),
    "quorum call, none": (lambda config: ask(config, Text(), timeout=math.inf).all(), None),
    "default": (lambda config: ask(config.with_defaults(timeout=100), Text()).all(), (60, 100)),
    "default, none": (lambda config: ask(config.with_defaults(timeout=math.inf), Text()).all(), None),
}


@pytest.mark.parametrize("name", OTHERWISE)
async def test_unless_it_is_told_otherwise(name: str) -> None:
    call, expected = OTHERWISE[name]
    async with Both() as both:
        remaining = await both.remaining(call, 50.0)
        if expected is None:
            assert remaining is None
        else:
            assert remaining is not None
            assert expected[0] < remaining <= expected[1]


async def test_one_way_messages_have_nobody_who_waits() -> None:
    async with Both() as both:

        async def nested(config: gorums.Configuration) -> None:
            await note(config[0], Text())
            await both.inner.noted.wait()

        assert await both.remaining(nested, 50.0) is None


async def test_a_call_to_the_own_server_through_a_streaming_handler() -> None:
    async with Both() as both:
        both.outer.nested = lambda ctx: ask(both.first, Text()).all()
        await within(follow(both.first, Text(), timeout=50.0).first())
        (remaining,) = both.outer.remaining
        assert remaining is not None
        assert 20 < remaining <= 50


async def test_a_nested_call_ends_when_the_time_is_up() -> None:
    errors: list[BaseException] = []

    async with Both() as both:
        both.inner.gate.clear()

        async def nested(ctx: gorums.ServerContext) -> None:
            try:
                await ask(both.second, Text()).all()
            except gorums.QuorumTimeoutError as error:
                errors.append(error)
                ended.set()

        ended = asyncio.Event()
        both.outer.nested = nested
        with pytest.raises(TimeoutError):
            await within(echo(both.first[0], Text(), timeout=0.2))
        await within(ended.wait())
        both.inner.gate.set()
    assert len(errors) == 1


async def test_what_goes_on_after_the_handler_is_not_limited() -> None:
    """Nobody waits for it any more."""
    async with Both() as both:
        gate = asyncio.Event()
        tasks: list[asyncio.Task[Text]] = []

        async def later() -> Text:
            await gate.wait()
            return await echo(both.second[0], Text())

        async def nested(ctx: gorums.ServerContext) -> None:
            tasks.append(asyncio.create_task(later()))

        both.outer.nested = nested
        await within(echo(both.first[0], Text(), timeout=50.0))
        gate.set()
        await within(tasks[0])
        assert both.inner.remaining == [None]


@pytest.mark.parametrize("name", ["rpc", "quorum call", "context"])
def test_in_plain_handlers(name: str) -> None:
    """Of the blocking world, whose handlers have threads."""
    api: Any = calls_gorums
    with WORLDS["blocking"]() as world:
        inner, outer = PlainCalls(1), PlainCalls(2)
        with (
            world.using(lambda: world.api.Server(inner)) as one,
            world.using(lambda: world.api.Server(outer)) as two,
            world.using(lambda: world.api.connect([one.start("127.0.0.1:0")])) as second,
            world.using(lambda: world.api.connect([two.start("127.0.0.1:0")])) as first,
        ):
            calls: dict[str, Callable[[Any], Any]] = {
                "rpc": lambda ctx: api.echo(second[0], Text(text="x")),
                "quorum call": lambda ctx: api.ask(second, Text(text="x")).majority(),
                "context": lambda ctx: api.ask(second, Text(text="x"), timeout=ctx.time_remaining()).all(),
            }
            outer.nested = lambda ctx: calls[name](ctx).text
            assert api.echo(first[0], Text(text="nested"), timeout=50.0).text == "x"
            assert api.echo(first[0], Text(text="nested")).text == "x"
        remaining = [ctx.time_remaining() for ctx in inner.contexts]
        assert remaining[0] is not None
        assert 20 < remaining[0] <= 50
        assert remaining[1] is None
