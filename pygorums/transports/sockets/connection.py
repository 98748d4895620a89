"""One connection on a socket, as both ends have it."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Sequence
from typing import Any

from pygorums.tasks.turns import together
from pygorums.transports.http2.connection import Connection
from pygorums.transports.http2.events import Event, GoingAway, MessagesReceived, StreamEnded, Terminated, Writable
from pygorums.transports.sockets.stream import SocketStream
from pygorums.transports.sockets.tls import why_tls_failed

__all__ = ["SocketConnection"]

LAST_WORDS = 1.0
"""Seconds that a peer gets to take what was written before its connection is closed."""


BUFFER = 256 << 10
"""Bytes that are read from a socket at once."""

COPIED = 16 << 10
"""Up to so many of them are copied first: what is cut of bytes then costs less than what is cut of a view."""


class _Reading(threading.local):
    """What sockets are read into, one after the other: in each thread by one event loop at a time.

    asyncio would allocate as much for each of the few bytes that mostly come, and give most of it back, which costs
    more than all that is then done with them.
    """

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(BUFFER))


_reading = _Reading()


class SocketConnection(asyncio.BufferedProtocol):
    """Carries bytes between a socket and a connection of HTTP/2, and tells the streams what happens.

    Args:
        http2: The connection.

    Attributes:
        socket: asyncio's transport, once there is one.
        loop: The event loop.
        stuck: Whether the socket does not take what it has.
        stalled: The streams whose users wait to write again.
        broken: Why the connection has ended, in words.
        over: Done when the socket is closed.
    """

    lets_peer_read = False
    """Whether `close` waits until the peer has closed too: what is on its way to it when a socket is closed that has
    unread bytes would be lost."""

    def __init__(self, http2: Connection[Any]) -> None:
        self.loop = asyncio.get_running_loop()
        self._clock = self.loop.time
        self.http2 = http2
        self.socket: asyncio.Transport | None = None
        self.stuck = False
        self.stalled: dict[SocketStream, None] = {}
        self.broken: str | None = None
        self.over: asyncio.Future[None] = self.loop.create_future()
        self._reading = False
        self._buffer = _reading.buffer
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio: there is a socket."""
        self.socket = transport  # type: ignore[assignment]  # what a protocol of this kind gets
        self.http2.last_received = self._clock()
        self.flush()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio has no hint
        """Called by asyncio: where to put what has come."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Called by asyncio: so many bytes have come."""
        data = self._buffer[:nbytes]
        self.data_received(bytes(data) if nbytes <= COPIED else data)

    def data_received(self, data: bytes | memoryview) -> None:
        """Take bytes that have come."""
        http2 = self.http2
        events = http2.receive(data, self._clock())
        if http2.ended and events and isinstance(events[-1], Terminated):
            self.broken = f"the other side broke the rules of HTTP/2: {events[-1].text}"
        if events:
            self._reading = True
            try:
                together(self._tell, events)
            finally:
                self._reading = False
        if http2.out:
            self.flush()
        if http2.ended:
            self.close()

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            if type(event) is MessagesReceived:
                event.stream.context.took(event)
            else:
                self.react(event)

    def react(self, event: Event) -> None:
        """Tell who is concerned of anything but messages."""
        if isinstance(event, StreamEnded):
            event.stream.context.over(event)
        elif isinstance(event, Writable):
            event.stream.context.has_left()
        elif isinstance(event, GoingAway):
            for stream in tuple(self.http2.streams.values()):
                if stream.context is not None:  # or it was answered without anybody having been asked
                    stream.context.leaving()

    def flush(self) -> None:
        """Write what there is, unless the socket does not take what it has, or it will be done in a moment."""
        http2 = self.http2
        socket = self.socket
        if self.stuck or self._reading or socket is None:
            return
        out = http2.take()
        if len(out) == 1:
            socket.write(out[0])
        elif out:
            socket.write(b"".join(out))
        while http2.held_back and not self.stuck:
            for event in http2.resume():
                self.react(event)
            socket.write(b"".join(http2.take()))

    def pause_writing(self) -> None:
        """Called by asyncio: much waits for the socket."""
        self.stuck = True

    def resume_writing(self) -> None:
        """Called by asyncio: the socket has taken what waited."""
        self.stuck = False
        self.flush()
        stalled, self.stalled = self.stalled, {}
        for stream in stalled:
            stream.has_left()

    def close(self, text: str = "") -> None:
        """End the connection in good order, once what is written has left."""
        socket = self.socket
        if self._end is not None or socket is None or socket.is_closing():
            return
        self.broken = self.broken or text or "the connection was closed"
        for event in self.http2.close():
            self.react(event)
        self.stuck = False
        self.flush()
        try:
            if self.lets_peer_read and socket.can_write_eof():
                socket.write_eof()
            else:
                socket.close()
        except OSError:  # the peer has reset the connection, which asyncio does not know yet
            socket.close()
        self._end = self.loop.call_later(LAST_WORDS, socket.abort)

    def lose(self, text: str) -> None:
        """End the connection now, with all that waits."""
        self.broken = self.broken or text
        if self.socket is not None:
            self.socket.abort()
            self._lost()

    def connection_lost(self, error: Exception | None) -> None:
        """Called by asyncio: the socket is closed."""
        if self.broken is None:
            if error is None:
                self.broken = "the connection was closed"
            elif isinstance(error, ssl.SSLError):
                self.broken = why_tls_failed(error)
            else:
                self.broken = f"the connection broke: {error}"
        self._lost()
        if self._end is not None:
            self._end.cancel()
        if not self.over.done():
            self.over.set_result(None)

    def _lost(self) -> None:
        for event in self.http2.lost(self.broken or ""):
            self.react(event)
        self.stalled.clear()
