"""Requests that wait for their turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import repeat

from pygorums.wire.framing import Frame, Message

__all__ = ["MAX_WAITING", "READ_AHEAD", "Backlog"]

MAX_WAITING = 64 << 20
"""Bytes of requests, bookkeeping included, that may wait for their handlers."""

READ_AHEAD = 64 << 10
"""Bytes of requests, bookkeeping included, that may wait while more is read: it may be said that they are given up."""

_REQUEST_COST = 512

_KEPT_WHOLE = 256 << 10
"""Bytes of requests that came together, bookkeeping included, that may wait as they came."""


class Backlog:
    """A first-in-first-out queue of requests, which knows how many bytes it holds and has a bound.

    The messages of an envelope share its memory: a single one holds on to all of it, and in memory one of two bytes
    may take hundreds. So requests that are many or large, or are still there when the next ones come, are copied out
    and wait as what they are on the wire. Most do not wait for that long.

    Args:
        limit: How many bytes may wait.

    Attributes:
        waiting: Those that wait, the oldest first, each with the bytes that it counts for and when it came.
        bytes: The bytes that wait, bookkeeping included.
        received_at: When the one came that was taken out last, by the clock of the event loop.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.waiting: deque[tuple[Message | Frame | bytes, int, float]] = deque()
        self._whole = 0  # at most so many, the last ones, are as they came
        self._told: list[tuple[int, Callable[[], None]]] = []  # whom to call when no more bytes than that wait
        self._below = -1  # the most of these bytes
        self.bytes = 0
        self.received_at = 0.0

    def put(self, requests: Sequence[Message | Frame], size: int, now: float = 0.0) -> Sequence[Message | Frame]:
        """Queue requests that have come together `now` in `size` bytes; return those that do not fit.

        A single one that finds the queue empty always fits.
        """
        count = len(requests)
        if not count:
            return ()
        if self.waiting:
            self._copy_out()
        cost = _REQUEST_COST + size // count
        if count > 1 and count * cost > _KEPT_WHOLE:
            return self._put_copies(requests, now)
        refused: Sequence[Message | Frame] = ()
        if self.bytes + count * cost > self._limit:
            count = max((self._limit - self.bytes) // cost, 0 if self.waiting else 1)
            requests, refused = requests[:count], requests[count:]
        self.waiting.extend(zip(requests, repeat(cost), repeat(now)))
        self.bytes += count * cost
        self._whole = count
        return refused

    def _put_copies(self, requests: Sequence[Message | Frame], now: float) -> Sequence[Message | Frame]:
        self._whole = 0
        for index, request in enumerate(requests):
            data = _copied(request)
            if self.bytes + _REQUEST_COST + len(data) > self._limit and self.waiting:
                return requests[index:]
            self._append(data, now)
        return ()

    def _append(self, data: bytes, now: float) -> None:
        cost = _REQUEST_COST + len(data)
        self.waiting.append((data, cost, now))
        self.bytes += cost

    def settle(self) -> None:
        """What was put last may have to wait: it holds on to no more than it is, if it is much."""
        if self._whole and self.waiting and self._whole * self.waiting[-1][1] > _KEPT_WHOLE:
            self._copy_out()

    def _copy_out(self) -> None:
        whole = [self.waiting.pop() for _ in range(min(self._whole, len(self.waiting)))]
        self._whole = 0
        while whole:
            request, cost, came = whole.pop()
            self.bytes -= cost
            self._append(request if isinstance(request, bytes) else _copied(request), came)

    def take(self) -> tuple[Message | Frame, int]:
        """Take out the one that waits longest, with the bytes that it counts for."""
        request, cost, self.received_at = self.waiting.popleft()
        self.bytes -= cost
        if self.bytes <= self._below:
            self._tell()
        return (Message.FromString(request) if isinstance(request, bytes) else request), cost

    def clear(self) -> Sequence[Message | Frame]:
        """Take out all."""
        requests = [Message.FromString(each) if isinstance(each, bytes) else each for each, _, _ in self.waiting]
        self.waiting.clear()
        self.bytes = self._whole = 0
        self._tell()
        return requests

    @property
    def waiting_bytes(self) -> int:
        """The bytes that wait, for who asks all kinds of sources."""
        return self.bytes

    def when_below(self, limit: int, callback: Callable[[], None]) -> None:
        """Have `callback` called, once, when no more than `limit` bytes wait; they are more now."""
        self._told.append((limit, callback))
        self._below = max(self._below, limit)

    def _tell(self) -> None:
        told, self._told, self._below = self._told, [], -1
        for limit, callback in told:
            if self.bytes <= limit:
                callback()
            else:
                self.when_below(limit, callback)


def _copied(request: Message | Frame) -> bytes:
    request.DiscardUnknownFields()
    return request.SerializeToString()
