"""Correctables: the outcome of a quorum call that improves while replies arrive."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from typing import Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from google.protobuf.message import Message

from pygorums.base.errors import GorumsError, IncompleteError
from pygorums.base.pickling import Local
from pygorums.calls.progress import Progress
from pygorums.calls.reply_queue import MAX_UNREAD, REPLY_COST
from pygorums.calls.response import ResponseStream
from pygorums.quorum.rule import Rule
from pygorums.quorum.tally import Tally

__all__ = ["LEVEL_NOT_SET", "Correctable", "Levels"]

T = TypeVar("T")

LEVEL_NOT_SET = -1
"""The level of a correctable before its first reply."""


class Closable(Protocol):
    """What reading a call's responses can be ended with."""

    def close(self) -> None:
        """Forget the call."""


class Correctable(Local, Generic[T]):
    """A quorum call under way whose latest reply can be looked at any time.

    Its level is the number of successful replies so far. It is done when the level that was asked for is reached, or
    the quorum, when there can be no such quorum any more, when all nodes have answered or failed, when the time is up,
    or when it is cancelled; if what was asked for was not reached by then, it has an error. It lives on while it is
    under way, whether anybody looks or not. Of each node it keeps the newest reply only.
    """

    def __init__(
        self,
        responses: ResponseStream[T],
        source: Closable,
        progress: Progress,
        need: int | Rule,
    ) -> None:
        self._responses = responses
        self._source = source
        self._progress = progress
        self._wanted = need if isinstance(need, int) else 0
        self._tally = None if isinstance(need, int) else Tally(need)
        self._reached = False
        self._newest: dict[int, tuple[T, int]] = {}  # of each node, by ascending level
        self._latest: T | None = None
        self._readers: WeakKeyDictionary[Levels[T], None] | None = None  # in order, if there ever were any
        self._level = LEVEL_NOT_SET
        self._error: Exception | None = None
        self._done = False
        self._loop = asyncio.get_running_loop()
        self._waiters: dict[asyncio.Future[None], int] = {}  # each with the level that it waits for
        self._task = self._loop.create_task(self._run(), name=f"pygorums correctable {progress.method_name}")

    def get(self) -> tuple[T | None, int, Exception | None]:
        """The latest reply, the level and the error. Never waits.

        ``(None, LEVEL_NOT_SET, None)`` before the first reply; the error stays None unless the call is over
        and its level was not reached.
        """
        return self._latest, self._level, self._error

    @property
    def done(self) -> bool:
        """Whether the call is over."""
        return self._done

    async def watch(self, level: int) -> tuple[T | None, int, Exception | None]:
        """Wait until `level` is reached or the call is over, and return `get()`."""
        if self._level < level and not self._done:
            await self._until(level)
        return self.get()

    async def wait(self) -> tuple[T | None, int, Exception | None]:
        """Wait until the call is over, and return `get()`."""
        if not self._done:
            await self._until(sys.maxsize)
        return self.get()

    def cancel(self) -> None:
        """Forget the call. It is over at once, with an error if it was not over before."""
        if not self._done:
            self._finish("cancelled")
            self._task.cancel()

    def __aiter__(self) -> Levels[T]:
        """Every reply with its level, as they arrive; of those that came before this was called, each node's newest.

        A reader that leaves `MAX_UNREAD` bytes waiting misses all but each node's newest. To be cancelled while waiting
        for the next one loses none.

        Raises:
            IncompleteError: At the end, if the level that was asked for was not reached.
        """
        levels = Levels(self)
        if self._readers is None:
            self._readers = WeakKeyDictionary()
        for node_id, (reply, level) in self._newest.items():
            levels.put(node_id, reply, level)
        self._readers[levels] = None
        return levels

    async def changed(self) -> bool:
        """Wait for the next reply or the end; False if there is nothing to wait for.

        Raises:
            IncompleteError: The call is over, and its level was not reached.
        """
        if self._done:
            if self._error is not None:
                raise self._error.with_traceback(None)  # or it would grow each time
            return False
        await self._until(self._level + 1)
        return True

    async def _until(self, level: int) -> None:
        """Wait for a level, or the end."""
        waiter = self._loop.create_future()
        self._waiters[waiter] = level
        try:
            await waiter
        finally:
            self._waiters.pop(waiter, None)

    async def _run(self) -> None:
        try:
            try:
                await self._read()
            finally:
                await self._responses.aclose()
        except Exception as error:
            # An interceptor failed; the call cannot go on.
            self._error = error if isinstance(error, GorumsError) else self._incomplete(f"failed: {error!r}")
        except asyncio.CancelledError:
            self._finish("cancelled")
            raise
        self._finish(None)

    async def _read(self) -> None:
        async for response in self._responses:
            self._progress.take(response)
            tally = self._tally
            if response.error is not None:
                if tally is not None and self._progress.lost(tally):
                    break
                continue
            level = self._level = max(self._level, 0) + 1
            self._latest = response.value
            self._newest.pop(response.node_id, None)
            self._newest[response.node_id] = response.value, level
            if self._readers is not None:
                for reader in list(self._readers):
                    reader.put(response.node_id, response.value, level)
            enough = level >= self._wanted if tally is None else tally.count_success(response.node_id)
            if enough:
                self._reached = self._progress.satisfied = self._progress.done = True
                return
            self._notify()
        self._progress.end()
        self._progress.fail(self._incomplete(None))

    def _incomplete(self, cause: str | None) -> IncompleteError:
        progress = self._progress
        if cause is None:
            return IncompleteError.of(progress)
        return IncompleteError(progress.method_name, progress.node_errors, progress.replies, cause)

    def _finish(self, cause: str | None) -> None:
        if self._done:
            return
        self._done = True
        if cause is not None:
            self._progress.fail(asyncio.CancelledError())
        self._source.close()
        self._level = max(self._level, 0)
        if not self._reached and self._error is None:
            self._error = self._incomplete(cause)
        self._notify()

    def _notify(self) -> None:
        """Wake those who wait for no more than what is reached, in the order in which they came, and in the end all."""
        if self._waiters:
            for waiter, level in self._waiters.items():
                if (level <= self._level or self._done) and not waiter.done():
                    waiter.set_result(None)


class Levels(Generic[T]):
    """Reads the replies of a correctable, each with its level."""

    def __init__(self, correctable: Correctable[T]) -> None:
        self._correctable = correctable
        self._unread: deque[tuple[int, T, int]] = deque()  # node, reply and level
        self._bytes = 0

    def put(self, node_id: int, reply: T, level: int) -> None:
        """A reply has come."""
        self._unread.append((node_id, reply, level))
        self._bytes += _weight(reply)
        if self._bytes > MAX_UNREAD:
            newest = {item[0]: item for item in self._unread}
            self._unread = deque(sorted(newest.values(), key=lambda item: item[2]))
            self._bytes = sum(_weight(item[1]) for item in self._unread)

    def __aiter__(self) -> Levels[T]:
        return self

    async def __anext__(self) -> tuple[T, int]:
        while not self._unread:
            if not await self._correctable.changed():
                raise StopAsyncIteration
        _, reply, level = self._unread.popleft()
        self._bytes -= _weight(reply)
        return reply, level

    async def aclose(self) -> None:
        """Leave the iteration; the call goes on."""
        self._unread.clear()
        self._bytes = 0


def _weight(reply: object) -> int:
    return REPLY_COST + (reply.ByteSize() if isinstance(reply, Message) else 0)
