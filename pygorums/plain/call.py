"""One call of a plain gRPC client, while it is handled."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from pygorums.base.errors import NodeClosedError
from pygorums.serving.in_order import InOrder
from pygorums.streams.outgoing import Outgoing
from pygorums.tasks.joined import resolve
from pygorums.wire.framing import Message

__all__ = ["Answers", "PlainCall"]


class Answers:
    """Where the answers to one call go.

    Attributes:
        queued_bytes: The bytes of those that are not taken yet.
    """

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._arrival: asyncio.Future[None] | None = None
        self._departure: asyncio.Future[None] | None = None
        self.queued_bytes = 0

    def put(self, frame: bytes, owner: Outgoing, /) -> bool:  # noqa: ARG002 - there is one call
        """Have an answer."""
        self._frames.append(frame)
        self.queued_bytes += len(frame)
        resolve(self._arrival)
        return True

    async def drained(self, limit: int, /) -> None:
        """Wait until no more than `limit` bytes are not taken yet."""
        while self.queued_bytes > limit:
            if self._departure is None or self._departure.done():
                self._departure = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._departure)

    async def take(self) -> Message:
        """Wait for the next answer, and take it."""
        while not self._frames:
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        frame = self._frames.popleft()
        self.queued_bytes -= len(frame)
        resolve(self._departure)
        return Message.FromString(frame)


class PlainCall:
    """A call, as the end of the server sees it.

    Args:
        requests: Handles it, and nothing else.
    """

    def __init__(self, requests: InOrder) -> None:
        self._requests = requests

    @property
    def tasks(self) -> Sequence[asyncio.Task[None]]:
        """The tasks that run handlers."""
        return self._requests.tasks

    async def drained(self) -> None:
        """Wait until it is handled."""
        await self._requests.finished()

    def shut_down(self) -> None:
        """The server stops: cancel what is being handled, and say so to those who wait."""
        self._requests.cancel(NodeClosedError("the server has stopped"))
