"""Numbered calls of every kind, whose handlers and callers write everything into a ledger."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any

import grpc

import pygorums as gorums
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.ledger import HANDLED, NOT_HANDLED, OPEN, SENT, UNKNOWN, UNSURE, Ledger

__all__ = ["KINDS", "LedgerService", "NumberedCaller", "told_by"]

KINDS = ("echo", "ask", "follow", "note", "spread")

IDEMPOTENT = ("ask",)
"""Those that are sent again to a process that replaces another one."""

REPLIES = 3
"""Of a streaming call."""

_TOLD = {
    grpc.StatusCode.FAILED_PRECONDITION: HANDLED,  # the handler says so
    grpc.StatusCode.UNAVAILABLE: NOT_HANDLED,  # the server refuses the stream
    grpc.StatusCode.RESOURCE_EXHAUSTED: NOT_HANDLED,  # it does not fit into the send buffer
}


def told_by(error: BaseException) -> str:
    """What an error says of whether the call was handled."""
    if isinstance(error, gorums.OutcomeUnknownError):
        return UNKNOWN
    if isinstance(error, gorums.StreamDownError):
        return NOT_HANDLED if error.certain else UNSURE
    if isinstance(error, TimeoutError | asyncio.CancelledError | gorums.NodeClosedError):
        return OPEN
    if isinstance(error, gorums.StatusError) and error.code() in _TOLD:
        return _TOLD[error.code()]
    raise error


class LedgerService(CallsServer):
    """Writes down what it handles. The number tells what else a handler does: release, call back, pause, fail.

    Args:
        write: Called with the caller's name and the number.
        pause: Awaited by some handlers.
        back: Makes the calls back to clients that serve calls.
    """

    def __init__(
        self,
        write: Callable[[str, int], None],
        pause: Callable[[], Awaitable[object]],
        back: NumberedCaller | None = None,
    ) -> None:
        self._write = write
        self._pause = pause
        self._back = back

    async def _handle(self, ctx: gorums.ServerContext, request: Text) -> None:
        number = request.number
        self._write(request.text, number)
        if number % 5 == 1:
            ctx.release()
        if number % 3 == 0 and self._back is not None and ctx.peer_id in (clients := ctx.client_config()):
            client = clients.remove(*(node.id for node in clients if node.id != ctx.peer_id))
            kind = KINDS[number % len(KINDS)]
            # It does not end with the handler's own time.
            call = self._back.call(kind, client, {client[0].id: request.text}, timeout=math.inf)
            if number % 2:
                await call
        if number % 4 == 2:
            await self._pause()
        if number % 11 == 7:
            raise gorums.StatusError(grpc.StatusCode.FAILED_PRECONDITION, "not this one")

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        await self._handle(ctx, request)
        return request

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        await self._handle(ctx, request)
        return request

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self._handle(ctx, request)

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self._handle(ctx, request)

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        await self._handle(ctx, request)
        for number in range(REPLIES):
            if number:
                await self._pause()
            yield Text(text=request.text, number=number, data=str(request.number).encode())


class NumberedCaller:
    """Makes numbered calls, and writes down what it is told.

    Args:
        ledger: Where.
        name: The caller's name.
    """

    def __init__(self, ledger: Ledger, name: str) -> None:
        self._ledger = ledger
        self._name = name
        self._number = 0
        self._waiting: set[asyncio.Task[None]] = set()

    def call(
        self,
        kind: str,
        config: gorums.Configuration,
        targets: Mapping[int, str],
        *,
        timeout: float | None = None,
        give_up: float | None = None,
        data: bytes = b"",
    ) -> asyncio.Task[None]:
        """Send a call now; the task ends when its end is written down.

        Args:
            kind: Which of `KINDS`.
            config: Whom to call; the first node for calls to one.
            targets: The names of nodes by ID.
            timeout: Of the call.
            give_up: Seconds until it is cancelled.
            data: Goes along.
        """
        self._number += 1
        request = Text(text=self._name, number=self._number, data=data)
        node = config[0]
        waiting: Coroutine[Any, Any, Iterable[tuple[int, str]]]
        if kind == "echo":
            waiting = self._one(_right(request, echo(node, request, timeout=timeout)), node.id, HANDLED)
        elif kind == "note":
            waiting = self._one(note(node, request, timeout=timeout), node.id, SENT)
        elif kind == "spread":
            waiting = self._each(spread(config, request, timeout=timeout), config)
        elif kind == "ask":
            waiting = self._replies(request, ask(config, request, timeout=timeout).send(), 1)
        else:
            waiting = self._replies(request, follow(config, request, timeout=timeout).send(), REPLIES)
        nodes = [node] if kind in ("echo", "note") else list(config)
        keys = {node.id: (targets[node.id], self._name, self._number) for node in nodes}
        if kind in IDEMPOTENT:
            self._ledger.idempotent.update(keys.values())
        for key in keys.values():
            self._ledger.tell(*key, "")
        task = asyncio.get_running_loop().create_task(
            self._tell(waiting, keys, give_up, "nothing" if timeout in (None, math.inf) else OPEN)
        )
        self._waiting.add(task)

        def done(_: object) -> None:
            self._waiting.discard(task)
            if task.cancelled():  # with the handler that waits for it, maybe before it has begun
                waiting.close()
                for key in keys.values():
                    self._ledger.tell(*key, OPEN)

        task.add_done_callback(done)
        return task

    async def finished(self) -> None:
        """Wait until all calls have ended."""
        while self._waiting:
            await asyncio.wait(self._waiting)

    async def _tell(
        self,
        waiting: Awaitable[Iterable[tuple[int, str]]],
        keys: Mapping[int, tuple[str, str, int]],
        give_up: float | None,
        silence: str,
    ) -> None:
        told = dict.fromkeys(keys, "")
        try:
            async with asyncio.timeout(give_up):
                told.update(await waiting)
        except TimeoutError:
            told = dict.fromkeys(keys, OPEN)
        except Exception as error:
            told = dict.fromkeys(keys, f"{type(error).__name__}: {error}")
        for node_id, text in told.items():
            self._ledger.tell(*keys[node_id], text or silence)

    @staticmethod
    async def _one(waiting: Awaitable[object], node_id: int, told: str) -> Iterable[tuple[int, str]]:
        try:
            await waiting
        except gorums.SendError as error:
            return [(node_id, told_by(error.node_errors[node_id]))]
        except gorums.StatusError as error:
            return [(node_id, told_by(error))]
        return [(node_id, told)]

    @staticmethod
    async def _each(waiting: Awaitable[object], config: gorums.Configuration) -> Iterable[tuple[int, str]]:
        told = dict.fromkeys(config.node_ids, SENT)
        try:
            await waiting
        except gorums.SendError as error:
            told.update({node_id: told_by(cause) for node_id, cause in error.node_errors.items()})
        return told.items()

    @staticmethod
    async def _replies(request: Text, responses: gorums.Responses[Text], expected: int) -> Iterable[tuple[int, str]]:
        told: dict[int, str] = {}
        numbers: dict[int, list[int]] = {}
        async for response in responses:
            if response.error is not None:
                told[response.node_id] = told_by(response.error)
            else:
                reply = response.value
                if expected == 1:
                    _check(reply, request)
                elif (reply.text, reply.data) != (request.text, str(request.number).encode()):
                    raise _wrong(reply, request)
                numbers.setdefault(response.node_id, []).append(reply.number)
        for node_id, came in numbers.items():
            whole = expected == 1 or came == list(range(expected))
            if whole and len(came) == expected:
                told[node_id] = HANDLED
            elif came != list(range(len(came))):
                told[node_id] = f"its replies came as {came}"
            else:
                told.setdefault(node_id, OPEN)
        return told.items()


async def _right(request: Text, waiting: Awaitable[Text]) -> None:
    _check(await waiting, request)


def _check(reply: Text, request: Text) -> None:
    if (reply.text, reply.number) != (request.text, request.number):
        raise _wrong(reply, request)


def _wrong(reply: Text, request: Text) -> ValueError:
    """What a caller is told who gets the reply to another call; it contradicts the promise."""
    return ValueError(f"{request.number} of {request.text} was answered with {reply.number} of {reply.text}")
