"""What streams know of the connection that they are parts of."""

from __future__ import annotations

from typing import Any, Protocol

from pygorums.transports.http2.compression import FieldWriter
from pygorums.transports.http2.limits import Limits
from pygorums.transports.http2.past import Past

__all__ = ["ServerWhole", "Whole"]


class Whole(Protocol):
    """A connection as its streams see it, which keep its accounts. `Control` says what each of them is."""

    limits: Limits
    streams: Any
    ended: bool
    out: list[bytes | memoryview]
    held_back: bool
    burst: int
    writer: FieldWriter
    frame_size: int
    room: int
    peer_stream_window: int
    peer_max_header_list: int | None
    blocked: Any
    past: Past
    progress: int
    unconsumed: int
    partial: int
    stream_window: int
    stream_half: int
    whole_half: int
    window: int

    def reply(self, frame: bytes, /) -> None:
        """Write a small frame that the peer has made us write."""

    def reopen(self) -> None:
        """Open the connection's window again, if it is time."""


class ServerWhole(Whole, Protocol):
    """The same of a server's connection."""

    lingering: Any

    def spend(self, cost: int, /) -> None:
        """Count what the peer has made us do for nothing."""

    def linger(self, stream: Any, /) -> None:
        """Keep a stream that we have ended and the client has not."""
