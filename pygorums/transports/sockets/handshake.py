"""The server's side of TLS handshakes.

asyncio would shake hands by itself, but where that fails it tells nobody, or in debug mode everybody. So a connection
begins as one without TLS, and what goes wrong is said in words, in the log.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable

from pygorums.transports.sockets.address import peer_of
from pygorums.transports.sockets.connection import LAST_WORDS, SocketConnection
from pygorums.transports.sockets.tls import why_tls_failed

__all__ = ["HELLO", "Handshake"]

HELLO = 20.0
"""Seconds that a client has to say that it speaks TLS, if it must, and HTTP/2."""

_log = logging.getLogger("pygorums.server")


class Handshake(asyncio.Protocol):
    """Stands for a connection until both ends have shaken hands.

    Args:
        tls: The context.
        make: Makes what the connection is given to then.
        running: Those that shake hands, to be ended with the server.
    """

    def __init__(
        self, tls: ssl.SSLContext, make: Callable[[], SocketConnection], running: set[asyncio.Task[None]]
    ) -> None:
        self._tls = tls
        self._make = make
        self._running = running

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio: there is a socket."""
        assert isinstance(transport, asyncio.Transport)
        task = asyncio.get_running_loop().create_task(self._shake(transport), name="pygorums TLS handshake")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _shake(self, transport: asyncio.Transport) -> None:
        early = _Early()
        peer = peer_of(transport.get_extra_info("peername"))
        try:
            secured = await asyncio.get_running_loop().start_tls(
                transport,
                early,
                self._tls,
                server_side=True,
                ssl_handshake_timeout=HELLO,
                ssl_shutdown_timeout=LAST_WORDS,
            )
        except OSError as error:
            _log.info("A client at %s could not shake hands: %s", peer, why_tls_failed(error, other="client"))
            return
        except BaseException:
            transport.abort()
            raise
        assert secured is not None
        early.give_to(self._make(), secured)


class _Early(asyncio.Protocol):
    """Keeps what comes together with the end of the handshake."""

    def __init__(self) -> None:
        self._data: list[bytes] = []
        self._lost: list[Exception | None] = []

    def data_received(self, data: bytes) -> None:
        self._data.append(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._lost.append(error)

    def give_to(self, connection: SocketConnection, secured: asyncio.Transport) -> None:
        secured.set_protocol(connection)
        connection.connection_made(secured)
        for data in self._data:
            connection.data_received(data)
        for error in self._lost:
            connection.connection_lost(error)
