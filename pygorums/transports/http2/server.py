"""The end of a connection that has accepted it."""

from __future__ import annotations

from collections.abc import Container, Sequence

from pygorums.transports.http2.codes import (
    LARGEST_STREAM_ID,
    MAX_CONCURRENT_STREAMS,
    PREFACE,
    ErrorCode,
)
from pygorums.transports.http2.connection import Connection
from pygorums.transports.http2.events import Event, HalfClosed, RequestReceived
from pygorums.transports.http2.faults import GoAwayError, MalformedError, ResetError
from pygorums.transports.http2.fields import Field, check_request, content_length, first
from pygorums.transports.http2.frames import goaway, ping
from pygorums.transports.http2.limits import DEFAULT, Limits
from pygorums.transports.http2.metadata import (
    Pairs,
    http_response_fields,
    is_grpc,
    read_metadata,
    trailers_only_fields,
)
from pygorums.transports.http2.server_stream import ServerStream
from pygorums.transports.http2.status import Code, Status, decode_timeout

__all__ = ["ServerConnection"]

_DRAINING = b"draining"
_MOST_LINGERING = 16


class ServerConnection(Connection[ServerStream]):
    """A server's end. Requests to other paths than its own, and what is no gRPC, are answered without the owner.

    Args:
        paths: The gRPC methods that are served, such as ``"/stream.Gorums/NodeStream"``.
        limits: What is taken from the client.
        unserved: Trailers of the answer to a request for another path.
    """

    def __init__(self, paths: Container[str], *, limits: Limits = DEFAULT, unserved: Pairs = ()) -> None:
        super().__init__(limits, ((MAX_CONCURRENT_STREAMS, limits.max_streams),), PREFACE)
        self._paths = paths
        self._unserved = unserved
        self._highest = 0
        self._last_taken = LARGEST_STREAM_ID  # what our last GOAWAY says
        self._draining = False
        self.lingering: dict[ServerStream, None] = {}
        """Streams that we have ended and the client has not, the oldest first."""

    def shut_down(self) -> None:
        """Take no new streams, and let the client know in time; those that are open go on.

        A first GOAWAY warns, and a second names the last stream that counts, once the client has answered a ping and so
        has seen the first. Called again, it does not wait for that answer.
        """
        if self.ended:
            return
        if self._draining:
            self._draw_line()
            return
        self._draining = True
        self.out += (goaway(LARGEST_STREAM_ID, ErrorCode.NO_ERROR), ping(_DRAINING))

    @property
    def draining(self) -> bool:
        """Whether it was shut down, and clients know the last stream that counts."""
        return self._last_taken < LARGEST_STREAM_ID

    @property
    def drained(self) -> bool:
        """Whether nothing is left of a connection that was shut down: it can be closed."""
        return self.draining and not self.streams

    def _draw_line(self) -> None:
        if self._last_taken == LARGEST_STREAM_ID:
            self._last_taken = self._highest
            self.out.append(goaway(self._last_taken, ErrorCode.NO_ERROR))

    def pinged(self, payload: bytes, events: list[Event]) -> None:
        """A ping of ours, or the owner's, was answered."""
        if self._draining and payload == _DRAINING:
            self._draw_line()
        else:
            super().pinged(payload, events)

    def linger(self, stream: ServerStream) -> None:
        """Keep a stream that we have ended and the client has not; of many, the oldest are reset."""
        self.lingering[stream] = None
        if len(self.lingering) > _MOST_LINGERING:
            next(iter(self.lingering)).reset(ErrorCode.NO_ERROR)

    def is_idle(self, stream_id: int) -> bool:
        """We open none, and the client has not yet opened those beyond the highest."""
        return stream_id % 2 == 0 or stream_id > self._highest

    def last_peer_stream(self) -> int:
        """The highest that the client has opened and we have looked at."""
        return min(self._highest, self._last_taken)

    def _largest_enable_push(self) -> int:
        return 1

    def fields_skipped(self, stream_id: int) -> None:
        """A stream was opened that is not looked at."""
        if stream_id % 2 == 0:
            raise GoAwayError(ErrorCode.PROTOCOL_ERROR, f"stream {stream_id} is not a client's to open")
        self._highest = max(self._highest, stream_id)

    def fields_received(
        self, stream_id: int, fields: Sequence[Field] | None, *, end_stream: bool, events: list[Event]
    ) -> None:
        """A request, or the trailers of one."""
        stream = self.streams.get(stream_id)
        try:
            if stream is not None:
                if stream.remote_ended:
                    raise ResetError(stream_id, ErrorCode.STREAM_CLOSED, "fields after the end of a stream")
                stream.more_fields(fields or (), end_stream=end_stream, events=events)
            elif not self.is_idle(stream_id):
                self.on_closed(stream_id)
            else:
                self.fields_skipped(stream_id)
                self._request(stream_id, fields, end_stream=end_stream, events=events)
        except MalformedError as error:
            raise ResetError(stream_id, ErrorCode.PROTOCOL_ERROR, str(error)) from None

    def _request(
        self, stream_id: int, fields: Sequence[Field] | None, *, end_stream: bool, events: list[Event]
    ) -> None:
        if stream_id > self._last_taken:
            self.past.reset_by_us(stream_id, self.stream_window)  # which the client knows from our GOAWAY
            return
        if len(self.streams) >= self.limits.max_streams:
            raise ResetError(stream_id, ErrorCode.REFUSED_STREAM, f"more than {self.limits.max_streams} streams")
        pseudo = check_request(fields) if fields is not None else {}
        stream = ServerStream(self, stream_id)
        if fields is not None:
            stream.expect(content_length(fields))
        if end_stream:
            stream.check_length()
            stream.remote_ended = True
            stream.plain = False
        self.streams[stream_id] = stream
        if fields is None:
            text = f"metadata of more than {self.limits.max_header_list} bytes"
            stream.turn_away(http_response_fields(431, (), Status(Code.RESOURCE_EXHAUSTED, text)))
            return
        if answer := self._no_grpc(pseudo[b":method"], fields):
            stream.turn_away(answer, for_people=pseudo[b":method"] != b"HEAD")
            return
        if answer := self._look_at(stream, pseudo, fields):
            stream.turn_away(answer)
            return
        events.append(RequestReceived(stream))
        if end_stream:
            events.append(HalfClosed(stream))

    def _no_grpc(self, method: bytes, fields: Sequence[Field]) -> list[Field]:
        """The answer to a request that is none of gRPC's."""
        if method != b"POST":
            allowed = ((b"allow", b"POST"),)
            return http_response_fields(405, allowed, Status(Code.INTERNAL, "gRPC calls are POST requests"))
        content_type = first(fields, b"content-type")
        if not is_grpc(content_type):
            text = f"content-type {(content_type or b'')[:80].decode('latin-1')!r} is not gRPC's"
            return http_response_fields(415, (), Status(Code.INVALID_ARGUMENT, text))
        return []

    def _look_at(self, stream: ServerStream, pseudo: dict[bytes, bytes], fields: Sequence[Field]) -> list[Field]:
        """Take from a request what the owner needs; returns the answer to one that is not served."""
        stream.path = pseudo[b":path"].decode("latin-1")
        stream.authority = (pseudo.get(b":authority") or first(fields, b"host") or b"").decode("latin-1")
        if stream.path not in self._paths:
            return trailers_only_fields(
                Status(Code.UNIMPLEMENTED, f"no method {stream.path[:200]!r} here"), self._unserved
            )
        try:
            stream.metadata = read_metadata(fields)
            timeout = first(fields, b"grpc-timeout")
            stream.timeout = None if timeout is None else decode_timeout(timeout)
        except ValueError as error:
            return trailers_only_fields(Status(Code.INTERNAL, str(error)), ())
        return []
