"""What becomes of requests and handlers for which nobody waits any more."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import Any

import pytest

import pygorums as gorums
from pygorums.serving.backlog import Backlog
from pygorums.serving.callers import Callers
from pygorums.wire.framing import encode_cancel
from pygorums.wire.stream_pb2 import Frame, Message
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected, serving
from tests.support.frames import envelope, request
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import turns, until, within


class Held(CallsServer):
    """Handlers wait until they are let go or cancelled; a text of ``free …`` releases first.

    Attributes:
        begun: the texts of the requests whose handlers have begun, in order.
        cancelled: those of the handlers that were cancelled.
        ended: those of the others.
        contexts: by the text.
        gate: what handlers wait for.
    """

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.cancelled: list[str] = []
        self.ended: list[str] = []
        self.contexts: dict[str, gorums.ServerContext] = {}
        self.gate = asyncio.Event()

    async def _hold(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.begun.append(request.text)
        self.contexts[request.text] = ctx
        if request.text.startswith("free"):
            ctx.release()
        try:
            if "quick" not in request.text:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(request.text)
            raise
        self.ended.append(request.text)
        return request

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self._hold(ctx, request)

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self._hold(ctx, request)

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self._hold(ctx, request)

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None: ...

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        yield Text(text="first")
        yield await self._hold(ctx, request)


@asynccontextmanager
async def held(**options: Any) -> AsyncIterator[tuple[Held, gorums.Configuration]]:
    """A server, and a connected configuration of it."""
    service = Held()
    async with serving(service, **options) as address, connected([address]) as config:
        await within(echo(config[0], Text(text="quick")))  # what is negotiated is known now
        service.begun.clear()
        service.ended.clear()
        try:
            yield service, config
        finally:
            service.gate.set()


async def timed_out_once_begun(
    call: Callable[[float], Awaitable[object]], begun: Sequence[str], seconds: float = 0.2
) -> None:
    """Lets a call time out, after its handler has begun: on a slow machine that takes longer."""
    with pytest.raises(TimeoutError):
        await within(call(seconds), 60)
    if not begun:
        await timed_out_once_begun(call, begun, seconds * 4)


MODES = pytest.mark.parametrize("cancel", [False, True], ids=["told", "cancelled"])


@MODES
@pytest.mark.parametrize("text", ["x", "free x"])
@pytest.mark.parametrize("how", ["cancel", "timeout"])
async def test_a_handler_whose_caller_has_gone(how: str, text: str, cancel: bool) -> None:
    """It can ask for it, and is cancelled if the server wants that; the stream goes on."""
    async with held(cancel_abandoned=cancel) as (service, config):
        if how == "cancel":
            call = echo(config[0], Text(text=text))
            await until(lambda: service.begun == [text])
            assert not service.contexts[text].cancelled
            call.cancel()
        else:
            await timed_out_once_begun(lambda seconds: echo(config[0], Text(text=text), timeout=seconds), service.begun)
        await until(lambda: service.contexts[text].cancelled)
        if cancel:
            await until(lambda: service.cancelled == [text])
        else:
            await turns()
            assert service.cancelled == []
            service.gate.set()
        assert (await within(echo(config[0], Text(text="quick after")))).text == "quick after"


@MODES
async def test_a_streaming_handler(cancel: bool) -> None:
    async with held(cancel_abandoned=cancel) as (service, config):
        assert (await within(follow(config, Text(text="free x")).first())).text == "first"
        await until(lambda: service.begun == ["free x"])
        await until(lambda: service.contexts["free x"].cancelled)
        if cancel:
            await until(lambda: service.cancelled == ["free x"])


@MODES
async def test_requests_that_wait_for_their_turn(cancel: bool) -> None:
    """Those that were given up are left out, in their places; those of the others are handled, in order."""
    async with held(cancel_abandoned=cancel) as (service, config):
        first = echo(config[0], Text(text="first"))
        calls = [echo(config[0], Text(text=f"quick {n}")) for n in range(6)]
        await until(lambda: service.begun == ["first"])
        for call in calls[::2]:
            call.cancel()
        await within(note(config[0], Text(text="quick note")))
        first.cancel()  # the last word: once it is known all of them are
        await until(lambda: service.contexts["first"].cancelled)
        service.gate.set()
        await within(asyncio.gather(*calls[1::2]))
        await until(lambda: service.begun[-1] == "quick note")
        handled = [1, 3, 5] if cancel else [0, 1, 2, 3, 4, 5]
        assert service.begun == ["first", *(f"quick {n}" for n in handled), "quick note"]
        if not cancel:
            assert [n for n in range(6) if service.contexts[f"quick {n}"].cancelled] == [0, 2, 4]


async def test_the_turn_passes_when_a_cancelled_handler_has_ended() -> None:
    """And not before: it may have something to put right."""
    async with held(cancel_abandoned=True) as (service, config):
        cleaned = asyncio.Event()

        async def hold(ctx: gorums.ServerContext, request: Text) -> Text:
            try:
                return await Held._hold(service, ctx, request)
            finally:
                if request.text == "slow":
                    await cleaned.wait()
                    service.ended.append("cleaned")

        service._hold = hold  # type: ignore[method-assign] # looked up at each call
        slow = echo(config[0], Text(text="slow"))
        await until(lambda: service.begun == ["slow"])
        after = echo(config[0], Text(text="quick"))
        slow.cancel()
        await until(lambda: service.cancelled == ["slow"])
        await turns()
        assert service.begun == ["slow"]
        cleaned.set()
        await within(after)
        assert service.ended == ["cleaned", "quick"]


async def test_many_that_time_out_leave_no_handlers() -> None:
    async with held(cancel_abandoned=True) as (service, config):
        calls = [echo(config[0], Text(text=f"free {n}"), timeout=0.3) for n in range(300)]
        outcomes = await within(asyncio.gather(*calls, return_exceptions=True))
        assert all(isinstance(outcome, TimeoutError) for outcome in outcomes)
        await until(lambda: len(service.cancelled) == len(service.begun))
        assert (await within(echo(config[0], Text(text="quick after")))).text == "quick after"


async def test_a_stream_that_is_full_of_requests_whose_time_is_up() -> None:
    """Far more than is read at once wait behind a handler that never ends: the server knows their times itself."""
    async with held(cancel_abandoned=True) as (service, config):
        calls = [echo(config[0], Text(text="x", data=bytes(1000)), timeout=0.3) for _ in range(1000)]
        outcomes = await within(asyncio.gather(*calls, return_exceptions=True))
        assert all(isinstance(outcome, TimeoutError) for outcome in outcomes)
        assert (await within(echo(config[0], Text(text="quick after")))).text == "quick after"
        assert service.ended == ["quick after"]


async def test_a_majority_does_not_cancel_the_others() -> None:
    """They were asked to store something."""
    services = [Held() for _ in range(3)]
    async with (
        serving(services[0], cancel_abandoned=True) as one,
        serving(services[1], cancel_abandoned=True) as two,
        serving(services[2], cancel_abandoned=True) as three,
        connected([one, two, three]) as config,
    ):
        await within(ask(config, Text(text="quick")).all())
        for service in services[:2]:
            service.gate.set()
        await within(ask(config, Text(text="x")).majority())
        await until(lambda: services[2].begun == ["quick", "x"])
        marker = ask(config, Text(text="free marker")).async_all()
        services[2].gate.set()
        await within(marker)
        assert services[2].cancelled == []
        assert "x" in services[2].ended


async def test_calls_back_to_a_client() -> None:
    """What a server's handlers ask of its clients is given up alike."""
    hub, service = Held(), Held()
    server = gorums.Server(hub)
    back = gorums.Server(service, cancel_abandoned=True)
    address = await server.start("127.0.0.1:0")
    try:
        async with connected([address], server=back) as config:
            await within(echo(config[0], Text(text="quick")))
            await until(lambda: len(server.client_config()) == 1)
            call = echo(server.client_config()[0], Text(text="x"))
            await until(lambda: service.begun == ["x"])
            call.cancel()
            await until(lambda: service.cancelled == ["x"])
    finally:
        await within(server.stop())
        await within(back.stop())


