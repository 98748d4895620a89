"""Correctables of the blocking facade."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from pygorums.base.pickling import Local
from pygorums.calls.correctable import Correctable as AsyncCorrectable
from pygorums.calls.correctable import Levels as AsyncLevels
from pygorums.sync.loop_thread import LoopThread

__all__ = ["Correctable"]

T = TypeVar("T")


class Correctable(Local, Generic[T]):
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
        """The newest reply of each node with its level, as `pygorums.Correctable` gives them.

        Raises:
            IncompleteError: At the end, if the level that was asked for was not reached.
        """
        return _Levels(aiter(self._correctable), self._thread)


class _Levels(Generic[T]):
    """Not a generator, which would be over after an interrupt."""

    def __init__(self, levels: AsyncLevels[T], thread: LoopThread) -> None:
        self._levels = levels
        self._thread = thread

    def __iter__(self) -> Iterator[tuple[T, int]]:
        return self

    def __next__(self) -> tuple[T, int]:
        item = self._thread.run(self._following)
        if item is None:
            raise StopIteration
        return item

    async def _following(self) -> tuple[T, int] | None:
        # A coroutine cannot raise StopIteration, and a future cannot hold it.
        try:
            return await anext(self._levels)
        except StopAsyncIteration:
            return None

    def close(self) -> None:
        """Leave the iteration; the call goes on."""
