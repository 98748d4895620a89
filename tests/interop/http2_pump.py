"""The ends of HTTP/2 on real sockets, as small as can be: for tests, and no transport."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from pygorums.transports.http2.connection import Connection
from pygorums.transports.http2.events import Event

__all__ = ["Pump"]


class Pump(asyncio.Protocol):
    """Carries bytes between a socket and a connection, and gives each event to `react`."""

    def __init__(
        self,
        connection: Connection,  # type: ignore[type-arg]  # either end
        react: Callable[[Event], None],
    ) -> None:
        self.connection = connection
        self.closed = asyncio.get_running_loop().create_future()
        self._react = react
        self._paused = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.flush()

    def data_received(self, data: bytes) -> None:
        self._tell(self.connection.receive(data, time.monotonic()))
        self.flush()
        if self.connection.ended:
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._tell(self.connection.lost(str(error or "closed")))
        if not self.closed.done():
            self.closed.set_result(None)

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            self._react(event)

    def flush(self) -> None:
        """Write what the connection has written, unless the socket does not take what it has."""
        assert self._transport is not None
        if self._paused:
            return
        self._transport.writelines(self.connection.take())
        while self.connection.held_back and not self._paused:
            self._tell(self.connection.resume())
            self._transport.writelines(self.connection.take())

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self.flush()

    def close(self) -> None:
        """End the socket after what is written."""
        assert self._transport is not None
        self._transport.close()
