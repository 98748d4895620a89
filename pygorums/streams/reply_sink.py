"""The way back for answers to calls that a node makes over a stream that we opened."""

from __future__ import annotations

from pygorums.streams.writer import Outgoing, Writer

__all__ = ["ReplySink"]


class ReplySink:
    """Puts replies among the requests that wait for a stream.

    They are worth sending on the stream that brought the call only: on the next one its number may mean another
    call. They are never dropped for want of room, since somebody waits for them; who handles the calls takes no
    further one while much is queued.

    Args:
        writer: The queue, which outlives the stream.
    """

    one_way = False

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.withdrawn = False
        """Whether the stream has ended."""

    @property
    def queued_bytes(self) -> int:
        """The bytes that are not sent yet, requests included."""
        return self._writer.queued_bytes

    def put(self, frame: bytes, owner: Outgoing, /) -> bool:  # noqa: ARG002 - the replies have this owner
        """Take a reply."""
        if not self.withdrawn:
            self._writer.put_reply(frame, self)
        return True

    async def drained(self, limit: int, /) -> None:
        """Wait until no more than `limit` bytes are not sent yet."""
        await self._writer.drained(limit)

    def stream_ended(self) -> None:
        """Send none of those that wait, and no more."""
        self.withdrawn = True
        self._writer.withdraw()

    def sent(self, node_id: int, /) -> None:
        """Nobody asks."""

    def fail(self, node_id: int, error: Exception, /) -> None:
        """Nobody asks."""
