"""How much may come in a session whose streams are always read, since replies come on them too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

__all__ = ["Waiting", "Window"]

WINDOW = 16 << 20
"""Bytes of requests that may be on their way or wait for their turn."""


class Waiting(Protocol):
    """The requests that wait for their turn at this end."""

    @property
    def waiting_bytes(self) -> int:
        """How many bytes they are."""

    def when_below(self, limit: int, callback: Callable[[], None], /) -> None:
        """Have `callback` called, once, when no more than `limit` bytes wait; they are more now."""


class Window:
    """Says how much more the other side may send, and when that is to be told again.

    As long as little waits that is all there is, so that it need not be told each time a handler ends.

    Args:
        changed: Called when there is notably more than was told.

    Attributes:
        size: How much there is, in bytes.
        waiting: What waits here; None while there is nothing that could.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.size = WINDOW
        self.waiting: Waiting | None = None
        self._changed = changed
        self._watched: Waiting | None = None  # for having less

    @property
    def credit(self) -> int:
        """The bytes that may come; they are told to the other side."""
        waiting, size = self.waiting, self.size
        waits = 0 if waiting is None else waiting.waiting_bytes
        if waiting is None or waits <= size // 4:
            return size
        if self._watched is not waiting:
            self._watched = waiting
            waiting.when_below(max(waits // 2, size // 4), self._look)
        return max(size - waits, 0)

    def _look(self) -> None:
        self._watched = None
        self._changed()
