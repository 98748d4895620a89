"""The end of a connection that has opened it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pygorums.transports.http2.client_stream import ClientStream
from pygorums.transports.http2.codes import ENABLE_PUSH, LARGEST_STREAM_ID, PREFACE, ErrorCode, error_name
from pygorums.transports.http2.compression import list_size
from pygorums.transports.http2.connection import Connection
from pygorums.transports.http2.events import Event
from pygorums.transports.http2.faults import CannotOpenError, GoAwayError, MalformedError, ResetError
from pygorums.transports.http2.fields import Field
from pygorums.transports.http2.limits import DEFAULT, Limits
from pygorums.transports.http2.metadata import request_fields
from pygorums.transports.http2.status import Code, Status

__all__ = ["ClientConnection"]


class ClientConnection(Connection[ClientStream]):
    """A client's end. Its first bytes can be taken at once, and a stream opened before the server has answered.

    Args:
        authority: What the server is called in ``:authority``.
        scheme: ``"http"``, or ``"https"`` over TLS.
        user_agent: Who we are.
        limits: What is taken from the server.
    """

    def __init__(
        self, authority: str, *, scheme: str = "http", user_agent: str = "pygorums", limits: Limits = DEFAULT
    ) -> None:
        super().__init__(limits, ((ENABLE_PUSH, 0),), b"")
        self._authority = authority
        self._scheme = scheme
        self._user_agent = user_agent
        self._next_id = 1
        self.out.insert(0, PREFACE)

    def open(self, path: str, metadata: Iterable[tuple[str, str | bytes]] = ()) -> ClientStream:
        """Open a stream.

        Args:
            path: The gRPC method, such as ``"/stream.Gorums/NodeStream"``.
            metadata: Sent with it, as `stream_pairs` has checked them.

        Raises:
            CannotOpenError: The connection takes no more streams (now), or the server no metadata as large.
        """
        if self.ended or self.going_away:
            raise CannotOpenError("the connection takes no new streams")
        if len(self.streams) >= self.peer_max_streams:
            raise CannotOpenError(f"the server takes no more than {self.peer_max_streams} streams")
        if self._next_id > LARGEST_STREAM_ID:
            raise CannotOpenError("the connection has used up its streams")
        fields = request_fields(path, self._authority, self._scheme, self._user_agent, metadata)
        if self.peer_max_header_list is not None and list_size(fields) > self.peer_max_header_list:
            raise CannotOpenError(
                f"the metadata are larger than the {self.peer_max_header_list} bytes that the server takes"
            )
        stream = ClientStream(self, self._next_id)
        self._next_id += 2
        self.streams[stream.id] = stream
        stream.write_fields(fields, end_stream=False)
        return stream

    def is_idle(self, stream_id: int) -> bool:
        """Servers open none, and we have not yet opened those from the next on."""
        return stream_id % 2 == 0 or stream_id >= self._next_id

    def last_peer_stream(self) -> int:
        """Servers open none."""
        return 0

    def _largest_enable_push(self) -> int:
        return 0

    def fields_skipped(self, stream_id: int) -> None:
        """Servers open no streams."""
        if self.is_idle(stream_id):
            raise GoAwayError(ErrorCode.PROTOCOL_ERROR, f"a response on stream {stream_id}, which nobody has opened")

    def fields_received(
        self, stream_id: int, fields: Sequence[Field] | None, *, end_stream: bool, events: list[Event]
    ) -> None:
        """The beginning or the end of a response."""
        stream = self.streams.get(stream_id)
        if stream is None:
            self.fields_skipped(stream_id)
            self.on_closed(stream_id)
            return
        try:
            stream.more_fields(fields, end_stream=end_stream, events=events)
        except MalformedError as error:
            raise ResetError(stream_id, ErrorCode.PROTOCOL_ERROR, str(error)) from None

    def goes_away(self, last: int, code: int, text: str, events: list[Event]) -> None:
        """End the streams that the server will not look at."""
        for stream in tuple(self.streams.values()):
            if stream.id > last:
                reason = f": {text}" if text else ""
                status = Status(Code.UNAVAILABLE, f"the server goes away ({error_name(code)}{reason})")
                self.past.reset_by_us(stream.id, stream.window)
                stream.was_reset(status, events, untouched=True)
