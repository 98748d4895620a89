"""Streams over grpc.aio.

Every attempt to open a stream gets a channel of its own. A channel that has lost its peer keeps its own
backoff, its own resolved addresses and sometimes a stream that never comes up again; a new one has none
of that, so the rhythm of reopening is ours, and a name that has moved to another address is found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.transports.grpc.closed_loops import grpc_quiet_when_closed
from pygorums.transports.grpc.errors import status_of
from pygorums.transports.grpc.forked import use_grpc
from pygorums.transports.grpc.keepalive import with_keepalive
from pygorums.transports.grpc.stream import GrpcStream
from pygorums.wire.handshake import CONFIRMS, PROBE, Pairs

__all__ = ["FIXED_WINDOW", "METHOD", "SERVICE", "AcceptedGrpcTransport", "GrpcConnector", "grpc_target", "pairs_from"]

SERVICE = "stream.Gorums"
METHOD = "NodeStream"

ANSWER_TIMEOUT = 5.0
"""Seconds that one attempt to open a stream may take until the other side has answered."""

_LOOKS = 5

_SOON = 0.02
"""Seconds in which a status follows that has left already."""

_PROBE_AFTER = 0.1
"""Seconds until a probe asks for the answer of a node that says nothing by itself, unless more is known of it."""

_LATE_PROBE = 1.0
"""The same for a node that has always answered by itself."""

FIXED_WINDOW: tuple[tuple[str, Any], ...] = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 4 << 20))
"""How much may be on its way, in bytes. Left alone gRPC would measure that by pings to those who send it much, and
end the connection of a slow one, whose answer waits behind what it sends."""

_CHANNEL_OPTIONS: tuple[tuple[str, Any], ...] = (
    # Channels with the same target would otherwise share a connection, and its backoff.
    ("grpc.use_local_subchannel_pool", 1),
    # A proxy from the environment would break clusters on localhost and in private networks.
    ("grpc.enable_http_proxy", 0),
    # Retries buffer what was sent, to send it again: that is our business.
    ("grpc.enable_retries", 0),
    *FIXED_WINDOW,
    # How long one attempt to connect may take.
    ("grpc.min_reconnect_backoff_ms", round(ANSWER_TIMEOUT * 1000)),
)


_READER_ENDS = 1.0
"""Seconds in which gRPC tells who reads a stream that it was cancelled. Nearly always it takes a moment."""


def pairs_from(metadata: Any) -> Pairs:
    """The pairs of gRPC metadata; gRPC gives the values of keys that end in ``-bin`` as bytes."""
    return tuple((key, value) for key, value in metadata or ())


def grpc_target(address: str) -> str:
    """What gRPC calls an address. To it abstract names of unix sockets are of another kind."""
    return f"unix-abstract:{address[6:]}" if address.startswith("unix:@") else address


class GrpcConnector:
    """Opens streams to one address.

    Args:
        address: ``host:port``; the name is resolved anew at each attempt.
        credentials: TLS credentials, or None for plain text.
        options: gRPC channel options, which come after, and so override, the defaults.

    Raises:
        RuntimeError: This process was forked from one that used gRPC.
    """

    def __init__(
        self, address: str, credentials: grpc.ChannelCredentials | None, options: Sequence[tuple[str, Any]]
    ) -> None:
        use_grpc()
        grpc_quiet_when_closed()
        self._address = address
        self._credentials = credentials
        self._options = [*_CHANNEL_OPTIONS, *with_keepalive(options).items()]
        self.probe_after = _PROBE_AFTER

    def __call__(self, metadata: Pairs, /) -> OpenedGrpcTransport:
        """Start to open a new stream; returns at once. Needs the running event loop."""
        if self._credentials is None:
            channel = grpc.aio.insecure_channel(grpc_target(self._address), options=self._options)
        else:
            channel = grpc.aio.secure_channel(grpc_target(self._address), self._credentials, options=self._options)
        return OpenedGrpcTransport(self, self._address, channel, metadata)


class OpenedGrpcTransport(GrpcStream):
    """The opener's end of a stream over grpc.aio."""

    def __init__(self, connector: GrpcConnector, address: str, channel: grpc.aio.Channel, metadata: Pairs) -> None:
        self._connector = connector
        self._address = address
        self._channel = channel
        # Without serializers bytes go in and out as they are.
        open_stream: Any = channel.stream_stream(f"/{SERVICE}/{METHOD}")
        self._call: Any = open_stream(metadata=grpc.aio.Metadata(*metadata))
        super().__init__(self._call.write, self._call.read, address)
        self._aborted: StatusError | None = None
        self._answered = False
        self.silent = False

    async def opened(self) -> None:
        """Done when the other side has answered something that we sent.

        That it takes a connection proves nothing: a load balancer does so for servers that are gone, and what we send
        may be lost on a way whose other direction works. Servers of ours answer with their metadata at once; others say
        nothing before their first message, but they answer any other call, and so the probe.
        """
        try:
            metadata = await self._opened()
        except Exception as raised:
            raise status_of(raised, self._address) from None
        if metadata is not None:
            self._answered = True
            self.tell_answered(metadata)

    async def _opened(self) -> Pairs | None:
        call = self._call
        waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(call.wait_for_connection())]
        try:
            await self._any_of(waiting)
            waiting[0].result()
            metadata = asyncio.ensure_future(call.initial_metadata())
            waiting = [metadata]
            await asyncio.wait(waiting, timeout=self._connector.probe_after)
            if not metadata.done():
                waiting.append(probe := asyncio.ensure_future(self._probe()))
                await self._any_of(waiting)
                self.silent = not metadata.done() and not probe.result()
            self._connector.probe_after = _LATE_PROBE if metadata.done() else 0 if self.silent else _PROBE_AFTER
            if not metadata.done():
                return None
            if not metadata.result():
                # As if it was refused, which we hear in a moment.
                waiting.append(asyncio.ensure_future(call.code()))
                await asyncio.wait(waiting[1:], timeout=_SOON, return_when=asyncio.FIRST_COMPLETED)
            await call.wait_for_connection()
            if call.done():
                raise StreamDownError(f"{self._address} ended the stream")
            return pairs_from(metadata.result())
        finally:
            for future in waiting:
                if not future.cancel() and not future.cancelled():
                    future.exception()  # or it would be said that nobody has asked for it

    async def _any_of(self, waiting: Sequence[asyncio.Future[Any]]) -> None:
        # Several short waits: while this process is held up itself, nobody hears an answer.
        for _ in range(_LOOKS):
            done, _ = await asyncio.wait(waiting, timeout=ANSWER_TIMEOUT / _LOOKS, return_when=asyncio.FIRST_COMPLETED)
            if done:
                return
        raise StreamDownError(f"{self._address} has not answered within {ANSWER_TIMEOUT:.3g} s")

    async def _probe(self) -> bool:
        """Done when the other side has answered a call beside the stream; whether metadata will come.

        Where nobody has answered, because the connection ends, they may: what becomes of the stream will tell.
        """
        ask: Any = self._channel.unary_unary(PROBE)
        call = ask(b"")
        with suppress(Exception):
            await call
        if await call.code() is grpc.StatusCode.UNAVAILABLE:
            return True
        return any(pair in CONFIRMS for pair in pairs_from(await call.trailing_metadata()))

    async def _before_reading(self) -> None:
        if not self._answered:
            # They come before the first message, and are empty if the stream ends without any.
            self.tell_answered(pairs_from(await self._call.initial_metadata()))

    def _why_cancelled(self) -> StatusError | None:
        # gRPC says so to who reads a stream that was aborted.
        return self._aborted

    def _cannot_write(self) -> None:
        # If gRPC does not think that the stream is over it must still end: it is of no use.
        self._call.cancel()

    def abort(self, error: StatusError, /) -> None:
        """Cancel the stream. Its user need not wait for gRPC to say so, which now and then it does not."""
        if self._aborted is None:
            self._aborted = error
            self._call.cancel()
            self._stop_writing()
            self._wake_reader()
            self._loop.call_soon(self._tell_aborted, error)

    def _tell_aborted(self, error: StatusError) -> None:
        self.tell_end_now(error)
        if self._user is not None:
            self.forget()  # whatever else comes

    def finish(self) -> None:
        """Half-close, after what is written."""
        if not self._over:
            self._unsent.append(self._half_close())
            if self._write is None:
                self._proceed(None)

    async def _half_close(self) -> None:
        with suppress(Exception):  # the stream may break just now, which is as good an end
            await self._call.done_writing()

    async def close(self) -> None:
        """Cancel what is left of the stream and close its channel."""
        self.let_go()
        self._call.cancel()
        if self.reader is not None:
            # A read that gRPC has forgotten must not be cancelled, as it might remember. So it is left where it is.
            await asyncio.wait({self.reader}, timeout=_READER_ENDS)
        await self._channel.close()


class AcceptedGrpcTransport(GrpcStream):
    """The acceptor's end of a stream over grpc.aio."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self.peer = str(context.peer())  # gRPC crashes if it is asked once the stream is over
        super().__init__(context.write, context.read, self.peer)
        self._confirming: asyncio.Task[None] | None = None

    def confirm(self, metadata: Pairs) -> None:
        """Send our metadata, which confirm the extensions that we will use."""
        sent = self._context.send_initial_metadata(grpc.aio.Metadata(*metadata))
        self._confirming = self._loop.create_task(sent, name=f"pygorums confirmation to {self.peer}")
        self._unsent.append(self.confirmed())
        if self._write is None:
            self._proceed(None)

    async def confirmed(self) -> None:
        """Done when our metadata are sent, if there are any.

        gRPC notes only then that they are, and would otherwise try to send them again with the end of the stream,
        which its core refuses: the stream would never end.
        """
        if self._confirming is not None:
            await asyncio.wait({self._confirming})
            if not self._confirming.cancelled():
                self._confirming.exception()  # who reads learns of it
