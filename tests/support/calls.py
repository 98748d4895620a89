"""A server of the test service `calls.Calls` that a request tells how to behave.

The text of a request to `Ask`, `Echo` or `Follow` is one word for all servers, or one word for each
server of the cluster, in order:

    ok              replies with the request's text and the server's number
    fail            raises StatusError(FAILED_PRECONDITION)
    silent          lets the next request in and replies when the test is over
    hold:NAME       replies when the gate NAME is opened; until then it keeps its stream busy
    hold-free:NAME  the same, but lets the next request in

`Follow` yields `request.number` replies, numbered from 1, and waits at a held gate before each of them.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator

import grpc

import pygorums as gorums
from tests.protos.calls_gorums import CallsServer
from tests.protos.calls_pb2 import Text
from tests.support.waiting import within


class Gate:
    """Where handlers wait until they are let through, in the order of their arrival."""

    def __init__(self) -> None:
        self._arrived = asyncio.Semaphore(0)
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._passes = 0
        self._open = False

    async def enter(self) -> None:
        """Waits to be let through."""
        self._arrived.release()
        if self._passes:
            self._passes -= 1
        elif not self._open:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter

    async def arrivals(self, count: int = 1) -> None:
        """Waits until `count` more have come to the gate."""
        for _ in range(count):
            await within(self._arrived.acquire())

    def let(self, count: int = 1) -> None:
        """Lets `count` through, those that wait or the next ones."""
        for _ in range(count):
            while self._waiting and self._waiting[0].done():  # its handler was cancelled
                self._waiting.popleft()
            if self._waiting:
                self._waiting.popleft().set_result(None)
            else:
                self._passes += 1

    def open(self) -> None:
        """Lets everybody through, now and later."""
        self._open = True
        self.let(len(self._waiting))


class ScriptedCalls(CallsServer):
    """Behaves as the requests say.

    Attributes:
        number: the server's place in its cluster, from 1; it is in every reply.
        seen: texts of the requests whose handlers have started, in order.
        gates: by name; made when first asked for.
    """

    def __init__(self, number: int = 1) -> None:
        self.number = number
        self.seen: list[str] = []
        self.contexts: list[gorums.ServerContext] = []
        self.gates: defaultdict[str, Gate] = defaultdict(Gate)
        self._changed = asyncio.Condition()

    async def has_seen(self, text: str) -> None:
        """Waits until a request with this text has come."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: text in self.seen)

    async def has_seen_count(self, count: int) -> None:
        """Waits until this many requests have come in all."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: len(self.seen) >= count)

    def open_all(self) -> None:
        """Ends every wait of every handler."""
        for gate in self.gates.values():
            gate.open()

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self._answer(ctx, request)

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self._answer(ctx, request)

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self._answer(ctx, request)

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self._answer(ctx, request)

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        await self._note(ctx, request)
        for index in range(1, request.number + 1):
            await self._act(ctx, request)
            yield Text(text=request.text, number=index)

    async def _answer(self, ctx: gorums.ServerContext, request: Text) -> Text:
        await self._note(ctx, request)
        await self._act(ctx, request)
        return Text(text=request.text, number=self.number, data=request.data)

    async def _note(self, ctx: gorums.ServerContext, request: Text) -> None:
        self.contexts.append(ctx)
        self.seen.append(request.text)
        async with self._changed:
            self._changed.notify_all()

    async def _act(self, ctx: gorums.ServerContext, request: Text) -> None:
        words = request.text.split()
        word = words[self.number - 1] if len(words) >= self.number else "".join(words[:1])
        kind, _, name = word.partition(":")
        if kind == "fail":
            raise gorums.StatusError(grpc.StatusCode.FAILED_PRECONDITION, f"server {self.number} refuses")
        if kind == "silent":
            ctx.release()
            await self.gates["silent"].enter()
        if kind == "hold":
            await self.gates[name].enter()
        if kind == "hold-free":
            ctx.release()
            await self.gates[name].enter()
