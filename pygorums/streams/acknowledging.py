"""Telling the other side what was taken."""

from __future__ import annotations

import asyncio
from typing import Protocol

from pygorums.streams.send_queue import SendQueue
from pygorums.wire.framing import encode_ack

__all__ = ["Acknowledging"]

MESSAGES = 256
"""So many messages are told at once."""

SIZE = 64 << 10
"""And so many bytes of them."""

DELAY = 0.08
"""Seconds until fewer are told, with whatever else is sent."""

ALONE = 0.02
"""Seconds more until they are told though nothing else is sent."""


class _Counting(Protocol):
    taken: int


class Acknowledging:
    """Counts what is taken in a session, and tells the other side in good time.

    Args:
        half: Where it is counted.
        queue: By which it is told.
    """

    __slots__ = ("_due_at", "_half", "_loop", "_queue", "_size", "_timer")

    def __init__(self, half: _Counting, queue: SendQueue) -> None:
        self._half = half
        self._queue = queue
        self._loop = asyncio.get_running_loop()
        self._due_at = half.taken + MESSAGES  # the count at which it is told
        self._size = 0  # of what was taken and not told
        self._timer: asyncio.TimerHandle | None = None

    def took(self, count: int, size: int) -> None:
        """So many messages were taken, of so many bytes."""
        half = self._half
        half.taken = taken = half.taken + count
        self._size = size = self._size + size
        if taken >= self._due_at or size >= SIZE:
            self.tell()
        if self._timer is None:
            self._timer = self._loop.call_later(DELAY, self._due)

    def _due(self) -> None:
        self._timer = None
        if self._size or self._queue.telling:
            self.tell()
            self._timer = self._loop.call_later(ALONE, self._alone)

    def _alone(self) -> None:
        self._timer = None
        if self._queue.telling:
            self.tell(now=True)

    def tell(self, *, now: bool = False) -> None:
        """Tell it with what is sent next, or `now`."""
        self._size = 0
        self._due_at = self._half.taken + MESSAGES
        self._queue.tell(encode_ack(self._half.taken), now=now)

    def stop(self) -> None:
        """Tell nothing more, for now."""
        self._size = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
