"""A stream as the server has it that has accepted it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pygorums.transports.http2.compression import list_size
from pygorums.transports.http2.events import Event, HalfClosed, StreamEnded
from pygorums.transports.http2.faults import MalformedError
from pygorums.transports.http2.fields import Field, check_trailers, first
from pygorums.transports.http2.limits import Allowance
from pygorums.transports.http2.metadata import Pairs, response_fields, trailer_fields, trailers_only_fields
from pygorums.transports.http2.status import Code, Status, decode_message
from pygorums.transports.http2.stream import Stream
from pygorums.transports.http2.whole import ServerWhole

__all__ = ["ServerStream"]


class ServerStream(Stream):
    """Responds, sends replies, and finishes with a status."""

    __slots__ = ("_responded", "_server", "authority", "metadata", "path", "timeout")

    def __init__(self, connection: ServerWhole, stream_id: int) -> None:
        super().__init__(connection, stream_id)
        self._server = connection
        self._responded = False
        self.path = ""
        """The gRPC method that was called."""
        self.authority = ""
        """What the client calls this server."""
        self.metadata: Pairs = ()
        """What the client sent with it."""
        self.timeout: float | None = None
        """How long the client gives it, in seconds."""

    def respond(self, metadata: Iterable[tuple[str, str | bytes]] = ()) -> None:
        """Begin the response. Messages wait until then.

        Raises:
            ValueError: The metadata are larger than the client takes.
        """
        if self._responded or self.local_ended:
            return
        pairs = tuple(metadata)
        fields = response_fields(pairs)
        limit = self._connection.peer_max_header_list
        if pairs and limit is not None and list_size(fields) > limit:
            raise ValueError(f"the client takes no more than {limit} bytes of metadata")
        self._responded = True
        self.write_fields(fields, end_stream=False)
        self.pump()

    def _may_begin(self) -> bool:
        return self._responded

    def finish(self, status: Status, trailers: Iterable[tuple[str, str | bytes]] = ()) -> None:
        """End the stream with a status, once what waits has left. No event follows."""
        if self.local_ended:
            return
        if self.waiting:
            self.respond()
        self.let_go()
        self._connection.reopen()
        self.end(self._fitting(status, tuple(trailers)))

    def _fitting(self, status: Status, trailers: Pairs) -> list[Field]:
        """The last fields; only the code and the beginning of the message where a client takes no more."""
        limit = self._connection.peer_max_header_list
        fields_of = trailer_fields if self._responded else trailers_only_fields
        fields = fields_of(status, trailers)
        if limit is not None and list_size(fields) > limit:
            room = max(limit - list_size(fields_of(Status(status.code, "…"), ())), 0)
            fields = fields_of(Status(status.code, status.message[: room // 9]), ())  # nine of %XX for one character
        return fields

    def after_end(self) -> None:
        """A client whose stream we have ended may go on for a while; it is not listened to."""
        super().after_end()
        if not self.closed and self.local_ended:
            self._server.linger(self)

    def close(self) -> None:
        """Forget the stream. Nothing is written."""
        super().close()
        self._server.lingering.pop(self, None)

    def more_fields(self, fields: Sequence[Field], *, end_stream: bool, events: list[Event]) -> None:
        """Trailers of the client, which gRPC does not know."""
        check_trailers(fields)
        if not end_stream:
            raise MalformedError("trailers that do not end the stream")
        self.check_length()
        self.remote_end(events)

    def remote_end(self, events: list[Event]) -> None:
        """The client sends no more."""
        self.remote_ended = True
        self.plain = False
        if not self.deaf:
            if self.lacking:
                self.refuse(Status(Code.INTERNAL, "the stream ended in the middle of a message"), events)
            else:
                events.append(HalfClosed(self))
        self.after_end()

    def refuse(self, status: Status, events: list[Event]) -> None:
        """End the stream with a status because of a message that is not taken."""
        events.append(StreamEnded(self, status, refused=True))
        self.waiting = 0
        self._queue.clear()
        self.finish(status)

    def turn_away(self, fields: list[Field], *, for_people: bool = False) -> None:
        """Answer what is not served; the owner never hears of it.

        Args:
            fields: The whole answer.
            for_people: Whether what is wrong follows as a text, for whoever looks with a browser.
        """
        self.let_go()
        if not for_people:
            self.end(fields)
            return
        self._server.spend(Allowance.EARNED)  # which the text earns, though it has brought nothing
        self._responded = True
        self.write_fields(fields, end_stream=False)
        text = decode_message(first(fields, b"grpc-message") or b"").encode() + b"\n"
        self._queue.append(text)
        self.waiting = len(text)
        self.pump()
        self.end([])
