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
        waiting: Those that wait, the oldest first.
        bytes: The bytes that wait, bookkeeping included.
        received_at: When the one came that was taken out last, by the clock of the event loop.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.waiting: deque[Message | Frame | bytes] = deque()
        self._costs: deque[int] = deque()  # of each, in bytes
        self._times: deque[float] = deque()  # when each came
        self._whole = 0  # at most so many, the last ones, are as they came
        self._told: deque[tuple[int, Callable[[], None]]] = deque()  # how many are to be taken before, and whom to call
        self._taken = 0
        self._below = -1  # the bytes below which to tell so
        self._when_below: Callable[[], None] | None = None
        self.bytes = 0
        self.received_at = 0.0

    def put(self, requests: Sequence[Message | Frame], size: int, now: float = 0.0) -> Sequence[Message | Frame]:
        """Queue requests; those that do not fit are returned. A single one that finds the queue empty always fits.

        Args:
            requests: What has come together.
            size: How many bytes it was.
            now: When it came.
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
        self.waiting.extend(requests)
        self._costs.extend(repeat(cost, count))
        self._times.extend(repeat(now, count))
        self.bytes += count * cost
        self._whole = count
        return refused

    def _put_copies(self, requests: Sequence[Message | Frame], now: float) -> Sequence[Message | Frame]:
        self._whole = 0
        for index, request in enumerate(requests):
            data = _copied(request)
            cost = _REQUEST_COST + len(data)
            if self.bytes + cost > self._limit and self.waiting:
                return requests[index:]
            self.waiting.append(data)
            self._costs.append(cost)
            self._times.append(now)
            self.bytes += cost
        return ()

    def settle(self) -> None:
        """What was put last may have to wait: it holds on to no more than it is, if it is much."""
        if self._whole and self._costs and self._whole * self._costs[-1] > _KEPT_WHOLE:
            self._copy_out()

    def _copy_out(self) -> None:
        requests, costs = self.waiting, self._costs
        whole = [(requests.pop(), costs.pop()) for _ in range(min(self._whole, len(requests)))]
        self._whole = 0
        while whole:
            request, cost = whole.pop()
            self.bytes -= cost
            if not isinstance(request, bytes):
                request = _copied(request)
                cost = _REQUEST_COST + len(request)
            requests.append(request)
            costs.append(cost)
            self.bytes += cost

    def take(self) -> tuple[Message | Frame, int]:
        """Take out the one that waits longest, with the bytes that it counts for."""
        request = self.waiting.popleft()
        cost = self._costs.popleft()
        self.received_at = self._times.popleft()
        self.bytes -= cost
        if self.bytes <= self._below:
            self._tell_below()
        if self._told:
            self._taken += 1
            self._tell()
        return (Message.FromString(request) if isinstance(request, bytes) else request), cost

    def clear(self) -> Sequence[Message | Frame]:
        """Take out all."""
        requests = [Message.FromString(each) if isinstance(each, bytes) else each for each in self.waiting]
        self.waiting.clear()
        self._costs.clear()
        self._times.clear()
        self.bytes = self._whole = 0
        self._tell_below()
        if self._told:
            self._taken = self._told[-1][0]
            self._tell()
        return requests

    def when_below(self, limit: int, callback: Callable[[], None]) -> None:
        """Have `callback` called when no more than `limit` bytes wait, instead of what was given before."""
        self._below = limit
        self._when_below = callback

    def _tell_below(self) -> None:
        callback, self._when_below, self._below = self._when_below, None, -1
        if callback is not None:
            callback()

    def when_taken(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when what waits now is taken out."""
        if not self.waiting:
            callback()
            return
        if not self._told:
            self._taken = 0
        self._told.append((self._taken + len(self.waiting), callback))

    def _tell(self) -> None:
        while self._told and self._told[0][0] <= self._taken:
            self._told.popleft()[1]()


def _copied(request: Message | Frame) -> bytes:
    request.DiscardUnknownFields()
    return request.SerializeToString()
