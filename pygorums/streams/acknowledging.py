"""Telling the other side what was taken."""

from __future__ import annotations

import asyncio
from typing import Protocol

from pygorums.sessions.kept import MESSAGE_COST
from pygorums.streams.send_queue import SendQueue
from pygorums.streams.window import Waiting, Window
from pygorums.wire.framing import encode_ack

__all__ = ["Acknowledging"]

SIZE = 64 << 10
"""So many bytes are told at once."""

EACH = 256
"""Bytes for which each message counts besides its own in that: so no more than 256 of them are told at once."""

URGENT = 1 << 20
"""Bytes, bookkeeping included, that are told though nothing else is sent; and never more than a quarter of a window."""

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

    Attributes:
        window: How much more may come, which is told too; None if there is no need to say.
    """

    __slots__ = (
        "_due",
        "_half",
        "_loop",
        "_most",
        "_queue",
        "_tells",
        "_timer",
        "_told",
        "_unsent",
        "_untold",
        "_urgent",
        "window",
    )

    def __init__(self, half: _Counting, queue: SendQueue) -> None:
        self._half = half
        self._queue = queue
        self._loop = asyncio.get_running_loop()
        self.window: Window | None = None
        self._most, self._urgent = SIZE, URGENT
        self._told = half.taken
        self._untold = 0  # bytes of what was taken and not told, with those for each message
        self._due = 0  # at how many there is something to do
        self._unsent = 0  # bytes of what was told, bookkeeping included, and has not left
        self._tells = False  # whether there is a stream on which it may be told
        self._timer: asyncio.TimerHandle | None = None

    def opened(self, waiting: Waiting | None = None) -> None:
        """From now on there is a window, for what waits there."""
        if self.window is None:
            self.window = window = Window(self._more)
            # So that the other side hears of it before it has used all up.
            self._urgent = min(URGENT, window.size // 4)
            self._most = min(SIZE, self._urgent // 2)
        self.window.waiting = waiting
        self._more()

    def _more(self) -> None:
        if self._tells:
            self.tell(now=True)

    def took(self, count: int, size: int) -> None:
        """So many messages were taken, of so many bytes."""
        self._half.taken += count
        self._untold = untold = self._untold + size + EACH * count
        if untold >= self._due:
            self._look()

    def _look(self) -> None:
        """Much was taken, or anything while nobody looks at the clock."""
        if self._untold >= self._most:
            self.tell()
        if self._timer is None:
            self._timer = self._loop.call_later(DELAY, self._late)
            self._due = self._most

    def _late(self) -> None:
        self._timer = None
        self._due = 0
        if self._untold or self._queue.telling:
            self.tell()
            self._timer = self._loop.call_later(ALONE, self._alone)
            self._due = self._most

    def _alone(self) -> None:
        self._timer = None
        self._due = 0
        if self._queue.telling:
            self.tell(now=True)
        elif self._untold:
            self._look()

    def tell(self, *, now: bool = False) -> None:
        """Tell it with what is sent next, or `now`; now, too, if it is much."""
        taken, queue = self._half.taken, self._queue
        unsent = self._untold + (MESSAGE_COST - EACH) * (taken - self._told)
        if queue.telling:
            unsent += self._unsent
        self._tells = True
        self._unsent = unsent
        self._told = taken
        self._untold = 0
        credit = None if self.window is None else self.window.credit
        queue.tell(encode_ack(taken, credit), now=now or unsent >= self._urgent)

    def stop(self) -> None:
        """Tell nothing more, for now."""
        self._untold = self._due = 0
        self._tells = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
