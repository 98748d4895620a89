"""One stream of a connection, as the one who uses it has it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pygorums.base.errors import StatusError
from pygorums.transports.http2.events import MessagesReceived, StreamEnded
from pygorums.transports.http2.stream import Stream
from pygorums.transports.interface import StreamUser

if TYPE_CHECKING:  # connections have streams
    from pygorums.transports.sockets.connection import SocketConnection

__all__ = ["SocketStream"]


class SocketStream:
    """What both ends have in common.

    The windows of HTTP/2 are the brake: what the user has got is acknowledged unless it has paused, and while it has
    not the peer can send no more than a window. That much is kept here.
    """

    __slots__ = ("_connection", "_end", "_held", "_held_size", "_owed", "_paused", "_stream", "_user")

    _connection: SocketConnection
    _stream: Stream

    def __init__(self) -> None:
        self._user: StreamUser | None = None
        self._paused = False
        self._held: list[bytes] = []  # messages that the user has not got yet
        self._held_size = 0
        self._owed = 0  # bytes of those it has got, and that are acknowledged when it resumes
        self._end: list[StatusError | None] = []  # what it is to be told after them

    def attach(self, connection: SocketConnection, stream: Stream) -> None:
        """Say where the stream is, before anything else is done with it."""
        self._connection = connection
        self._stream = stream
        stream.context = self

    @property
    def heard_at(self) -> float:
        """When anything came last over the connection."""
        return self._connection.http2.last_received or 0.0

    def use(self, user: StreamUser, /) -> None:
        """Tell this user from now on."""
        self._user = user
        if self._held or self._end:
            asyncio.get_running_loop().call_soon(self._tell)

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

    def pause(self) -> None:
        """Tell of no more messages for now, and acknowledge none."""
        self._paused = True

    def resume(self) -> None:
        """Tell of messages again."""
        self._paused = False
        if self._held or self._end:
            asyncio.get_running_loop().call_soon(self._tell)
        elif self._owed:
            self._acknowledge(0)
            self._connection.flush()

    def took(self, event: MessagesReceived) -> None:
        """Messages have come."""
        user = self._user
        if user is None or self._paused or self._held:
            self._held += event.messages
            self._held_size += event.size
            return
        user.received(event.messages)
        self._acknowledge(event.size)

    def _acknowledge(self, size: int) -> None:
        if self._paused:
            self._owed += size
        else:
            self._stream.consumed(size + self._owed)
            self._owed = 0

    def over(self, event: StreamEnded) -> None:
        """The stream has ended."""
        raise NotImplementedError

    def leaving(self) -> None:
        """The connection will end before long."""
        if self._user is not None:
            self._user.leaving()

    def ended(self, error: StatusError | None) -> None:
        """Tell the user that nothing more comes, after what has come before."""
        self._end.append(error)
        self._tell_end()

    def ended_now(self, error: StatusError) -> None:
        """Tell the user that the stream is over, whatever else it has not been told."""
        self._held = []
        self._end = [error]
        self._tell_end()

    def _tell(self) -> None:
        """Tell what has waited."""
        user = self._user
        if user is None or self._paused:
            return
        if self._held:
            messages, self._held = self._held, []
            size, self._held_size = self._held_size, 0
            user.received(messages)
            self._acknowledge(size)
            self._connection.flush()
        self._tell_end()

    def _tell_end(self) -> None:
        while self._user is not None and self._end and not self._held:
            self._user.ended(self._end.pop(0))

    def forget(self) -> None:
        """Tell nothing more."""
        self._user = None
        self._held = []
        self._end = []
