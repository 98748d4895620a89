"""The half of a stream that receives: bytes become messages, and windows are opened as messages are consumed."""

from __future__ import annotations

from typing import Any

from pygorums.transports.http2.codes import ErrorCode
from pygorums.transports.http2.events import Event, MessagesReceived
from pygorums.transports.http2.faults import ResetError
from pygorums.transports.http2.frames import window_update
from pygorums.transports.http2.status import Code, Status
from pygorums.transports.http2.whole import Whole

__all__ = ["Receiving", "reopening"]

_PREFIX = 5
"""Each message is preceded by a byte that says whether it is compressed, and four of its length."""

_LARGE = 1024
"""From how many bytes on a piece of a message is kept by itself."""


def reopening(window: int, left: int, unconsumed: int) -> int:
    """By how much a stream's window is opened again: nothing until half of it can be.

    Args:
        window: Its full size.
        left: What the peer may still send.
        unconsumed: What the owner has been given and has not done with.
    """
    more = window - unconsumed - left
    return more if more * 2 >= window else 0


class Receiving:
    """Messages out of the DATA frames of one stream.

    What the owner has not consumed stays counted against the windows of the stream and of the connection. The bytes of
    a message that is not complete do not: it would never be, if it is larger than a window. They are bounded by the
    largest message, and in a connection by `Limits.max_partial`.
    """

    __slots__ = (
        "_body",
        "_connection",
        "_expected",
        "_head",
        "_held",
        "_max_message",
        "_received",
        "_unconsumed",
        "closed",
        "deaf",
        "id",
        "lacking",
        "plain",
        "remote_ended",
        "window",
    )

    def __init__(self, connection: Whole, stream_id: int) -> None:
        self._connection = connection
        self.id = stream_id
        self._max_message = connection.limits.max_message
        self.window: int = connection.stream_window
        """What the peer may still send."""
        self.plain = True
        """Whether data need nothing but `feed`."""
        self._unconsumed = 0
        self._head = b""  # of a prefix that is not complete
        self._body: list[bytes | bytearray | memoryview] = []  # of a message that is not complete
        self._held = 0  # how much of it
        self.lacking = 0
        """How many bytes a message or its prefix lacks, the beginning of which has come."""
        self._received = 0
        self._expected: int | None = None  # by content-length
        self.deaf = False
        """Whether what comes is thrown away, because the stream has failed or its owner has ended it."""
        self.remote_ended = False
        """Whether the peer has said that nothing more comes."""
        self.closed = False
        """Whether the stream is over in both directions."""

    @property
    def incomplete(self) -> int:
        """How many bytes are held of a message that is not complete."""
        return self._held

    def consumed(self, size: int) -> None:
        """Say that messages are done with, so that the peer may send more.

        Args:
            size: As `MessagesReceived` has it, or a part of it.
        """
        left = self._unconsumed - size
        if left < 0:  # what was let go of is not counted any more
            size += left
            left = 0
        self._unconsumed = left
        connection = self._connection
        connection.unconsumed -= size
        # Whether it is time is computed only where it can be.
        if self.window <= connection.stream_half:
            self.reopen()
        if connection.window <= connection.whole_half:
            connection.reopen()

    def reopen(self) -> None:
        """Open the window again, if enough of it has been used."""
        connection = self._connection
        more = reopening(connection.stream_window, self.window, self._unconsumed)
        if more and not self.deaf and not self.remote_ended:
            self.window += more
            connection.reply(window_update(self.id, more))

    def feed(self, data: bytes | memoryview, pos: int, stop: int, events: list[Event]) -> bool:
        """Take a part of the stream's data, and add the messages that it completes to the events.

        Returns:
            Whether there were any.
        """
        whole: bytes | None = None
        done = 0
        if missing := self.lacking:
            if self._head:
                # As if the beginning of the prefix had come with the rest.
                data = self._head + data[pos:stop]
                self._head = b""
                self.lacking = 0
                pos, stop = 0, len(data)
            elif stop - pos < missing:
                self._hold(data, pos, stop, events)
                return False
            else:
                whole = self._complete(data, pos, pos + missing)
                done = _PREFIX + len(whole)
                pos += missing
        messages: list[Any] = [] if whole is None else [whole]
        limit = self._max_message
        start = pos
        while (body := pos + _PREFIX) <= stop:
            size = int.from_bytes(data[pos:body], "big")
            after = body + size
            if after > stop or size > limit:  # or it has flags, which make the number larger than any limit
                break
            messages.append(data[body:after])
            pos = after
        if type(data) is not bytes:
            messages = list(map(bytes, messages))
        if not messages:
            self._begin(data, pos, stop, events)
            return False
        done += pos - start
        self._unconsumed += done
        self._connection.unconsumed += done
        last = events[-1] if events else None
        if type(last) is MessagesReceived and last.stream is self:
            last.messages += messages
            last.size += done
        else:
            events.append(MessagesReceived(self, messages, done))
        if pos < stop:
            self._begin(data, pos, stop, events)
        return True

    def _begin(self, data: bytes | memoryview, pos: int, stop: int, events: list[Event]) -> None:
        """The beginning of a message that is not complete, or not to be had."""
        body = pos + _PREFIX
        if body > stop:
            self._head = bytes(data[pos:stop])  # not more than four bytes
            self.lacking = body - stop
            return
        size = int.from_bytes(data[pos:body], "big")
        if size > self._connection.limits.max_message:
            self.refuse(self._wrong(size), events)
            return
        self.lacking = size
        self._hold(data, body, stop, events)

    def _wrong(self, size: int) -> Status:
        if size >> 32 == 1:
            return Status(Code.UNIMPLEMENTED, "compressed messages are not supported")
        if size >> 32:
            return Status(Code.INTERNAL, f"a message has the flags {size >> 32}")
        limit = self._connection.limits.max_message
        return Status(Code.RESOURCE_EXHAUSTED, f"a message of {size} bytes is larger than the {limit} that are taken")

    def _hold(self, data: bytes | memoryview, pos: int, stop: int, events: list[Event]) -> None:
        size = stop - pos
        self.lacking -= size
        self._held += size
        body = self._body
        # Small pieces grow together, so that they do not need more memory than they are. Large ones are not copied,
        # unless they would keep a chunk alive that is for the most part something else, or are part of a view.
        if size >= _LARGE:
            keeps = size * 2 >= len(data) and type(data) is bytes
            body.append(memoryview(data)[pos:stop] if keeps else bytes(data[pos:stop]))
        elif body and isinstance(body[-1], bytearray):
            body[-1] += data[pos:stop]
        else:
            body.append(bytearray(data[pos:stop]))
        connection = self._connection
        connection.partial += size
        if connection.partial > connection.limits.max_partial:
            self.refuse(Status(Code.RESOURCE_EXHAUSTED, "too much of incomplete messages on this connection"), events)

    def _complete(self, data: bytes | memoryview, pos: int, stop: int) -> bytes:
        body = self._body
        body.append(memoryview(data)[pos:stop])
        self._forget_body()
        return b"".join(body)

    def _forget_body(self) -> None:
        self._connection.partial -= self._held
        self._held = 0
        self._body = []
        self.lacking = 0

    def takes(self, length: int) -> bool:
        """Count data that come; says whether the window allows them."""
        self.window -= length
        if self._expected is not None:
            self._received += length
        return self.window >= 0

    def padding(self, length: int) -> None:
        """Of what was counted, this much was no content."""
        if self._expected is not None:
            self._received -= length

    def expect(self, length: int | None) -> None:
        """The peer has announced how many bytes come in all."""
        self._expected = length
        self.plain = self.plain and length is None

    def check_length(self) -> None:
        """At the end, look whether as many bytes have come as were announced.

        Raises:
            ResetError: No.
        """
        if self._expected is not None and self._expected != self._received:
            text = f"{self._received} bytes of {self._expected}"
            raise ResetError(self.id, ErrorCode.PROTOCOL_ERROR, text)

    def shrink(self, change: int) -> None:
        """The peer has learnt how large our windows are."""
        self.window += change
        self.reopen()

    def refuse(self, status: Status, events: list[Event]) -> None:
        """End the stream because of what the peer sent on it."""
        raise NotImplementedError

    def let_go(self) -> None:
        """Forget what was received and not handed over, and what the owner has not consumed."""
        connection = self._connection
        connection.unconsumed -= self._unconsumed
        self._unconsumed = 0
        self._forget_body()
        self._head = b""
        self.deaf = True
        self.plain = False
