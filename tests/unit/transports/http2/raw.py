"""Frames by hand, for tests: written without the code under test, and read back from what it writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hpack import Decoder

from pygorums.transports.http2.connection import Connection
from pygorums.transports.http2.events import Event

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PATH = "/stream.Gorums/NodeStream"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 1, 1, 4, 8, 32


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
    return head + payload


def number(value: int, bits: int, first: int = 0) -> bytes:
    """An integer of HPACK with a prefix of `bits` (RFC 7541, section 5.1)."""
    most = (1 << bits) - 1
    if value < most:
        return bytes((first | value,))
    out = [first | most]
    value -= most
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


def literal(name: bytes | str, value: bytes | str) -> bytes:
    """One field, not indexed and not Huffman-coded."""
    name = name.encode("latin-1") if isinstance(name, str) else name
    value = value.encode("latin-1") if isinstance(value, str) else value
    return b"\0" + number(len(name), 7) + name + number(len(value), 7) + value


def block(*fields: tuple[bytes | str, bytes | str]) -> bytes:
    return b"".join(literal(*field) for field in fields)


GRPC = (
    (":method", "POST"),
    (":scheme", "http"),
    (":path", PATH),
    (":authority", "localhost"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
)


def without(name: str) -> tuple[tuple[str, str], ...]:
    return tuple(field for field in GRPC if field[0] != name)


def replaced(name: str, value: str) -> tuple[tuple[str, str], ...]:
    return tuple((key, value if key == name else old) for key, old in GRPC)


def request(
    stream: int = 1,
    fields: Iterable[tuple[bytes | str, bytes | str]] = GRPC,
    *,
    flags: int = END_HEADERS,
    end: bool = False,
) -> bytes:
    return frame(HEADERS, flags | (END_STREAM if end else 0), stream, block(*fields))


def message(payload: bytes) -> bytes:
    return b"\0" + len(payload).to_bytes(4, "big") + payload


def data(stream: int, payload: bytes, flags: int = 0) -> bytes:
    return frame(DATA, flags, stream, payload)


def setting(*pairs: tuple[int, int], flags: int = 0) -> bytes:
    return frame(SETTINGS, flags, 0, b"".join(k.to_bytes(2, "big") + v.to_bytes(4, "big") for k, v in pairs))


def update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, increment.to_bytes(4, "big"))


def reset(stream: int, code: int = 8) -> bytes:
    return frame(RST_STREAM, 0, stream, code.to_bytes(4, "big"))


class Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    payload: bytes


def parse(data: bytes) -> list[Frame]:
    frames = []
    while data:
        size = int.from_bytes(data[:3], "big")
        frames.append(Frame(data[3], data[4], int.from_bytes(data[5:9], "big"), data[9 : 9 + size]))
        assert len(frames[-1].payload) == size
        data = data[9 + size :]
    return frames


class Reader:
    """Reads what a connection writes; it has one table of fields for all of it."""

    def __init__(self, connection: Connection) -> None:  # type: ignore[type-arg]  # either end
        self.connection = connection
        self._decoder = Decoder()

    def take(self) -> list[Frame]:
        written = b"".join(self.connection.take())
        while self.connection.held_back:
            self.connection.resume()
            written += b"".join(self.connection.take())
        return parse(written.removeprefix(PREFACE))

    def fields(self, found: Frame) -> dict[str, str]:
        assert found.kind == HEADERS
        assert found.flags & END_HEADERS
        return {str(name): str(value) for name, value in self._decoder.decode(found.payload)}


def receive(connection: Connection, *parts: bytes, now: float = 0.0) -> list[Event]:  # type: ignore[type-arg]
    return connection.receive(b"".join(parts), now)
