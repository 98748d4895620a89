"""Streams that others open to us: listening, connections, and a task for each stream that is served."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from pygorums.base.errors import StatusError
from pygorums.transports.http2.events import Event, HalfClosed, RequestReceived, StreamEnded
from pygorums.transports.http2.metadata import Pairs
from pygorums.transports.http2.server import ServerConnection
from pygorums.transports.http2.server_stream import ServerStream
from pygorums.transports.http2.status import Code, Status
from pygorums.transports.sockets.address import peer_of
from pygorums.transports.sockets.connection import LAST_WORDS, SocketConnection
from pygorums.transports.sockets.errors import error_of
from pygorums.transports.sockets.handshake import HELLO, Handshake
from pygorums.transports.sockets.keepalive import Keepalive
from pygorums.transports.sockets.options import SocketOptions
from pygorums.transports.sockets.stream import SocketStream
from pygorums.transports.sockets.tls import proved_by, speaks_http2
from pygorums.wire.handshake import CONFIRMS

__all__ = ["Accept", "AcceptedConnection", "AcceptedSocketTransport", "SocketServer"]

BACKLOG = 1024
"""How many connections may wait to be accepted."""

COUNTED_EVERY = 1 << 20
"""So many more bytes of incomplete messages than before are worth being counted."""

Accept = Callable[["AcceptedSocketTransport", Pairs, str, Mapping[str, list[bytes]]], Awaitable[None]]
"""Serves a stream: its end, its opener's metadata and address, and what TLS has proved of that. A `StatusError` that it
raises is what the stream ends with."""

_log = logging.getLogger("pygorums.server")


class AcceptedSocketTransport(SocketStream):
    """The acceptor's end of a stream."""

    __slots__ = ("_accepted", "peer", "task")

    _connection: AcceptedConnection

    def __init__(self, peer: str) -> None:
        super().__init__()
        self.peer = peer
        self.task: asyncio.Task[None] | None = None  # that serves it

    def serve_with(self, connection: AcceptedConnection, stream: ServerStream, accept: Accept) -> None:
        """Have it served by a task of its own."""
        self.attach(connection, stream)
        self._accepted = stream
        serving = self._serve(accept, stream.metadata, connection.proved)
        self.task = asyncio.get_running_loop().create_task(serving, name=f"pygorums stream of {self.peer}")
        self.task.add_done_callback(self._done)

    def _done(self, _: asyncio.Task[None]) -> None:
        self._connection.stream_done(self)

    async def _serve(self, accept: Accept, metadata: Pairs, proved: Mapping[str, list[bytes]]) -> None:
        status = Status(Code.OK)
        try:
            await accept(self, metadata, self.peer, proved)
        except StatusError as error:
            status = Status(Code(error.code().value[0]), error.message)
        except asyncio.CancelledError:
            status = Status(Code.UNAVAILABLE, "the server has stopped")
            raise
        except Exception:
            if not self._connection.loop.is_closed():  # in which nothing succeeds
                _log.exception("serving a stream of %s failed", self.peer)
            status = Status(Code.UNKNOWN, "internal error")
        finally:
            self.forget()
            if not self._connection.loop.is_closed():  # it is if nobody has cancelled this before
                self._accepted.finish(status)
                self._connection.flush()

    def confirm(self, metadata: Pairs, /) -> None:
        """Send our metadata."""
        self._accepted.respond(metadata)
        self._connection.flush()

    def write(self, messages: Any, /) -> bool:
        """Write messages, after our metadata; whether they were taken."""
        self._accepted.respond()
        return super().write(messages)

    def over(self, event: StreamEnded) -> None:
        """The stream broke, or the client has withdrawn it."""
        if self._user is not None:
            self.tell_end_now(error_of(event, self.peer, self._connection.broken))
        elif self.task is not None:  # nobody uses it yet, or any more
            self.task.cancel()


