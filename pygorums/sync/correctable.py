"""Correctables of the blocking facade."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from pygorums.calls.correctable import Correctable as AsyncCorrectable
from pygorums.sync.loop_thread import LoopThread

__all__ = ["Correctable"]

T = TypeVar("T")


class Correctable(Generic[T]):
    """A quorum call under way whose latest reply can be looked at any time: `pygorums.Correctable`, blocking."""

    def __init__(self, correctable: AsyncCorrectable[T], thread: LoopThread) -> None:
        self._correctable = correctable
        self._thread = thread

    def get(self) -> tuple[T | None, int, Exception | None]:
        """The latest reply, the level and the error. Never waits for replies."""
        return self._thread.call(self._correctable.get)

    @property
    def done(self) -> bool:
        """Whether the call is over."""
        return self._correctable.done

    def watch(self, level: int) -> tuple[T | None, int, Exception | None]:
        """Wait until `level` is reached or the call is over, and return `get()`."""
        return self._thread.run(self._correctable.watch, level)

    def wait(self) -> tuple[T | None, int, Exception | None]:
        """Wait until the call is over, and return `get()`."""
        return self._thread.run(self._correctable.wait)

    def cancel(self) -> None:
        """Forget the call."""
        self._thread.call(self._correctable.cancel)

    def __iter__(self) -> Iterator[tuple[T, int]]:
        """Every reply with its level, from the first one on.

        Raises:
            IncompleteError: At the end, if the level that was asked for was not reached.
        """
        replies = aiter(self._correctable)

        async def following() -> tuple[T, int] | None:
            # A coroutine cannot raise StopIteration, and a future cannot hold it.
            return await anext(replies, None)

        while (item := self._thread.run(following)) is not None:
            yield item
