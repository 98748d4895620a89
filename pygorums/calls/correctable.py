"""Correctables: the outcome of a quorum call that improves while replies arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, Protocol, TypeVar

from pygorums.base.errors import GorumsError, IncompleteError
from pygorums.calls.reply_queue import Progress
from pygorums.calls.response import ResponseStream

__all__ = ["LEVEL_NOT_SET", "Correctable"]

T = TypeVar("T")

LEVEL_NOT_SET = -1
"""The level of a correctable before its first reply."""


class Closable(Protocol):
    """What reading a call's responses can be ended with."""

    def close(self) -> None:
        """Forget the call."""


class Correctable(Generic[T]):
    """A quorum call under way whose latest reply can be looked at any time.

    Its level is the number of successful replies so far. It is done when the level that was asked for is
    reached, when all nodes have answered or failed, when the time is up, or when it is cancelled; if the
    level was not reached by then, it has an error. It lives on while it is under way, whether anybody looks
    or not.
    """

    def __init__(
        self,
        responses: ResponseStream[T],
        source: Closable,
        progress: Progress,
        level: int,
    ) -> None:
        self._responses = responses
        self._source = source
        self._progress = progress
        self._wanted = level
        self._replies: list[T] = []
        self._node_errors: dict[int, Exception] = {}
        self._level = LEVEL_NOT_SET
        self._error: Exception | None = None
        self._done = False
        self._loop = asyncio.get_running_loop()
        self._changed = self._loop.create_future()
        self._task = self._loop.create_task(self._run(), name=f"pygorums correctable {progress.method_name}")

    def get(self) -> tuple[T | None, int, Exception | None]:
        """The latest reply, the level and the error. Never waits.

        ``(None, LEVEL_NOT_SET, None)`` before the first reply; the error stays None unless the call is over
        and its level was not reached.
        """
        return (self._replies[-1] if self._replies else None), self._level, self._error

    @property
    def done(self) -> bool:
        """Whether the call is over."""
        return self._done

    async def watch(self, level: int) -> tuple[T | None, int, Exception | None]:
        """Wait until `level` is reached or the call is over, and return `get()`."""
        while self._level < level and not self._done:
            await asyncio.shield(self._changed)
        return self.get()

    async def wait(self) -> tuple[T | None, int, Exception | None]:
        """Wait until the call is over, and return `get()`."""
        while not self._done:
            await asyncio.shield(self._changed)
        return self.get()

    def cancel(self) -> None:
        """Forget the call. It is over at once, with an error if it was not over before."""
        if not self._done:
            self._finish("cancelled")
            self._task.cancel()

    async def __aiter__(self) -> AsyncIterator[tuple[T, int]]:
        """Every reply with its level, from the first one on.

        Raises:
            IncompleteError: At the end, if the level that was asked for was not reached.
        """
        read = 0
        while True:
            while read < len(self._replies):
                read += 1
                yield self._replies[read - 1], read
            if self._done:
                break
            await asyncio.shield(self._changed)
        if self._error is not None:
            raise self._error

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
            if response.error is not None:
                self._node_errors[response.node_id] = response.error
                continue
            self._replies.append(response.value)
            self._level = len(self._replies)
            if self._level >= self._wanted:
                break
            self._notify()

    def _incomplete(self, cause: str | None) -> IncompleteError:
        if cause is None:
            self._progress.node_errors.update(self._node_errors)
            return IncompleteError.of(self._progress)
        return IncompleteError(self._progress.method_name, self._node_errors, len(self._replies), cause)

    def _finish(self, cause: str | None) -> None:
        if self._done:
            return
        self._done = True
        self._source.close()
        self._level = len(self._replies)
        if self._level < self._wanted and self._error is None:
            self._error = self._incomplete(cause)
        self._notify()

    def _notify(self) -> None:
        self._changed.set_result(None)
        self._changed = self._loop.create_future()
