"""Streams over grpc.aio.

Every attempt to open a stream gets a channel of its own. A channel that has lost its peer keeps its own
backoff, its own resolved addresses and sometimes a stream that never comes up again; a new one has none
of that, so the rhythm of reopening is ours, and a name that has moved to another address is found.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any

import grpc
import grpc.aio

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.streams.forked import use_grpc
from pygorums.streams.transport import Pairs

__all__ = ["METHOD", "SERVICE", "AcceptedGrpcTransport", "GrpcConnector", "pairs_from"]

SERVICE = "stream.Gorums"
METHOD = "NodeStream"

CONNECT_TIMEOUT_MS = 5000
"""How long one attempt to connect may take; what gRPC calls the minimum reconnect backoff."""

_WRITE_FAILED = "Internal error from Core"
"""What grpc.aio says if a stream breaks during a write. It calls that INTERNAL, which hides the real status."""

_CHANNEL_OPTIONS: tuple[tuple[str, Any], ...] = (
    # Channels with the same target would otherwise share a connection, and its backoff.
    ("grpc.use_local_subchannel_pool", 1),
    # A proxy from the environment would break clusters on localhost and in private networks.
    ("grpc.enable_http_proxy", 0),
    # Retries buffer what was sent, to send it again: that is our business.
    ("grpc.enable_retries", 0),
    ("grpc.min_reconnect_backoff_ms", CONNECT_TIMEOUT_MS),
)


def pairs_from(metadata: Any) -> Pairs:
    """The pairs of gRPC metadata; gRPC gives the values of keys that end in ``-bin`` as bytes."""
    return tuple((key, value) for key, value in metadata or ())


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
        self._address = address
        self._credentials = credentials
        self._options = [*_CHANNEL_OPTIONS, *options]

    def __call__(self, metadata: Pairs, /) -> OpenedGrpcTransport:
        """Start to open a new stream; returns at once. Needs the running event loop."""
        if self._credentials is None:
            channel = grpc.aio.insecure_channel(self._address, options=self._options)
        else:
            channel = grpc.aio.secure_channel(self._address, self._credentials, options=self._options)
        return OpenedGrpcTransport(self._address, channel, metadata)


class OpenedGrpcTransport:
    """The opener's end of a stream over grpc.aio."""

    def __init__(self, address: str, channel: grpc.aio.Channel, metadata: Pairs) -> None:
        self._address = address
        self._channel = channel
        # Without serializers bytes go in and out as they are.
        open_stream: Any = channel.stream_stream(f"/{SERVICE}/{METHOD}")
        self._call: Any = open_stream(metadata=grpc.aio.Metadata(*metadata))
        self.aborted: StatusError | None = None
        # Grpc's own methods, with nothing in between.
        self.send = self._call.write
        self.receive = self._call.read

    async def opened(self) -> None:
        """Done when gRPC has connected and sent our metadata."""
        await self._call.wait_for_connection()

    async def accepted(self) -> Pairs:
        """The acceptor's metadata; empty if the stream ends without any."""
        return pairs_from(await self._call.initial_metadata())

    def abort(self, error: StatusError, /) -> None:
        """Cancel the stream, which makes gRPC say to those who read it that they are cancelled."""
        self.aborted = error
        self._call.cancel()

    async def finish(self) -> None:
        """Half-close: say that no more frames will be sent."""
        await self._call.done_writing()

    async def close(self) -> None:
        """Cancel what is left of the stream and close its channel."""
        self._call.cancel()
        await self._channel.close()

    def error(self, raised: Exception, /) -> StatusError:
        """What went wrong, as a status that names the address."""
        return _status_of(raised, self._address)


class AcceptedGrpcTransport:
    """The acceptor's end of a stream over grpc.aio."""

    def __init__(self, context: Any) -> None:
        self._context = context
        # Grpc's own methods, with nothing in between.
        self.send = context.write
        self.receive = context.read

    def confirm(self, metadata: Pairs) -> Awaitable[None]:
        """Send our metadata, which confirm the extensions that we will use."""
        sent: Awaitable[None] = self._context.send_initial_metadata(grpc.aio.Metadata(*metadata))
        return sent

    def error(self, raised: Exception, /) -> StatusError:
        """What went wrong, as a status that names the peer."""
        return _status_of(raised, str(self._context.peer()))


def _status_of(raised: Exception, address: str) -> StatusError:
    if isinstance(raised, StatusError):
        return raised
    if not isinstance(raised, grpc.aio.AioRpcError):
        # A call that is over raises several things, all of which mean the same.
        return StreamDownError(f"the stream to {address} is down")
    code = raised.code()
    if raised.details() == _WRITE_FAILED:
        return StreamDownError(f"the stream to {address} broke")
    if code is grpc.StatusCode.UNAVAILABLE:
        return StreamDownError(f"{address}: {raised.details() or 'unavailable'}")
    if code in (grpc.StatusCode.CANCELLED, grpc.StatusCode.OK):
        return StreamDownError(f"the stream to {address} was ended: {raised.details() or code.name}")
    return StatusError(code, f"{address} ended the stream: {raised.details()}")
