"""What becomes of requests and handlers for which nobody waits any more."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence

import pytest

import pygorums as gorums
from tests.behaviour.servers.held import Held, held
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected, serving
from tests.support.waiting import turns, until, within


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
