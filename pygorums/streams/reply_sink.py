"""The way back for answers to calls that a node makes over a stream that we opened."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from pygorums.streams.outgoing import Outgoing
from pygorums.streams.send_queue import SendQueue

__all__ = ["READ_ON_BELOW", "ReplySink"]

READ_ON_BELOW = 4 << 20
"""Bytes of replies that may wait for a peer before no more is read from it."""

_REPLY_COST = 256


class ReplySink:
    """Puts replies among the requests that wait for a stream.

    They are worth sending on the stream that brought the call only: on the next one its number may mean another
    call. They are never dropped for want of room, since somebody waits for them. Instead no further call is
    handled while much is queued, and from a node that does not take its replies nothing more is read.

    Args:
        queue: The queue, which outlives the stream.
    """

    one_way = True  # it wants to be told what was sent

    def __init__(self, queue: SendQueue) -> None:
        self._queue = queue
        self._sizes: deque[int] = deque()  # of the replies that wait, oldest first
        self._waiting = 0
        self.on_progress: Callable[[], None] | None = None
        """Called once when another reply has been sent, or the stream has ended."""
        self.withdrawn = False
        """Whether the stream has ended."""

    @property
    def queued_bytes(self) -> int:
        """The bytes that are not sent yet, requests included."""
        return self._queue.queued_bytes

    def put(self, frame: bytes, owner: Outgoing, /) -> bool:  # noqa: ARG002 - the replies have this owner
        """Take a reply."""
        if not self.withdrawn:
            size = len(frame) + _REPLY_COST
            self._sizes.append(size)
            self._waiting += size
            self._queue.put_reply(frame, self)
        return True

    @property
    def full(self) -> bool:
        """Whether more replies wait than the node seems to take."""
        return self._waiting > READ_ON_BELOW

    def _wake(self) -> None:
        callback, self.on_progress = self.on_progress, None
        if callback is not None:
            callback()

    async def drained(self, limit: int, /) -> None:
        """Wait until no more than `limit` bytes are not sent yet."""
        await self._queue.drained(limit)

    def stream_ended(self) -> None:
        """Send none of those that wait, and no more."""
        self.withdrawn = True
        self._waiting = 0
        self._queue.withdraw()
        self._wake()

    def sent(self, node_id: int, /) -> None:  # noqa: ARG002 - there is one node
        """The oldest reply has been sent."""
        self._waiting -= self._sizes.popleft()
        self._wake()

    def fail(self, node_id: int, error: Exception, /) -> None:
        """The stream has ended, which is known."""
