"""Requests that wait for their turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from pygorums.wire.framing import Frame, Message

__all__ = ["Backlog"]

MAX_WAITING = 64 << 20
"""Bytes of requests, bookkeeping included, that may wait for their handlers; further ones are refused."""

_REQUEST_COST = 512


class Backlog:
    """A bounded first-in-first-out queue of requests.

    Attributes:
        waiting: Those that wait, the oldest first.
        bytes: The bytes that wait, bookkeeping included.
    """

    def __init__(self) -> None:
        self.waiting: deque[Message | Frame] = deque()
        self._told: deque[tuple[int, Callable[[], None]]] = deque()  # how many are to be taken before, and whom to call
        self._taken = 0
        self.bytes = 0

    def put(self, requests: Sequence[Message | Frame]) -> Sequence[Message | Frame]:
        """Queue requests; those that do not fit are returned. A single one that finds the queue empty always fits."""
        size = self.bytes
        for index, request in enumerate(requests):
            cost = len(request.payload) + _REQUEST_COST
            if size + cost > MAX_WAITING and self.waiting:
                self.bytes = size
                return requests[index:]
            size += cost
            self.waiting.append(request)
        self.bytes = size
        return ()

    def take(self) -> Message | Frame:
        """Take out the one that waits longest."""
        request = self.waiting.popleft()
        self.bytes -= len(request.payload) + _REQUEST_COST
        if self._told:
            self._taken += 1
            self._tell()
        return request

    def clear(self) -> Sequence[Message | Frame]:
        """Take out all."""
        requests = list(self.waiting)
        self.waiting.clear()
        self.bytes = 0
        if self._told:
            self._taken = self._told[-1][0]
            self._tell()
        return requests

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
