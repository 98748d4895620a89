"""Frames as bytes, for writing."""

from __future__ import annotations

from collections.abc import Iterable

from pygorums.transports.http2.codes import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
)

__all__ = ["end_of_stream", "frame", "goaway", "header_block", "ping", "rst_stream", "settings", "window_update"]


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """Any frame."""
    return (len(payload) << 48 | kind << 40 | flags << 32 | stream_id).to_bytes(9, "big") + payload


def settings(pairs: Iterable[tuple[int, int]]) -> bytes:
    """Our settings, in the order given."""
    return frame(SETTINGS, 0, 0, b"".join([(key << 32 | value).to_bytes(6, "big") for key, value in pairs]))


SETTINGS_ACK = frame(SETTINGS, ACK, 0)


def ping(payload: bytes, *, ack: bool = False) -> bytes:
    """A ping of eight bytes, or the answer to one."""
    return frame(PING, ACK if ack else 0, 0, payload)


def goaway(last_stream_id: int, code: int, text: str = "") -> bytes:
    """The end of a connection; `text` is for people who read logs."""
    return frame(
        GOAWAY, 0, 0, last_stream_id.to_bytes(4, "big") + code.to_bytes(4, "big") + text.encode(errors="replace")
    )


def rst_stream(stream_id: int, code: int) -> bytes:
    """The end of one stream."""
    return frame(RST_STREAM, 0, stream_id, code.to_bytes(4, "big"))


def window_update(stream_id: int, increment: int) -> bytes:
    """More room for the peer's data: in a stream, or in the connection, which has the ID 0."""
    return frame(WINDOW_UPDATE, 0, stream_id, increment.to_bytes(4, "big"))


def end_of_stream(stream_id: int) -> bytes:
    """Says that no more data comes in a stream."""
    return frame(DATA, END_STREAM, stream_id)


def header_block(stream_id: int, block: bytes, max_frame_size: int, *, end_stream: bool) -> bytes:
    """An encoded field section as one HEADERS frame and as many CONTINUATION frames as it needs."""
    flags = END_STREAM if end_stream else 0
    if len(block) <= max_frame_size:
        return frame(HEADERS, flags | END_HEADERS, stream_id, block)
    written = [frame(HEADERS, flags, stream_id, block[:max_frame_size])]
    for start in range(max_frame_size, len(block), max_frame_size):
        part = block[start : start + max_frame_size]
        last = start + max_frame_size >= len(block)
        written.append(frame(CONTINUATION, END_HEADERS if last else 0, stream_id, part))
    return b"".join(written)
