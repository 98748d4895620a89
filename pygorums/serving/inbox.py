"""Requests that wait for their turn, put there by a reader that must not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from pygorums.wire.framing import Frame, Message

__all__ = ["Inbox"]

MAX_WAITING = 64 << 20
"""Bytes of requests, bookkeeping included, that may wait for their handlers; further ones are refused."""

_REQUEST_COST = 512


class Inbox:
    """A bounded first-in-first-out queue of requests for one task that handles them."""

    def __init__(self) -> None:
        self._requests: list[Message | Frame] = []
        self._bytes = 0
        self._ended = False
        self._wakeup: asyncio.Future[None] | None = None
        self._when_taken: list[Callable[[], None]] = []

    @property
    def bytes(self) -> int:
        """The bytes that wait, bookkeeping included."""
        return self._bytes

    def put(self, requests: Sequence[Message | Frame]) -> Sequence[Message | Frame]:
        """Queue requests; those that do not fit are returned."""
        for index, request in enumerate(requests):
            self._bytes += len(request.payload) + _REQUEST_COST
            if self._bytes > MAX_WAITING:
                self._bytes -= len(request.payload) + _REQUEST_COST
                refused = requests[index:]
                break
            self._requests.append(request)
        else:
            refused = ()
        self._wake()
        return refused

    def end(self) -> None:
        """No more requests come."""
        self._ended = True
        self._wake()

    async def receive(self) -> Sequence[Message | Frame] | None:
        """The requests that wait, once there are any; None after the end."""
        while not self._requests:
            if self._ended:
                return None
            self._wakeup = asyncio.get_running_loop().create_future()
            await self._wakeup
        return self.clear()

    def clear(self) -> Sequence[Message | Frame]:
        """Take out what waits."""
        requests, self._requests = self._requests, []
        self._bytes = 0
        callbacks, self._when_taken = self._when_taken, []
        for callback in callbacks:
            callback()
        return requests

    def when_taken(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when what waits now is taken out."""
        self._when_taken.append(callback)

    def _wake(self) -> None:
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)