class AcceptedConnection(SocketConnection):
    """A connection that a client has opened."""

    lets_peer_read = True

    def __init__(self, server: SocketServer) -> None:
        self.server_side = ServerConnection(server.methods, limits=server.options.limits, unserved=CONFIRMS)
        super().__init__(self.server_side)
        self._server = server
        self._keepalive: Keepalive | None = None
        self._hurry: asyncio.TimerHandle | None = None
        self._hello = self.loop.call_later(HELLO, self._look_for_hello)
        self._counted = COUNTED_EVERY
        self.peer = ""
        self.proved: Mapping[str, list[bytes]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio: there is a socket, and TLS has shaken hands."""
        tls = transport.get_extra_info("ssl_object")
        self.peer = peer_of(transport.get_extra_info("peername"))
        self.proved = proved_by(tls)
        self._server.connections[self] = None
        super().connection_made(transport)
        if not speaks_http2(tls):
            self.lose("the client does not offer HTTP/2 (by ALPN)")
        elif self._server.closing:
            self.close()
        elif self._server.shutting_down:
            self.shut_down()
        if self._server.options.pings is not None:
            self._keepalive = Keepalive(self, self._server.options.pings)

    def react(self, event: Event) -> None:
        """Have requests served."""
        if isinstance(event, RequestReceived):
            stream = event.stream
            transport = AcceptedSocketTransport(self.peer)
            self._server.serving[transport] = None
            transport.serve_with(self, stream, self._server.methods[stream.path])
        elif isinstance(event, HalfClosed):
            event.stream.context.tell_end(None)
        else:
            super().react(event)

    def data_received(self, data: bytes | memoryview) -> None:
        """Take bytes that have come."""
        super().data_received(data)
        if not 0 <= self._counted - self.server_side.partial <= 2 * COUNTED_EVERY:
            self._count()
        if self._server.shutting_down:
            self._close_if_done()

    def _count(self) -> None:
        """Tell those who serve streams that more, or less, is held of messages which are not complete."""
        self._counted = self.server_side.partial + COUNTED_EVERY
        for stream in tuple(self.server_side.streams.values()):
            if stream.context is not None:  # or it was answered without anybody having been asked
                stream.context.count_kept()

    def stream_done(self, transport: AcceptedSocketTransport) -> None:
        """Nobody serves a stream any more."""
        self._server.serving.pop(transport, None)
        self._close_if_done()

    def _close_if_done(self) -> None:
        """If the server stops, the last stream takes the connection with it."""
        side = self.server_side
        if side.drained:
            self.close()
        elif side.draining and len(side.streams) == len(side.lingering):
            # The clients have their statuses, and need not say that they have no more to send.
            self.loop.call_later(LAST_WORDS, self.close)

    def shut_down(self) -> None:
        """Take no new streams."""
        self.server_side.shut_down()
        self.flush()
        self._close_if_done()
        self._hurry = self.loop.call_later(LAST_WORDS, self._wait_no_more)

    def _wait_no_more(self) -> None:
        """The client has had its time to say that it has understood. One that is gone does not use up a grace."""
        self.server_side.shut_down()
        self.flush()
        if len(self.server_side.streams) == len(self.server_side.lingering):
            self.close()

    def _look_for_hello(self) -> None:
        if not self.http2.answered:
            self.lose("the client has not said that it speaks HTTP/2")

    def connection_lost(self, error: Exception | None) -> None:
        """Called by asyncio: the socket is closed."""
        self._hello.cancel()
        if self._hurry is not None:
            self._hurry.cancel()
        if self._keepalive is not None:
            self._keepalive.stop()
        self._server.connections.pop(self, None)
        super().connection_lost(error)
        self._server.connection_closed()


class SocketServer:
    """Listens, and has each stream served.

    Args:
        methods: What serves the streams, by the gRPC method that they are opened with; it may be added to later.
            Streams to others are refused with UNIMPLEMENTED.
        options: How connections are used.

    Attributes:
        connections: Those that are open.
        serving: The streams that are served.
        shutting_down: Whether no new streams are taken.
        closing: Whether there are to be no connections any more.
    """

    def __init__(self, methods: Mapping[str, Accept], options: SocketOptions) -> None:
        self.methods = methods
        self.options = options
        self.connections: dict[AcceptedConnection, None] = {}
        self.serving: dict[AcceptedSocketTransport, None] = {}
        self.shutting_down = self.closing = False
        self._servers: list[asyncio.Server] = []
        self._handshakes: set[asyncio.Task[None]] = set()
        self._closed: asyncio.Future[None] | None = None

    async def start(self, sockets: Iterable[socket.socket], tls: ssl.SSLContext | None) -> None:
        """Listen on sockets that are bound, which are closed in the end.

        Args:
            sockets: They may be unix sockets.
            tls: The context, with TLS.
        """
        loop = asyncio.get_running_loop()

        def plain() -> asyncio.BaseProtocol:
            return AcceptedConnection(self)

        def secure() -> asyncio.BaseProtocol:
            assert tls is not None
            return Handshake(tls, lambda: AcceptedConnection(self), self._handshakes)

        for each in sockets:
            unix = each.family == getattr(socket, "AF_UNIX", None)
            listen = loop.create_unix_server if unix else loop.create_server
            self._servers.append(await listen(plain if tls is None else secure, sock=each, backlog=BACKLOG))

    def shut_down(self) -> None:
        """Take no new connections and no new streams; those that are open go on."""
        if not self.shutting_down:
            self.shutting_down = True
            loop = asyncio.get_running_loop()
            for server in self._servers:
                with suppress(NotImplementedError):  # not every loop has readers
                    for each in server.sockets:
                        loop.remove_reader(each)
                # In the next turn: asyncio cannot make connections otherwise that it has accepted in this one.
                loop.call_soon(server.close)
            for connection in tuple(self.connections):
                connection.shut_down()

    async def drained(self) -> None:
        """Wait until, after `shut_down`, the last stream has ended and all connections are closed."""
        await asyncio.sleep(0)  # until nothing is accepted any more
        while self.connections:
            if self._closed is None or self._closed.done():
                self._closed = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._closed)

    def connection_closed(self) -> None:
        """Called by a connection."""
        if not self.connections and self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    async def close(self) -> None:
        """End everything now: streams are cancelled, and their clients told."""
        self.closing = True
        self.shut_down()
        tasks = [transport.task for transport in self.serving if transport.task is not None]
        tasks += self._handshakes
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for connection in tuple(self.connections):
            connection.close()
        await self.drained()
