"""The sockets below a server."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from pygorums.tasks.closed_loops import quiet_when_closed
from pygorums.tasks.grace import Grace
from pygorums.tasks.joined import Joined
from pygorums.transports.address import unix_path
from pygorums.transports.listener import Accept
from pygorums.transports.ports import bound_sockets, unix_socket
from pygorums.transports.sockets.options import NODE_STREAM, SocketOptions
from pygorums.transports.sockets.server import BACKLOG, SocketServer
from pygorums.transports.sockets.tls import checked_context

__all__ = ["SocketListener"]


class SocketListener:
    """Listens on sockets of asyncio, and hands each stream on.

    Args:
        given: gRPC's options, by name.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._options = SocketOptions.of(given, server=True)
        self._shared = bool(given.get("grpc.so_reuseport"))
        self._methods: dict[str, Accept] = {}
        self._server = SocketServer(self._methods, self._options)
        self._sockets: list[socket.socket] = []
        self._tls: ssl.SSLContext | None = None
        self._path = ""  # of the file that is made for a unix socket
        self._at_end_of_loop: Callable[[], Awaitable[None]] | None = None
        self._start = Joined(self._begin, "pygorums server start")
        self._keeper: asyncio.Task[None] | None = None
        self._kept: asyncio.Future[None] | None = None

    def serve_with(self, accept: Accept, at_end_of_loop: Callable[[], Awaitable[None]]) -> None:
        """Say what to do, before it starts.

        Args:
            accept: Serves one stream.
            at_end_of_loop: Stops all there is, if the event loop ends before anybody has done it.
        """
        self._methods[NODE_STREAM] = accept
        self._at_end_of_loop = at_end_of_loop

    def bind(self, address: str, credentials: Any) -> str:
        """Take an address; the same with the actual port. Clients can connect from now on, and wait for the start.

        Raises:
            OSError: It cannot be had.
            ConfigurationError: The credentials cannot be used.
        """
        quiet_when_closed()
        self._tls = checked_context(credentials, server=True)
        path = unix_path(address)
        if path is not None:
            self._sockets = [unix_socket(address, path)]
            self._path = "" if path.startswith("\0") else path
        else:
            self._sockets = bound_sockets(address, shared=self._shared)
        for each in self._sockets:
            each.listen(BACKLOG)
        if path is not None:
            return address
        return f"{address.rpartition(':')[0]}:{self._sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        """Serve."""
        await self._start()

    async def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        self._kept = loop.create_future()
        self._keeper = loop.create_task(self._keep(self._kept), name="pygorums server")
        await self._server.start(self._sockets, self._tls)

    async def stop(self, grace: Grace) -> None:
        """Refuse new streams, let those that are open end until the grace is over, and end them then."""
        await self._start.over()
        self._server.shut_down()
        if not grace.over:
            drained = asyncio.ensure_future(self._server.drained())
            await grace.wait(drained)
            drained.cancel()
        await self._server.close()
        for each in self._sockets:
            each.close()
        if self._path:
            with suppress(OSError):
                os.unlink(self._path)
            self._path = ""
        if self._kept is not None and self._keeper is not None and not self._kept.done():
            self._kept.set_result(None)
            await asyncio.wait({self._keeper})

    async def abandon(self) -> None:
        """Let go of the address, for want of anything to serve."""
        grace = Grace()
        grace.cut(0)
        await self.stop(grace)

    async def _keep(self, kept: asyncio.Future[None]) -> None:
        """Wait for the end; if it is the event loop that ends, which cancels all tasks, end all in good order."""
        try:
            await kept
        except asyncio.CancelledError:
            if self._at_end_of_loop is not None:
                await self._at_end_of_loop()
            raise
