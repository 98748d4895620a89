"""A client that opens a new stream is known again: nothing of an older one is handled beside it, or after it.

All without sessions, in which handlers outlive their streams.
"""

import asyncio
import gc
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import grpc
import pytest

import pygorums as gorums
from pygorums.serving.in_order import InOrder
from tests.protos.calls_gorums import CallsServer, ask, echo, note
from tests.protos.calls_pb2 import Text
from tests.support.cluster import QUICK, serving
from tests.support.frames import request
from tests.support.peers import running
from tests.support.proxy import TcpProxy
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import turns, until, within

ECHO = "calls.Calls.Echo"


class Slow(CallsServer):
    """Notes which requests it handles; the first one waits, in the way that the test says.

    Attributes:
        seen: The numbers of the requests whose handlers have started.
        side_by_side: How many handlers ran at once, at the most.
        value: What the last handler to end has written.
    """

    def __init__(self, how: str) -> None:
        self.how = how
        self.seen: list[int] = []
        self.side_by_side = 0
        self.value = 0
        self.threads: set[threading.Thread] = set()
        self._running = 0
        self.free = asyncio.Event()
        self.free_thread = threading.Event()

    def let(self) -> None:
        """Lets every handler end."""
        self.free.set()
        self.free_thread.set()

    def _begin(self, number: int) -> None:
        self._running += 1
        self.side_by_side = max(self.side_by_side, self._running)
        self.seen.append(number)

    def _end(self, number: int) -> None:
        self._running -= 1
        self.value = number

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self._begin(request.number)
        try:
            if request.number == 1 and self.how == "waits":
                await self.free.wait()
            return request
        finally:
            while request.number == 1 and self.how == "goes on" and not self.free.is_set():
                with suppress(asyncio.CancelledError):
                    await self.free.wait()
            self._end(request.number)

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self.echo(ctx, request)

    def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.threads.add(threading.current_thread())
        self._begin(request.number)
        if request.number == 1:
            assert self.free_thread.wait(20)
        self._end(request.number)
        return request

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        raise NotImplementedError

    def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        raise NotImplementedError


class PlainEcho(Slow):
    """All in threads."""

    def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:  # type: ignore[override]  # in a thread
        return self.ask(ctx, request)


@asynccontextmanager
async def through_a_proxy(service: Slow, **options: Any) -> AsyncIterator[tuple[TcpProxy, gorums.Configuration]]:
    async with (
        serving(service, **options) as address,
        TcpProxy(address) as proxy,
        gorums.connect([proxy.address], backoff=QUICK, session=None) as config,
    ):
        await config.wait_connected(timeout=10)
        try:
            yield proxy, config
        finally:
            service.let()  # a handler that nothing cancels would keep a test that has failed from ending


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "pygorums.server")


@pytest.mark.parametrize("how", ["waits", "goes on", "thread"])
async def test_the_server_was_not_told_that_the_old_stream_broke(how: str) -> None:
    service = PlainEcho(how) if how == "thread" else Slow(how)
    streams: list[str] = []
    async with through_a_proxy(service, on_connect=lambda ctx: streams.append(ctx.peer)) as (proxy, config):
        first = echo(config[0], Text(number=1))
        await until(lambda: service.seen == [1])
        note(config[0], Text(number=2))
        third = echo(config[0], Text(number=3))
        note(config[0], Text(number=4))
        await until(lambda: config[0].pending == 2)
        await turns(20)
        proxy.reset_clients()
        await until(lambda: len(streams) == 2)
        await config.wait_connected(timeout=10)
        fifth = echo(config[0], Text(number=5))
        if how == "waits":
            await until(lambda: service.seen == [1, 1])  # the first one was cancelled at once
        service.let()
        replies = await within(asyncio.gather(first, third, fifth))
        assert [reply.number for reply in replies] == [1, 3, 5]
        # The messages without a reply were on their way, or waited there, and are lost with the old stream.
        assert [number for number in service.seen if number not in (2, 4)] == [1, 1, 3, 5]
        assert list(dict.fromkeys(service.seen)) == sorted(set(service.seen))
        assert service.side_by_side == 1
        assert service.value == 5


def streams_in_memory() -> int:
    gc.collect()
    return sum(isinstance(each, InOrder) for each in gc.get_objects())


@pytest.mark.parametrize("how", ["goes on", "thread"])
async def test_many_resets_while_one_handler_goes_on(how: str) -> None:
    """It is the only one, however often its request is sent again, until it has ended."""
    service = PlainEcho(how) if how == "thread" else Slow(how)
    others = streams_in_memory()  # of servers of other tests, in the thread of the blocking facade
    async with through_a_proxy(service) as (proxy, config):
        call = echo(config[0], Text(number=1))
        await until(lambda: service.seen)
        for count in range(2, 22):
            proxy.reset()
            await proxy.attempted(count)
            await config.wait_connected(timeout=10)
        await turns(20)
        assert service.seen == [1]
        assert len(service.threads) == (how == "thread")
        await until(lambda: streams_in_memory() <= others + 4, "ended streams to be forgotten")
        service.let()
        assert (await within(call)).number == 1
        assert service.seen == [1, 1]
        assert service.side_by_side == 1