async def test_calls_to_the_own_node() -> None:
    service = Held()
    server = gorums.Server(service, node_id=1, peers={1: "127.0.0.1:1"}, cancel_abandoned=True)
    try:
        call = echo(server.config()[0], Text(text="x"))
        await until(lambda: service.begun == ["x"])
        call.cancel()
        await until(lambda: service.cancelled == ["x"])
    finally:
        await within(server.stop())


class Plain(CallsServer):
    """A handler that blocks its thread until nobody waits for it."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.saw = threading.Event()

    def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.begun.append(request.text)
        for _ in range(2000):
            if ctx.cancelled:
                self.saw.set()
                break
            threading.Event().wait(0.005)
        return request

    def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return request

    def note(self, ctx: gorums.ServerContext, request: Text) -> None: ...

    def spread(self, ctx: gorums.ServerContext, request: Text) -> None: ...

    def follow(self, ctx: gorums.ServerContext, request: Text) -> Iterator[Text]:
        yield request


@pytest.mark.parametrize("how", ["cancel", "timeout", "close"])
@MODES
async def test_a_plain_handler_can_ask(cancel: bool, how: str) -> None:
    service = Plain()
    async with serving(service, cancel_abandoned=cancel) as address, connected([address]) as config:
        await within(ask(config, Text()).all())
        if how == "timeout":
            await timed_out_once_begun(lambda seconds: echo(config[0], Text(), timeout=seconds), service.begun)
        else:
            call = echo(config[0], Text())
            await until(lambda: service.begun)
            if how == "cancel":
                call.cancel()
            else:
                await within(config.close())
            (outcome,) = await asyncio.gather(call, return_exceptions=True)
            assert isinstance(outcome, asyncio.CancelledError if how == "cancel" else gorums.NodeClosedError)
        await until(service.saw.is_set)


@pytest.mark.batching
async def test_what_a_strange_client_gives_up() -> None:
    """Numbers of nothing, of what was answered, of one-way messages, again and again, and out of envelopes."""
    service = Held()
    payload = Text(text="free x").SerializeToString()
    async with (
        serving(service, cancel_abandoned=True) as address,
        ScriptedClient(address, [("pygorums-batch", "1"), ("pygorums-cancel", "1")]) as client,
    ):
        assert (await client.initial_metadata())["pygorums-cancel"] == "1"
        await client.send(encode_cancel(7), request(1, "calls.Calls.Echo", payload))
        await until(lambda: service.begun == ["free x"])
        cancel = Message(message_seq_no=1, cancel=True)
        await client.send(envelope(cancel, cancel, Message(cancel=True)), cancel)
        await until(lambda: service.cancelled == ["free x"])
        note = request(2, "calls.Calls.Note", Text(text="free note").SerializeToString())
        await client.send(envelope(note, Message(message_seq_no=2, cancel=True)))
        await until(lambda: service.begun[-1] == "free note")
        quick = request(3, "calls.Calls.Echo", Text(text="quick").SerializeToString())
        await client.send(quick)
        reply = await within(client.receive())
        assert (reply.message_seq_no, reply.status.code) == (3, 0)
        assert service.cancelled == ["free x"]
        service.gate.set()


@pytest.mark.parametrize("value", ["1n", "300m"])
async def test_a_client_that_waits_for_longer_than_it_says(value: str) -> None:
    """It is answered, with DEADLINE_EXCEEDED."""
    service = Held()
    async with serving(service, cancel_abandoned=True) as address, ScriptedClient(address) as client:
        text = Text(text="x").SerializeToString()
        await client.send(request(1, "calls.Calls.Echo", text, [("grpc-timeout", value)]))
        reply = await within(client.receive())
        assert (reply.message_seq_no, reply.status.code) == (1, 4)
        assert service.cancelled == service.begun


def test_what_is_remembered_of_calls_that_were_given_up_is_bounded() -> None:
    """A client names numbers of calls that it never made, while some requests wait."""

    async def name_numbers() -> None:
        backlog = Backlog(1 << 20)
        backlog.put([Frame(message_seq_no=n) for n in range(100)], 1000)
        callers = Callers(backlog, cancel=True, context=copy_context())
        most = 0
        for number in range(100_000):
            callers.give_up(1000 + number)
            callers.give_up(number % 50)
            most = max(most, len(callers._gone))
        assert most <= 300
        backlog.clear()
        callers.give_up(5)
        assert set(range(50)) <= callers._gone
        assert 5000 not in callers._gone

    asyncio.run(name_numbers())
