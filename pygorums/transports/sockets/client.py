"""Streams that we open: each on a connection of its own."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.sessions.hello import SESSION_KEY
from pygorums.tasks.closed_loops import quiet_when_closed
from pygorums.transports.http2.client import ClientConnection
from pygorums.transports.http2.codes import ErrorCode
from pygorums.transports.http2.events import Answered, Event, ResponseReceived, StreamEnded
from pygorums.transports.http2.faults import CannotOpenError
from pygorums.transports.http2.metadata import Pairs
from pygorums.transports.http2.status import Code
from pygorums.transports.sockets.address import Place
from pygorums.transports.sockets.connecting import connect, patiently
from pygorums.transports.sockets.connection import SocketConnection
from pygorums.transports.sockets.errors import error_of
from pygorums.transports.sockets.keepalive import Keepalive
from pygorums.transports.sockets.options import NODE_STREAM, SocketOptions
from pygorums.transports.sockets.probe import Probe
from pygorums.transports.sockets.stream import SocketStream

__all__ = ["OpenedSocketTransport", "SocketConnector"]

ANSWER_TIMEOUT = 5.0
"""Seconds that one attempt to open a stream may take until the other side has answered."""

SAYS_NOTHING = 0.1
"""Seconds to wait for the metadata of an acceptor which is there: whoever has sent none by then will send none before
its first message."""


class SocketConnector:
    """Opens streams to one address.

    Args:
        address: ``host:port``, whose name is looked up anew at each attempt, ``unix:path`` or ``unix:@name``.
        tls: The context of TLS; None for plain text.
        options: Everything else.
    """

    def __init__(self, address: str, tls: ssl.SSLContext | None, options: SocketOptions) -> None:
        self.place = Place.of(address)
        self.tls = tls
        self.options = options
        self.says_nothing = False  # whether the acceptor is one that sends no metadata

    def __call__(self, metadata: Pairs, /) -> OpenedSocketTransport:
        """Start to open a new stream; returns at once. Needs the running event loop."""
        quiet_when_closed()
        return OpenedSocketTransport(self, metadata)


class _Connection(SocketConnection):
    """The connection below one stream of ours."""

    def __init__(self, http2: ClientConnection) -> None:
        super().__init__(http2)
        self.client = http2
        self.answered: asyncio.Future[None] = self.loop.create_future()

    def react(self, event: Event) -> None:
        """Take note of the answer to our settings, and of the response."""
        if isinstance(event, Answered):
            _resolve(self.answered)
        elif isinstance(event, ResponseReceived):
            event.stream.context.confirmed(event.metadata)
        else:
            super().react(event)

    def connection_lost(self, error: Exception | None) -> None:
        """Called by asyncio: the socket is closed."""
        super().connection_lost(error)
        _resolve(self.answered)


class OpenedSocketTransport(SocketStream):
    """The opener's end of a stream."""

    __slots__ = ("_begun", "_client", "_connector", "_error", "_keepalive", "_loop", "_offered", "_said", "silent")

    def __init__(self, connector: SocketConnector, metadata: Pairs) -> None:
        super().__init__()
        self._connector = connector
        self._offered = metadata
        self._loop = asyncio.get_running_loop()
        self._client: _Connection | None = None
        self._keepalive: Keepalive | None = None
        self._said: asyncio.Future[None] = self._loop.create_future()  # whether the acceptor has sent its metadata
        self._begun = False  # whether there is a stream
        self._error: StatusError | None = None
        self.silent = False

    async def opened(self) -> None:
        """Done when the other side has acknowledged our settings: that it takes a connection proves nothing.

        Servers of ours send their metadata at once, which is waited for, for a moment. Where a session is offered, and
        they have not come by then, it is asked whether they will.
        """
        connector = self._connector
        patience = ANSWER_TIMEOUT
        try:
            await patiently(self._open(), patience)
        except TimeoutError:
            text = f"{connector.place.address} has not answered within {patience:.3g} s"
            raise StreamDownError(text) from None
        if not connector.says_nothing:
            await asyncio.wait({self._said}, timeout=SAYS_NOTHING)
        connector.says_nothing = self.silent = not self._said.done()
        if self.silent and any(key == SESSION_KEY for key, _ in self._offered):
            connector.says_nothing = self.silent = not await self._will_say()
        if self._error is not None and not self._held:
            raise self._error

    async def _open(self) -> None:
        connector = self._connector
        place, options = connector.place, connector.options
        self._client = client = await connect(place, self._make, connector.tls, options.server_name)
        if options.pings is not None:
            self._keepalive = Keepalive(client, options.pings)
        try:
            # What comes with the stream is not waited for: it travels with the settings.
            self.attach(client, client.client.open(NODE_STREAM, self._offered))
            self._begun = True
        except CannotOpenError as error:
            raise StreamDownError(f"{place.address}: {error}") from None
        client.flush()
        await client.answered
        if not client.http2.answered:
            # Servers refuse a certificate, or want one, once the handshake is over for us.
            hint = "" if connector.tls is None else ", maybe for want of a certificate that it accepts"
            raise StreamDownError(f"{place.address}: {client.broken}{hint}")

    async def _will_say(self) -> bool:
        """Whether there are metadata, or will be."""
        client, probe = self._client, Probe()
        assert client is not None
        probe.ask(client.client)
        client.flush()
        either: set[asyncio.Future[Any]] = {self._said, probe.answered}
        await asyncio.wait(either, timeout=ANSWER_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        return self._said.done() or (probe.answered.done() and probe.answered.result())

    def _make(self) -> _Connection:
        connector = self._connector
        scheme = "http" if connector.tls is None else "https"
        options = connector.options
        authority = options.authority or options.server_name or connector.place.authority
        return _Connection(
            ClientConnection(authority, scheme=scheme, user_agent=options.user_agent, limits=options.limits)
        )

    def confirmed(self, metadata: Pairs) -> None:
        """The acceptor's metadata have come."""
        _resolve(self._said)
        self.tell_answered(metadata)

    def over(self, event: StreamEnded) -> None:
        """The stream has ended."""
        client = self._client
        assert client is not None
        peaceful = event.status.code is Code.OK and client.broken is None
        error = error_of(event, self._connector.place.address, client.broken)
        self._error = self._error or error
        _resolve(self._said)
        self.tell_end(None if peaceful else error)
        self.resume()

    def finish(self) -> None:
        """Say that nothing more will be written."""
        self._stream.end([])
        self._connection.flush()

    def abort(self, error: StatusError, /) -> None:
        """End the stream now."""
        if self._error is None:
            self._error = error
            self._reset()
            self._held = []
            self._end = [error]
            self._loop.call_soon(self._tell_end)

    def _reset(self) -> None:
        if self._client is not None and self._begun:
            self._stream.reset(ErrorCode.CANCEL)
            self._client.flush()

    async def close(self) -> None:
        """End the stream and its connection."""
        self.forget()
        if self._keepalive is not None:
            self._keepalive.stop()
        client = self._client
        if client is None or self._loop.is_closed():
            return
        self._reset()
        client.close()
        try:
            await asyncio.shield(client.over)
        except asyncio.CancelledError:
            client.lose("the stream was closed")
            raise


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