async def test_what_was_written_last_stays() -> None:
    service = PlainEcho("thread")
    async with through_a_proxy(service) as (proxy, config):
        first = echo(config[0], Text(number=1))
        await until(lambda: service.seen)
        proxy.reset()
        second = echo(config[0], Text(number=2))
        await proxy.attempted(2)
        await config.wait_connected(timeout=10)
        service.let()
        await within(asyncio.gather(first, second))
        assert (service.value, service.side_by_side) == (2, 1)


async def test_a_server_can_stop_while_a_stream_waits() -> None:
    service = PlainEcho("thread")
    async with through_a_proxy(service) as (proxy, config), AsyncExitStack() as stack:
        stack.callback(service.let)
        call = echo(config[0], Text(number=1), timeout=20)
        await until(lambda: service.seen)
        proxy.reset_clients()
        await proxy.attempted(2)
        await config.wait_connected(timeout=10)
    # The server has stopped meanwhile, within the limit that `serving` sets.
    with pytest.raises(gorums.GorumsError):
        await call


def with_instance(number: int) -> list[tuple[str, str]]:
    return [("pygorums-instance", f"{number:032x}")]


async def served(client: ScriptedClient, number: int) -> None:
    await client.send(request(number, ECHO, Text(number=number).SerializeToString()))
    assert (await client.receive()).message_seq_no == number


async def test_the_older_stream_is_ended() -> None:
    service = Slow("waits")
    async with serving(service) as address, ScriptedClient(address, with_instance(1)) as old:
        await served(old, 7)
        await old.send(request(1, ECHO, Text(number=1).SerializeToString()))
        await old.send(request(2, ECHO, Text(number=2).SerializeToString()))
        await until(lambda: 1 in service.seen)
        async with ScriptedClient(address, with_instance(1)) as new:
            await served(new, 8)
            code, text = await old.ended()
            assert (code, "has opened a new stream" in text) == (grpc.StatusCode.ABORTED, True)
            assert service.seen == [7, 1, 8]


@pytest.mark.parametrize(
    "metadata", [None, with_instance(2), [("pygorums-instance", "1")], [("pygorums-instance", "")]]
)
async def test_others_replace_nothing(metadata: Any) -> None:
    """Clients of other implementations do not say who they are; and nobody can be somebody else."""
    service = Slow("waits")
    async with serving(service) as address, ScriptedClient(address, with_instance(1)) as first:
        await first.send(request(1, ECHO, Text(number=1).SerializeToString()))
        await until(lambda: service.seen)
        async with ScriptedClient(address, metadata) as second:
            await served(second, 8)
            if metadata != with_instance(2):
                async with ScriptedClient(address, metadata) as third:
                    await served(third, 9)
                    await served(second, 10)
        service.let()
        assert (await first.receive()).message_seq_no == 1


async def test_the_stream_that_arrived_last_counts() -> None:
    """Not the one that was let in last."""
    gate = asyncio.Event()

    async def authorize(claim: gorums.Claim) -> None:
        if claim.metadata.get("slow"):
            await gate.wait()

    service = Slow("waits")
    async with (
        serving(service, authorize=authorize) as address,
        ScriptedClient(address, [*with_instance(1), ("slow", "1")]) as older,
        AsyncExitStack() as stack,
    ):
        # What comes over another connection does not wait for this one; it is noticed at the server, though.
        await older.send(request(1, ECHO, Text(number=2).SerializeToString()))
        await turns(50)
        newer = await stack.enter_async_context(ScriptedClient(address, with_instance(1)))
        await served(newer, 7)
        gate.set()
        assert (await older.ended())[0] == grpc.StatusCode.ABORTED
        await served(newer, 8)
        assert service.seen == [7, 8]


async def test_the_number_is_shown_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[dict[str, Any]] = []

    class Looking(Slow):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            shown.append(dict(ctx.metadata))
            raise ValueError("so that something is logged")

    service = Looking("waits")
    async with (
        serving(
            service,
            authorize=lambda claim: shown.append(dict(claim.metadata)),
            on_connect=lambda ctx: shown.append(dict(ctx.metadata)),
        ) as address,
        gorums.connect([address], metadata={"user": "me"}) as config,
    ):
        with pytest.raises(gorums.StatusError):
            await within(echo(config[0], Text()))
    assert len(shown) == 3
    assert all("user" in each and "pygorums-instance" not in each for each in shown)
    assert "pygorums-instance" not in caplog.text


async def test_calls_back_over_a_new_stream_wait_for_those_of_the_old_one() -> None:
    ours = PlainEcho("thread")
    own = gorums.Server(ours)
    async with (
        running() as server,
        TcpProxy(str(server.address)) as proxy,
        gorums.connect([proxy.address], backoff=QUICK, session=None, server=own) as config,
        own,
    ):
        await until(server.client_config)
        lost = echo(server.client_config()[0], Text(number=1))
        await until(lambda: ours.seen == [1])
        proxy.reset()
        with pytest.raises(gorums.StreamDownError):
            await within(lost)
        await proxy.attempted(2)
        await config.wait_connected(timeout=10)
        await until(server.client_config)
        second = echo(server.client_config()[0], Text(number=2))
        third = ask(server.client_config(), Text(number=3)).async_all()
        await turns(50)
        assert ours.seen == [1]
        ours.let()
        await within(asyncio.gather(second, third))
        assert (ours.seen, ours.side_by_side) == ([1, 2, 3], 1)
