"""What a connection tells its owner. Each stream is a `ClientStream` or a `ServerStream`, whichever end it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pygorums.transports.http2.metadata import Pairs
from pygorums.transports.http2.status import Status

__all__ = [
    "Answered",
    "Event",
    "GoingAway",
    "HalfClosed",
    "MessagesReceived",
    "PingAnswered",
    "RequestReceived",
    "ResponseReceived",
    "StreamEnded",
    "Terminated",
    "Writable",
]


class MessagesReceived:
    """Messages of one stream, complete and in order. It comes for nearly every chunk, and so is plain.

    Once the owner has done with them it says ``stream.consumed(size)``, or the peer is soon not allowed to send more.
    """

    __slots__ = ("messages", "size", "stream")

    def __init__(self, stream: Any, messages: list[bytes], size: int) -> None:
        self.stream = stream
        self.messages = messages
        self.size = size
        """What the messages count for in the windows, in bytes."""

    def __repr__(self) -> str:
        return f"MessagesReceived({self.stream!r}, {len(self.messages)} of {self.size} bytes)"


@dataclass(slots=True)
class Answered:
    """The peer has acknowledged our settings: it is there, and speaks HTTP/2. Comes once."""


@dataclass(slots=True)
class RequestReceived:
    """At a server: a stream to one of its paths was opened; the stream says with what."""

    stream: Any


@dataclass(slots=True)
class ResponseReceived:
    """At a client: the server has begun to answer."""

    stream: Any
    metadata: Pairs


@dataclass(slots=True)
class HalfClosed:
    """At a server: the client has sent all it had to send; it still reads."""

    stream: Any


@dataclass(slots=True)
class StreamEnded:
    """A stream is over. Comes once for each stream that its owner has not ended itself; nothing follows.

    At a client this is the server's status, or what took its place. At a server it means that the client has withdrawn
    the call or broken it.
    """

    stream: Any
    status: Status
    trailers: Pairs = ()
    untouched: bool = False
    """The server has not looked at this stream: whatever was sent can be sent again on another connection."""
    refused: bool = False
    """We have ended it, because of a message that is not taken."""


@dataclass(slots=True)
class Writable:
    """All that was given to `Stream.send` has left, after it had to wait for the peer's windows."""

    stream: Any


@dataclass(slots=True)
class PingAnswered:
    """The answer to a ping of ours."""

    payload: bytes


@dataclass(slots=True)
class GoingAway:
    """The peer takes no new streams on this connection. Those that it has taken go on."""

    code: int
    text: str


@dataclass(slots=True)
class Terminated:
    """We have ended the connection, because the peer broke the protocol. To be written: the rest; then closed."""

    code: int
    text: str


Event = (
    MessagesReceived
    | Answered
    | RequestReceived
    | ResponseReceived
    | HalfClosed
    | StreamEnded
    | Writable
    | PingAnswered
    | GoingAway
    | Terminated
)
