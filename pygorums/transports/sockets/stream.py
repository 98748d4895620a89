"""One stream of a connection, as the one who uses it has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from pygorums.transports.http2.events import MessagesReceived, StreamEnded
from pygorums.transports.http2.stream import Stream
from pygorums.transports.telling import Telling

__all__ = ["SocketStream"]


class Below(Protocol):
    """The connection of a stream, as `SocketConnection` has it."""

    http2: Any
    stuck: bool
    stalled: dict[SocketStream, None]
    broken: str | None

    def flush(self) -> None:
        """Write what there is."""


class SocketStream(Telling):
    """What both ends have in common.

    The windows of HTTP/2 are the brake: what the user has got is acknowledged unless it has paused, and while it has
    not the peer can send no more than a window. That much is kept here.
    """

    __slots__ = ("_connection", "_held_size", "_owed", "_stream")

    at_once = 64 << 10
    """How many bytes make a write that is worth it: more of them cost no less for each."""

    _connection: Below
    _stream: Stream

    def __init__(self) -> None:
        super().__init__()
        self._held_size = 0  # what the messages that are kept count for in the windows
        self._owed = 0  # the same of those that the user has got, and that are acknowledged when it resumes

    def attach(self, connection: Below, stream: Stream) -> None:
        """Say where the stream is, before anything else is done with it."""
        self._connection = connection
        self._stream = stream
        stream.context = self

    @property
    def heard_at(self) -> float:
        """When anything came last over the connection."""
        return self._connection.http2.last_received or 0.0

    def write(self, messages: Sequence[bytes], /) -> bool:
        """Write messages; whether they were taken."""
        stream = self._stream
        connection = self._connection
        stream.send(messages)
        connection.flush()
        if stream.waiting or connection.stuck:
            connection.stalled[self] = None
            return False
        return not stream.local_ended

    def has_left(self) -> None:
        """What had to wait has left for the socket, or the socket takes more."""
        if self._connection.stuck:
            self._connection.stalled[self] = None
        elif not self._stream.waiting and not self._stream.local_ended and self._user is not None:
            self._connection.stalled.pop(self, None)
            self._user.writable()

    def resume(self) -> None:
        """Tell of messages again, and acknowledge those that were told before the pause."""
        super().resume()
        if self._owed:
            self._acknowledge(0)
            self._connection.flush()

    def took(self, event: MessagesReceived) -> None:
        """Messages have come."""
        user = self._user
        if user is None or self._paused or self._held:
            self._held += event.messages
            self._held_size += event.size
            self.count_kept()
            return
        user.received(event.messages)
        if self._paused:
            self._owed += event.size
        else:
            self._stream.consumed(event.size)

    def count_kept(self) -> None:
        """Tell how much is kept, if somebody wants to know."""
        if self.when_kept is not None:
            self.when_kept(self._held_size + self._stream.incomplete)

    def told(self) -> None:
        """What was kept has been told."""
        size, self._held_size = self._held_size, 0
        self.count_kept()
        self._acknowledge(size)
        self._connection.flush()

    def _acknowledge(self, size: int) -> None:
        self._owed += size
        if not self._paused:
            self._stream.consumed(self._owed)
            self._owed = 0

    def over(self, event: StreamEnded) -> None:
        """The stream has ended."""
        raise NotImplementedError

    def leaving(self) -> None:
        """The connection will end before long."""
        if self._user is not None:
            self._user.leaving()
