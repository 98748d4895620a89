"""One end of a connection: bytes in, events and bytes out."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TypeVar

from pygorums.transports.http2.blocks import Block, unpadded
from pygorums.transports.http2.codes import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADER_SIZE,
    HEADERS,
    LARGEST_STREAM_ID,
    PADDED,
    SETTINGS,
    ErrorCode,
)
from pygorums.transports.http2.control import Control
from pygorums.transports.http2.events import Event, Terminated
from pygorums.transports.http2.faults import GoAwayError, ResetError
from pygorums.transports.http2.fields import Field
from pygorums.transports.http2.frames import goaway, rst_stream
from pygorums.transports.http2.limits import Limits
from pygorums.transports.http2.past import Was
from pygorums.transports.http2.status import Code, Status
from pygorums.transports.http2.stream import Stream

__all__ = ["Connection"]

S = TypeVar("S", bound=Stream)

_header = struct.Struct(">HBBBI").unpack_from
_COST_OF_FAULT = 5
_BRINGS_SOMETHING = 256
"""From how many bytes on DATA need not complete a message to be worth a frame."""


class Connection(Control[S]):
    """What both ends of a connection have in common.

    Args:
        limits: What is taken from the peer.
        role: The settings that only this end has.
        greeting: What the peer writes before its first frame.
    """

    def __init__(self, limits: Limits, role: tuple[tuple[int, int], ...], greeting: bytes) -> None:
        super().__init__(limits, role)
        self._greeting = greeting
        self._max_frame = limits.max_frame
        self._kept: list[bytes] = []  # the beginning of a frame that is not complete
        self._have = 0
        self._need = 0
        # A DATA frame is read as it comes; this one has not come to its end.
        self._data_left = 0
        self._data_length = 0
        self._data_flags = 0
        self._data_useful = False  # whether it has completed a message, or need not be counted as one that has not
        self._data_stream: S | None = None
        self._block: Block | None = None
        self._settled = False  # whether the peer's SETTINGS have come, which have to be first
        self._special = True  # whether DATA would be wrong: not settled, or inside of a block

    def receive(self, data: bytes | memoryview, now: float) -> list[Event]:
        """Take bytes that have come, however they were cut.

        Args:
            data: The bytes; nothing of a view is kept.
            now: The time in seconds, of any clock that does not go back.

        Returns:
            What happened, in order.
        """
        self.last_received = now
        events: list[Event] = []
        if self.ended:
            return events
        if self._kept:
            self._kept.append(bytes(data))
            self._have += len(data)
            if self._have < self._need:
                return events
            data = b"".join(self._kept)
            self._kept = []
        try:
            self._read(data, events)
        except GoAwayError as fault:
            self._finish(fault.code, fault.text, events)
            events.append(Terminated(fault.code, fault.text))
        return events

    def close(self, code: ErrorCode = ErrorCode.NO_ERROR, text: str = "") -> list[Event]:
        """End the connection now: GOAWAY is written, and every stream ends.

        Args:
            code: Why.
            text: The same for people who read logs at the other end.

        Returns:
            The ends of the streams.
        """
        events: list[Event] = []
        if not self.ended:
            self._finish(code, text, events)
        return events

    def lost(self, text: str) -> list[Event]:
        """The socket has ended. Nothing can be written any more.

        Returns:
            The ends of the streams.
        """
        events: list[Event] = []
        if not self.ended:
            self._finish(None, text, events)
        return events

    def _finish(self, code: ErrorCode | None, text: str, events: list[Event]) -> None:
        if code is None:
            self.out.clear()
        else:
            self.out.append(goaway(self.last_peer_stream(), code, text))
        self.ended = True
        for stream in tuple(self.streams.values()):
            stream.was_reset(Status(Code.UNAVAILABLE, text or "connection closed"), events)
        self._kept = []
        self._block = None
        self._data_stream = None

    def last_peer_stream(self) -> int:
        """The last stream of the peer that was or may have been looked at."""
        raise NotImplementedError

    def fields_received(
        self, stream_id: int, fields: Sequence[Field] | None, *, end_stream: bool, events: list[Event]
    ) -> None:
        """A field section has come; None if it is larger than we take."""
        raise NotImplementedError

    def _read(self, data: bytes | memoryview, events: list[Event]) -> None:
        pos = 0
        end = len(data)
        if self._greeting:
            pos = min(end, len(self._greeting))
            if data[:pos] != self._greeting[:pos]:
                raise GoAwayError(ErrorCode.PROTOCOL_ERROR, "not HTTP/2")
            self._greeting = self._greeting[pos:]
        elif self._data_left:
            pos = min(end, self._data_left)
            self._data_left -= pos
            self._payload(data, 0, pos, events)
        streams = self.streams
        while end - pos >= HEADER_SIZE:
            high, low, kind, flags, stream_id = _header(data, pos)
            length = high << 8 | low
            stream_id &= LARGEST_STREAM_ID
            if length > self._max_frame:
                raise GoAwayError(ErrorCode.FRAME_SIZE_ERROR, f"a frame of {length} bytes")
            start = pos + HEADER_SIZE
            stop = start + length
            if kind == DATA and not self._special:
                if (
                    not flags
                    and stop <= end
                    and (stream := streams.get(stream_id)) is not None
                    and stream.plain
                    and length <= stream.window
                    and length <= self.window
                ):
                    # The way that nearly all of everything goes.
                    self.window -= length
                    stream.window -= length
                    pos = stop
                    if stream.feed(data, start, stop, events):
                        self.progress += 1
                    else:
                        self._nothing_complete(length)
                    if stream.lacking:
                        stream.reopen()
                        self.reopen()
                    continue
                if not flags & PADDED:
                    pos = min(stop, end)
                    self._data(flags, stream_id, length, stop - pos, events)
                    self._payload(data, start, pos, events)
                    continue
            if stop > end:
                self._need = HEADER_SIZE + length
                break
            try:
                self._frame(kind, flags, stream_id, bytes(data[start:stop]), events)
            except ResetError as fault:
                self._fault(fault, events)
            pos = stop
        else:
            self._need = HEADER_SIZE
        if pos < end:
            self._kept = [bytes(data[pos:])]
            self._have = end - pos

    def _data(self, flags: int, stream_id: int, length: int, left: int, events: list[Event]) -> None:
        """The beginning of a DATA frame, `left` bytes of which have not come."""
        self.window -= length
        if self.window < 0:
            raise GoAwayError(ErrorCode.FLOW_CONTROL_ERROR, "more data than the connection's window")
        stream = self.streams.get(stream_id)
        self._data_useful = False
        if stream is None or stream.remote_ended:
            self._data_useful = self._stray(stream_id, length, events)
            stream = None
        elif stream.deaf:
            self._data_useful = length > 0
        if stream is not None and not stream.takes(length):
            text = "more data than the stream's window"
            self._fault(ResetError(stream_id, ErrorCode.FLOW_CONTROL_ERROR, text), events)
            stream = None
        self._data_stream = stream
        self._data_flags = flags
        self._data_length = length
        self._data_left = left

    def _payload(self, data: bytes | memoryview, pos: int, stop: int, events: list[Event]) -> None:
        """The payload of the DATA frame that has begun, or as much of it as has come."""
        stream = self._data_stream
        completed = False
        if stream is not None and not stream.deaf:
            completed = pos < stop and stream.feed(data, pos, stop, events)
            stream.reopen()
        self.reopen()
        if completed and not self._data_useful:
            self._data_useful = True
            self.progress += 1
        if self._data_left:
            return
        ended = self._data_flags & END_STREAM
        if not self._data_useful and not ended:
            self._nothing_complete(self._data_length)
        self._data_stream = None
        if ended and stream is not None and not stream.closed:
            try:
                stream.check_length()
                stream.remote_end(events)
            except ResetError as fault:
                self._fault(fault, events)

    def _nothing_complete(self, length: int) -> None:
        """A DATA frame has completed no message: it is worth something only if it is a large part of one."""
        if length >= _BRINGS_SOMETHING:
            self.progress += 1
        else:
            self.spend(1)

    def _stray(self, stream_id: int, length: int, events: list[Event]) -> bool:
        """DATA where none may come; says whether the peer could not know."""
        try:
            if stream_id in self.streams:
                raise ResetError(stream_id, ErrorCode.STREAM_CLOSED, "DATA after the end of a stream")
            self._refuse_idle(stream_id, "DATA")
            self.on_closed(stream_id)
        except ResetError as fault:
            self._fault(fault, events)
            return True  # it has been counted
        return self.past.on_its_way(stream_id, length)

    def on_closed(self, stream_id: int) -> None:
        """A frame with data or fields came on a stream that is over.

        Raises:
            ResetError: The peer had reset it.
            GoAwayError: It had ended in peace, or was passed over.
        """
        how = self.past.how(stream_id)
        if how is Was.RESET_BY_PEER:
            raise ResetError(stream_id, ErrorCode.STREAM_CLOSED, "a frame after RST_STREAM")
        if how is Was.ENDED:
            raise GoAwayError(ErrorCode.STREAM_CLOSED, f"a frame on stream {stream_id}, which has ended")
        if how is None:
            raise GoAwayError(ErrorCode.PROTOCOL_ERROR, f"a frame on stream {stream_id}, which is long closed")

    def _fault(self, fault: ResetError, events: list[Event]) -> None:
        """Reset a stream on which the peer has done something wrong."""
        self.spend(_COST_OF_FAULT)
        stream = self.streams.get(fault.stream_id)
        self.reply(rst_stream(fault.stream_id, fault.code))
        self.past.reset_by_us(fault.stream_id, self.stream_window if stream is None else stream.window)
        if stream is not None:
            code = Code.UNAVAILABLE if fault.code is ErrorCode.REFUSED_STREAM else Code.INTERNAL
            stream.was_reset(Status(code, f"wrong frames from the peer: {fault.text}"), events)

    def _frame(self, kind: int, flags: int, stream_id: int, payload: bytes, events: list[Event]) -> None:
        """Any frame that is complete."""
        if not self._settled:
            if kind != SETTINGS or flags & 1:
                raise GoAwayError(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS")
            self._settled = True
            self._special = False
        block = self._block
        if block is not None:
            if kind != CONTINUATION or stream_id != block.stream_id:
                raise GoAwayError(ErrorCode.PROTOCOL_ERROR, "another frame in the middle of a block of fields")
            block.add(payload)
            self._collect(block, flags, events)
        elif handler := self.HANDLERS.get(kind):
            handler(self, flags, stream_id, payload, events)
        elif kind == HEADERS:
            self._headers(flags, stream_id, payload, events)
        elif kind == DATA:
            self._padded_data(flags, stream_id, payload, events)
        elif kind == CONTINUATION:
            raise GoAwayError(ErrorCode.PROTOCOL_ERROR, "CONTINUATION of nothing")
        else:
            self.spend(1)  # of an extension that we do not know (section 5.5)

    def _padded_data(self, flags: int, stream_id: int, payload: bytes, events: list[Event]) -> None:
        start, stop = unpadded(flags, payload)
        self._data(flags, stream_id, len(payload), 0, events)
        if self._data_stream is not None:
            self._data_stream.padding(len(payload) - (stop - start))
        self._data_length = stop - start
        self._payload(payload, start, stop, events)

    def _headers(self, flags: int, stream_id: int, payload: bytes, events: list[Event]) -> None:
        if not stream_id:
            raise GoAwayError(ErrorCode.PROTOCOL_ERROR, "HEADERS on no stream")
        self.spend(1)
        block = Block(flags, stream_id, payload)
        self._collect(block, flags, events)

    def _collect(self, block: Block, flags: int, events: list[Event]) -> None:
        block.check(self.limits.max_header_list)
        if not flags & END_HEADERS:
            self._block = block
            self._special = True
            return
        self._block = None
        self._special = False
        fields = self.reader.read(block.whole())
        if block.self_dependent and self.is_idle(block.stream_id):
            self.fields_skipped(block.stream_id)
            raise ResetError(block.stream_id, ErrorCode.PROTOCOL_ERROR, "a stream that depends on itself")
        self.fields_received(block.stream_id, fields, end_stream=block.end_stream, events=events)

    def fields_skipped(self, stream_id: int) -> None:
        """Fields of a stream have come that are not looked at."""
        raise NotImplementedError
