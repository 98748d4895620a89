"""A stream as the client has it that has opened it."""

from __future__ import annotations

from collections.abc import Sequence

from pygorums.transports.http2.codes import ErrorCode
from pygorums.transports.http2.events import Event, ResponseReceived, StreamEnded
from pygorums.transports.http2.faults import MalformedError
from pygorums.transports.http2.fields import Field, check_response, check_trailers, content_length, first
from pygorums.transports.http2.metadata import is_grpc, read_metadata
from pygorums.transports.http2.status import Code, Status, decode_code, decode_message, of_http_status
from pygorums.transports.http2.stream import Stream
from pygorums.transports.http2.whole import Whole

__all__ = ["ClientStream"]


class ClientStream(Stream):
    """Sends requests, half-closes, and ends with the server's status."""

    __slots__ = ("_begun",)

    def __init__(self, connection: Whole, stream_id: int) -> None:
        super().__init__(connection, stream_id)
        self._clear = True
        self._begun = False  # whether the server has begun to answer

    def half_close(self) -> None:
        """Say that no more messages come, once those that wait have left. Those of the server still come."""
        self.end([])

    def more_fields(self, fields: Sequence[Field] | None, *, end_stream: bool, events: list[Event]) -> None:
        """The response, or its trailers; None if they are larger than we take."""
        if fields is None:
            self._over(Status(Code.RESOURCE_EXHAUSTED, "the server's metadata are too large"), (), events)
        elif self._begun:
            check_trailers(fields)
            if not end_stream:
                raise MalformedError("trailers that do not end the stream")
            self.check_length()
            self._over(None, fields, events)
        else:
            self._response(fields, end_stream=end_stream, events=events)

    def _response(self, fields: Sequence[Field], *, end_stream: bool, events: list[Event]) -> None:
        http_status = check_response(fields)
        if http_status < 200:  # more fields follow
            if end_stream or http_status == 101:
                raise MalformedError(f"status {http_status} as the whole response")
            return
        self._begun = True
        content_type = first(fields, b"content-type")
        if end_stream:
            status = None if first(fields, b"grpc-status") is not None else of_http_status(http_status)
            if status and http_status == 200:
                status = Status(Code.UNKNOWN, "the server ended the stream without a status")
            self._over(status, fields, events)
        elif http_status != 200:
            self._over(of_http_status(http_status), (), events)
        elif not is_grpc(content_type):
            text = f"the server answers with content-type {(content_type or b'')[:80].decode('latin-1')!r}, not gRPC's"
            self._over(Status(Code.UNKNOWN, text), (), events)
        else:
            self.expect(content_length(fields))
            try:
                events.append(ResponseReceived(self, read_metadata(fields)))
            except ValueError as error:
                self._over(Status(Code.INTERNAL, str(error)), (), events)

    def remote_end(self, events: list[Event]) -> None:
        """The server has ended the stream with data instead of trailers."""
        self._over(Status(Code.UNKNOWN, "the server ended the stream without a status"), (), events)

    def refuse(self, status: Status, events: list[Event]) -> None:
        """End the stream because of a message that is not taken."""
        self.reset(ErrorCode.CANCEL)
        events.append(StreamEnded(self, status, refused=True))

    def _over(self, status: Status | None, fields: Sequence[Field], events: list[Event]) -> None:
        """The server has done with the stream: with a status of its own, or one that we make of what it did."""
        if status is None:
            code = decode_code(first(fields, b"grpc-status") or b"")
            status = Status(code, decode_message(first(fields, b"grpc-message") or b""))
            if not code and self.lacking:
                status = Status(Code.INTERNAL, "the stream ended in the middle of a message")
        try:
            trailers = read_metadata(fields)
        except ValueError as error:
            trailers = ()
            if not status.code:
                status = Status(Code.INTERNAL, str(error))
        self.remote_ended = True
        self.plain = False
        if self.local_ended:
            self.close()
        else:
            self.reset(ErrorCode.NO_ERROR)
        events.append(StreamEnded(self, status, trailers))
