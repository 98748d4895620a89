"""Numbered calls of every kind, a ledger of who has handled them, and whether callers were told the truth.

Callers number their calls to each target. A call's request has the caller's name and that number; the target's handlers
write both down before they do anything else, with the name of their process. Afterwards `Ledger.problems` compares.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any

import grpc

import pygorums as gorums
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text

__all__ = ["KINDS", "Ledger", "LedgerService", "NumberedCaller", "WrittenLedger", "told_by"]

KINDS = ("echo", "ask", "follow", "note", "spread")

IDEMPOTENT = ("ask",)
"""Those that are sent again to a process that replaces another one."""

REPLIES = 3
"""Of a streaming call."""

HANDLED = "handled"
NOT_HANDLED = "not handled"
UNKNOWN = "unknown"
OPEN = "open"  # it was given up
UNSURE = "unsure"  # as without sessions
SENT = "sent"  # a one-way call that has returned


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


class Ledger:
    """What was handled where, and what callers were told.

    Attributes:
        handled: for each process, who has called and with which number, in the order of handling. The process of a
            target is named by the target, a slash, and something of its own.
        told: what the caller was told of each call, by target, caller and number; empty while it waits.
    """

    def __init__(self) -> None:
        self.handled: dict[str, list[tuple[str, int]]] = {}
        self.told: dict[tuple[str, str, int], str] = {}
        self.idempotent: set[tuple[str, str, int]] = set()  # calls that a process which was replaced may have handled

    def handle(self, process: str, caller: str, number: int) -> None:
        """A handler has begun."""
        self.handled.setdefault(process, []).append((caller, number))

    def tell(self, target: str, caller: str, number: int, told: str) -> None:
        """A caller was told something, or nothing yet."""
        self.told[target, caller, number] = told

    def outcomes(self) -> Counter[str]:
        """How often callers were told what."""
        return Counter(self.told.values())

    def problems(
        self, *, excused: Callable[[str], bool] = lambda _: False, dead: Container[str] = (), doubt: bool = True
    ) -> list[str]:
        """What contradicts the promise.

        Args:
            excused: Whether a target's process was replaced, or its sessions given up.
            dead: Callers that are no more, so that nobody was told anything.
            doubt: Whether a call to another target may be unknown, because it could not be reached for a while.
        """
        times: Counter[tuple[str, str, int]] = Counter()
        problems = []
        for process, entries in self.handled.items():
            target = process.partition("/")[0]
            times.update((target, caller, number) for caller, number in entries)
            last: dict[str, int] = {}
            for caller, number in entries:
                if number < last.get(caller, 0):
                    if (target, caller, number) in self.idempotent and excused(target):
                        continue  # sent again after its session was lost
                    problems.append(f"{process} handled {number} of {caller} after {last[caller]}")
                last[caller] = number
        twice = [(call, count) for call, count in times.items() if count > 1]
        allowed = {call for call, _ in twice if call in self.idempotent and excused(call[0])}
        problems += [f"{call} was handled {count} times" for call, count in twice if call not in allowed]
        problems += [f"{call} was handled, and never made" for call in times.keys() - self.told.keys()]
        for call, told in self.told.items():
            target, caller, _ = call
            count, lost = times[call], excused(target) or caller in dead
            if not told and caller not in dead:
                problems.append(f"{call} never ends")
            elif told == HANDLED and not count:
                problems.append(f"{call} was not handled, and its caller told that it was")
            elif told == NOT_HANDLED and count:
                problems.append(f"{call} was handled, and its caller told that it was not")
            elif told == SENT and not count and not lost:
                problems.append(f"{call} was sent, and is not handled")
            elif told == UNSURE:
                problems.append(f"{call} may be handled or not, and nobody says so")
            elif told == UNKNOWN and not (lost or doubt):
                problems.append(f"{call} is unknown, though nothing was lost")
            elif told not in ("", HANDLED, NOT_HANDLED, SENT, UNKNOWN, OPEN):
                problems.append(f"{call}: {told}")
        return problems


class WrittenLedger(Ledger):
    """Writes everything to a file at once, so that it outlives the process.

    Args:
        path: The file; what is in it stays.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def handle(self, process: str, caller: str, number: int) -> None:
        os.write(self._file, f"handled|{process}|{caller}|{number}\n".encode())

    def tell(self, target: str, caller: str, number: int, told: str) -> None:
        os.write(self._file, f"told|{target}|{caller}|{number}|{told}\n".encode())

    @staticmethod
    def read_into(ledger: Ledger, path: Path) -> None:
        """Enter into another ledger what is in the file."""
        for line in path.read_text().splitlines():
            kind, name, caller, number, *told = line.split("|", 4)
            if kind == "handled":
                ledger.handle(name, caller, int(number))
            else:
                ledger.tell(name, caller, int(number), *told)


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
            yield Text(text=request.text, number=number)


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
            waiting = self._one(echo(node, request, timeout=timeout), node.id, HANDLED)
        elif kind == "note":
            waiting = self._one(note(node, request, timeout=timeout), node.id, SENT)
        elif kind == "spread":
            waiting = self._each(spread(config, request, timeout=timeout), config)
        elif kind == "ask":
            waiting = self._replies(ask(config, request, timeout=timeout).send(), 1)
        else:
            waiting = self._replies(follow(config, request, timeout=timeout).send(), REPLIES)
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
    async def _replies(responses: gorums.Responses[Text], expected: int) -> Iterable[tuple[int, str]]:
        told: dict[int, str] = {}
        numbers: dict[int, list[int]] = {}
        async for response in responses:
            if response.error is not None:
                told[response.node_id] = told_by(response.error)
            else:
                numbers.setdefault(response.node_id, []).append(response.value.number)
        for node_id, came in numbers.items():
            whole = expected == 1 or came == list(range(expected))
            if whole and len(came) == expected:
                told[node_id] = HANDLED
            elif came != list(range(len(came))):
                told[node_id] = f"its replies came as {came}"
            else:
                told.setdefault(node_id, OPEN)
        return told.items()
