"""A client that speaks HTTP/2 by hand, for what no gRPC client would send."""

import asyncio
import struct
from types import TracebackType
from typing import Self

from tests.support.frames import NODE_STREAM
from tests.support.waiting import within

_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_END_HEADERS, _ACK = 4, 1


def _literal(name: bytes, value: bytes) -> bytes:
    """A header field without indexing or compression; name and value shorter than 127 bytes."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


class RawClient:
    """One connection with one node stream."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def __aenter__(self) -> Self:
        host, _, port = self._address.rpartition(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        self._writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.frame(_SETTINGS, 0, 0, b"")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    def frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        """Sends one HTTP/2 frame."""
        self._writer.write(
            struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload
        )

    def open(self, *headers: tuple[bytes, bytes], path: bytes = NODE_STREAM.encode()) -> None:
        """Opens the stream with more headers than gRPC needs."""
        fields = [
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":path", path),
            (b":authority", b"test"),
            (b"te", b"trailers"),
            (b"content-type", b"application/grpc"),
            *headers,
        ]
        self.frame(_HEADERS, _END_HEADERS, 1, b"".join(_literal(name, value) for name, value in fields))

    def message(self, data: bytes, length: int | None = None) -> None:
        """Sends one gRPC message, which may claim to have another length than it has."""
        self.frame(_DATA, 0, 1, b"\x00" + struct.pack(">I", len(data) if length is None else length) + data)

    def ping(self) -> None:
        """Asks whether all before has come."""
        self.frame(_PING, 0, 0, bytes(8))

    async def answered(self) -> int:
        """Waits for the answer to a ping, or the first frame that is no business of the connection alone; its type."""
        while True:
            head = await within(self._reader.readexactly(9))
            payload = await within(self._reader.readexactly(int.from_bytes(head[:3], "big")))
            if head[3] == _SETTINGS and not head[4] & _ACK:
                self.frame(_SETTINGS, _ACK, 0, b"")
            elif head[3] == _PING and not head[4] & _ACK:
                self.frame(_PING, _ACK, 0, payload)
            elif head[3] in (_DATA, _HEADERS, _RST_STREAM, _GOAWAY, _PING):
                return head[3]
