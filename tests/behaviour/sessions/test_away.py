"""Handlers that go on while the stream of their client is away, and what their callers do meanwhile."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import grpc
import pytest

import pygorums as gorums
from tests.behaviour.sessions.broken import SAME_ENDS, Ends, Line, failure, line
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.waiting import turns, until, within


async def take_away(one: Line) -> Callable[[], None]:
    """Cuts the connection, and lets nobody connect until what is returned is called."""
    one.proxy.turn_away = True
    one.proxy.reset()
    await one.proxy.attempted(2)
    await until(lambda: not one.server._acceptor.streams)

    def back() -> None:
        one.proxy.turn_away = False

    return back


class Plain(CallsServer):
    """Handlers that are plain functions, in threads."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def open_all(self) -> None:
        self.go_on.set()

    def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.seen.append(request.text)
        if request.text == "hold":
            self.entered.set()
            assert self.go_on.wait(10)
            assert not ctx.cancelled
        return request

    def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return self.echo(ctx, request)

    def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        self.echo(ctx, request)

    def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        self.echo(ctx, request)

    def follow(self, ctx: gorums.ServerContext, request: Text) -> Iterator[Text]:
        for number in range(request.number):
            self.echo(ctx, request)
            yield Text(number=number)


@SAME_ENDS
async def test_in_threads(ends: Ends) -> None:
    service = Plain()
    async with line(ends=ends, service=service) as one:
        held = echo(one.node, Text(text="hold"))
        parts = follow(one.config, Text(text="part", number=3)).async_all()
        await until(service.entered.is_set)
        back = await take_away(one)
        last = echo(one.node, Text(text="last"))
        service.go_on.set()
        await until(lambda: service.seen == ["hold", "part", "part", "part"])
        back()
        await within(asyncio.gather(held, parts, last))
        assert service.seen == ["hold", "part", "part", "part", "last"]


@SAME_ENDS
async def test_those_behind_have_their_turn(ends: Ends) -> None:
    """A handler that releases while nobody is there lets in those that came before the break."""
    released = asyncio.Event()

    class Releasing(ScriptedCalls):
        async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
            await self._note(ctx, request)
            await released.wait()
            ctx.release()
            await self.gates["door"].enter()
            return request

    async with line(ends=ends, service=Releasing()) as one:
        first = ask(one.config, Text(text="first")).async_all()
        behind = [echo(one.node, Text(text=str(number))) for number in range(10)]
        note(one.node, Text(text="note"))
        parts = follow(one.config, Text(text="parts", number=5)).async_all()
        await one.service.has_seen("first")
        await turns()
        await until(lambda: next(iter(one.server._acceptor.streams.values())).half.taken >= 13)  # type: ignore[union-attr]
        back = await take_away(one)
        released.set()
        await one.service.has_seen("parts")
        one.service.open_all()
        back()
        await within(asyncio.gather(first, *behind, parts))
        assert one.service.seen == ["first", *map(str, range(10)), "note", "parts"]


async def test_time_goes_on() -> None:
    """A handler still knows how long its caller waits, and that it waits no more."""
    async with line(server={"cancel_abandoned": True}) as one:
        call = echo(one.node, Text(text="hold:door"), timeout=0.4)
        await one.service.gates["door"].arrivals()
        context = one.service.contexts[0]
        deadline = context.deadline
        back = await take_away(one)
        assert not context.cancelled
        assert context.deadline == deadline
        assert 0 < (context.time_remaining() or 0) < 0.4
        with pytest.raises(TimeoutError):
            await within(call)
        await until(lambda: context.cancelled)
        back()
        await within(echo(one.node, Text(text="ok")))
        assert one.service.seen == ["hold:door", "ok"]


@SAME_ENDS
async def test_a_streaming_call_that_is_given_up_meanwhile_ends(ends: Ends) -> None:
    class Endless(ScriptedCalls):
        ended = False

        async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
            number = 0
            try:
                while not ctx.cancelled:
                    yield Text(number=number)
                    number += 1
                    await asyncio.sleep(0.005)
            finally:
                self.ended = True

    service = Endless()
    async with line(ends=ends, service=service) as one:
        responses = follow(one.config, Text())
        count = 0
        async for _ in responses:
            count += 1
            if count == 3:
                back = await take_away(one)
                break
        await turns()
        assert not service.ended, "it does not know yet"
        back()
        await until(lambda: service.ended)


async def test_what_is_cancelled_before_and_after_it_has_arrived() -> None:
    async with line(server={"cancel_abandoned": True}) as one:
        arrived = echo(one.node, Text(text="hold-free:door"))
        await one.service.gates["door"].arrivals()
        back = await take_away(one)
        never = [echo(one.node, Text(text=f"never {number}")) for number in range(3)]
        kept = echo(one.node, Text(text="kept"))
        await turns()
        for call in (arrived, *never):
            call.cancel()
        back()
        assert (await within(kept)).text == "kept"
        await until(lambda: one.service.contexts[0].cancelled)
        assert one.service.seen == ["hold-free:door", "kept"]


async def test_large_replies_wait_for_their_client() -> None:
    """More than is sent ahead: handlers wait for that, and go on when it is back."""

    class Large(ScriptedCalls):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            self.seen.append(request.text)
            if request.text == "0":
                await self.gates["door"].enter()
            return Text(text=request.text, data=bytes(1 << 20))

    service = Large()
    async with line(service=service) as one:
        calls = [echo(one.node, Text(text=str(number))) for number in range(12)]
        await service.gates["door"].arrivals()
        back = await take_away(one)
        service.open_all()
        await until(lambda: len(service.seen) >= 4)
        await turns(20)
        assert len(service.seen) < 10, "memory is bounded"
        back()
        replies = await within(asyncio.gather(*calls))
        assert [reply.text for reply in replies] == service.seen == [str(number) for number in range(12)]


@SAME_ENDS
async def test_a_handler_that_ends_as_cancelled_meanwhile_is_answered(ends: Ends) -> None:
    """Nobody has cancelled it: what it waited for was, be the stream it came over cancelled, too, or not."""
    go_on = asyncio.Event()

    class Cancelling(ScriptedCalls):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            await self._note(ctx, request)
            await go_on.wait()
            raise asyncio.CancelledError

    async with line(ends=ends, service=Cancelling()) as one:
        call = echo(one.node, Text(text="ends"))
        await one.service.has_seen("ends")
        back = await take_away(one)
        go_on.set()
        await turns()
        back()
        error = await failure(call)
        assert isinstance(error, gorums.StatusError)
        assert error.code() is grpc.StatusCode.CANCELLED
