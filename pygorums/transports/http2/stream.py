"""One stream of a connection, as both ends have it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from pygorums.transports.http2.codes import ErrorCode
from pygorums.transports.http2.events import Event, StreamEnded
from pygorums.transports.http2.fields import Field
from pygorums.transports.http2.frames import end_of_stream, header_block, rst_stream
from pygorums.transports.http2.receiving import Receiving
from pygorums.transports.http2.status import Status
from pygorums.transports.http2.whole import Whole

__all__ = ["Stream"]

_WORTH_A_FRAME = 256
"""From how many bytes on a DATA frame counts as one that brings something."""

_SMALL = 8192
"""Up to which size messages are copied together before they are cut into frames."""


class Stream(Receiving):
    """A stream of gRPC messages in both directions.

    What its methods write is in the connection's `Connection.take`. After the end of the stream they do nothing.
    """

    __slots__ = ("_clear", "_last", "_queue", "_room", "context", "local_ended", "waiting")

    def __init__(self, connection: Whole, stream_id: int) -> None:
        super().__init__(connection, stream_id)
        self.context: Any = None
        """Whatever the owner wants to find again."""
        self.waiting = 0
        """How many bytes wait for the peer's windows."""
        self.local_ended = False
        """Whether we have said that nothing more comes."""
        self._room = connection.peer_stream_window
        self._queue: deque[bytes | memoryview] = deque()
        self._clear = False  # whether data may be written at once, if the windows allow it
        self._last: list[Field] | None = None  # what ends our direction once the queue is empty

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    @property
    def room(self) -> int:
        """How many bytes can leave at once: each message needs five more than its own."""
        return max(min(self._room, self._connection.room), 0) if self._clear else 0

    def send(self, messages: Sequence[bytes]) -> None:
        """Write messages, in order.

        What the peer's windows do not allow waits here, and `Writable` comes once all of it has left. Whoever gives no
        more messages while any are `waiting` bounds the memory by the largest batch.
        """
        parts = [b""]
        total = 0
        for message in messages:
            size = len(message)
            parts.append(size.to_bytes(5, "big"))
            parts.append(message)
            total += size + 5
        connection = self._connection
        if self._clear and 0 < total <= connection.frame_size and total <= self._room and total <= connection.room:
            self._room -= total
            connection.room -= total
            connection.progress += len(messages)
            parts[0] = (total << 48 | self.id).to_bytes(9, "big")
            connection.out.append(b"".join(parts))
        elif not self.local_ended and self._last is None and total:
            if total < _SMALL * len(messages):
                self._queue.append(b"".join(parts))
            else:
                self._queue.extend(parts)
            self.waiting += total
            self._clear = False
            self.pump()

    def pump(self) -> None:
        """Write as much of what waits as the windows allow."""
        connection = self._connection
        queue = self._queue
        out = connection.out
        while self.waiting:
            size = min(self.waiting, connection.frame_size, self._room, connection.room)
            if size <= 0 or not self._may_begin():
                connection.blocked[self] = None
                return
            if connection.burst <= 0:
                connection.blocked[self] = None
                connection.held_back = True
                return
            connection.burst -= size
            self._room -= size
            connection.room -= size
            self.waiting -= size
            if size >= _WORTH_A_FRAME or not self.waiting:
                connection.progress += 1
            out.append((size << 48 | self.id).to_bytes(9, "big"))
            while size:
                part = queue.popleft()
                if len(part) > size:
                    part = memoryview(part)
                    queue.appendleft(part[size:])
                    part = part[:size]
                size -= len(part)
                out.append(part)
        queue.clear()
        connection.blocked.pop(self, None)
        if self._last is None:
            self._clear = self._may_begin()
        else:
            self._write_end(self._last)

    def _may_begin(self) -> bool:
        """Whether data may be written yet."""
        return True

    def resize(self, change: int) -> bool:
        """The peer has changed the size of our window; says whether it may be as large."""
        self._room += change
        return self._room < 1 << 31

    def end(self, last: list[Field]) -> None:
        """End our direction, after all that waits: with trailers, or without any."""
        if self.local_ended or self._last is not None:
            return
        self._clear = False
        if self.waiting:
            self._last = last
        else:
            self._write_end(last)

    def _write_end(self, last: list[Field]) -> None:
        self._last = None
        self._clear = False
        if last:
            self.write_fields(last, end_stream=True)
        else:
            self._connection.out.append(end_of_stream(self.id))
        self.local_ended = True
        self.after_end()

    def write_fields(self, fields: Sequence[Field], *, end_stream: bool) -> None:
        """Write a field section."""
        connection = self._connection
        connection.out.append(
            header_block(self.id, connection.writer.write(fields), connection.frame_size, end_stream=end_stream)
        )

    def after_end(self) -> None:
        """One direction has ended: if the other has too, the stream is closed."""
        if self.local_ended and self.remote_ended:
            self.close()

    def reset(self, code: ErrorCode = ErrorCode.CANCEL) -> None:
        """End the stream now, in both directions. What waits is dropped, and no event follows."""
        if self.closed:
            return
        connection = self._connection
        if not connection.ended:
            connection.reply(rst_stream(self.id, code))
            connection.past.reset_by_us(self.id, self.window)
        self.close()

    def close(self) -> None:
        """Forget the stream. Nothing is written."""
        if self.closed:
            return
        self.closed = True
        self.local_ended = True
        self._clear = False
        self.waiting = 0
        self._queue.clear()
        self._last = None
        self.let_go()
        connection = self._connection
        connection.past.ended(self.id)
        connection.streams.pop(self.id, None)
        connection.blocked.pop(self, None)

    def was_reset(self, status: Status, events: list[Event], *, untouched: bool = False) -> None:
        """The stream is over: the peer, a fault or the end of the connection took it. Nothing is written."""
        if not self.deaf:
            events.append(StreamEnded(self, status, untouched=untouched))
        self.close()

    def more_fields(self, fields: Sequence[Field], *, end_stream: bool, events: list[Event]) -> None:
        """Fields have come on this stream, after those that opened it.

        Raises:
            MalformedError: They break a rule.
        """
        raise NotImplementedError

    def remote_end(self, events: list[Event]) -> None:
        """The peer's direction has ended with its data."""
        raise NotImplementedError
