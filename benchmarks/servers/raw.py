"""The server's part of baseline R: messages with their length before them go back as they came, over plain TCP."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import cast

__all__ = ["Frames", "framed", "serve_raw"]

_LENGTH = 4


def framed(message: bytes) -> bytes:
    """A message with its length before it."""
    return len(message).to_bytes(_LENGTH, "big") + message


class Frames:
    """Cuts what arrives into the messages that were sent, each with its length before it."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._needed = 0  # so many bytes make what is in there whole

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What is whole now; has to be used up before more is fed."""
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return
            data = bytes(self._rest)
            self._rest.clear()
        start, length = 0, len(data)
        while (body := start + _LENGTH) <= length:
            end = body + int.from_bytes(data[start:body], "big")
            if end > length:
                self._needed = end - start
                break
            yield data[start:end]
            start = end
        else:
            self._needed = _LENGTH
        if start < length:
            self._rest += data[start:]


@asynccontextmanager
async def serve_raw(host: str) -> AsyncIterator[int]:
    """Serve at a free port of a host, which is given; all connections end on exit."""
    transports: set[asyncio.Transport] = set()
    server = await asyncio.get_running_loop().create_server(lambda: _Echo(transports), host, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for transport in transports:
            transport.abort()
        await server.wait_closed()


class _Echo(asyncio.Protocol):
    """A connection.

    Args:
        transports: Those that are open.
    """

    def __init__(self, transports: set[asyncio.Transport]) -> None:
        self._transports = transports
        self._frames = Frames()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are not derived from it.
        transport = cast("asyncio.Transport", transport)
        self._transport = transport
        self._transports.add(transport)

    def data_received(self, data: bytes) -> None:
        # One write for each: nothing is batched, as with baseline B.
        for frame in self._frames.feed(data):
            self._transport.write(frame)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio gives it
        self._transports.discard(self._transport)
