"""Servers: where services are registered and streams arrive."""

from __future__ import annotations

import asyncio
import errno
import inspect
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self

import grpc
import grpc.aio

from pygorums.base.errors import ConfigurationError, StatusError
from pygorums.nodes.address import split_address
from pygorums.serving.context import StreamContext
from pygorums.serving.handlers import Handler, ServerInterceptor, handlers_of
from pygorums.serving.replies import ReplyWriter
from pygorums.serving.service import Service
from pygorums.serving.stream import ServerStream
from pygorums.serving.threads import HandlerThreads
from pygorums.streams.grpc_transport import METHOD, SERVICE, AcceptedGrpcTransport, text_pairs
from pygorums.streams.heartbeat import HEARTBEAT_KEY, Heartbeat, heartbeat_of
from pygorums.streams.options import StreamOptions
from pygorums.streams.transport import BATCH_KEY, STREAM_END_KEY, answer_to, offers
from pygorums.streams.writer import Writer

__all__ = ["Server"]

REPLY_BUFFER = 1 << 62
"""Replies are never dropped; a client that takes none is not read from any more, which bounds them."""

CANCEL_GRACE = 1.0
"""Seconds that cancelled handlers get to clean up when the server stops."""

_DEFAULT_OPTIONS: tuple[tuple[str, Any], ...] = (
    # Otherwise a second server on the same port would get half of the first one's connections.
    ("grpc.so_reuseport", 0),
    # Our clients watch their connections; gRPC would cut them off for that.
    ("grpc.http2.max_ping_strikes", 0),
    # A client that is frozen or cut off is noticed by gRPC's own pings, to which no client objects.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.ping_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
)

_log = logging.getLogger("pygorums.server")


class Server:
    """Serves the methods of one or more services.

    Requests on one stream, which is one client's connection, are handled in the order received; the next
    handler starts when the previous one has returned or called `ServerContext.release`. Streams are independent
    of each other, so handlers of different clients interleave at each ``await`` and plain handlers run side by
    side: state that they share needs a lock there.

    As an asynchronous context manager it stops at the end, at once.

    Args:
        service: A service to register; more can be with `register`.
        interceptors: Functions around all handlers, the first one outermost.
        on_connect: Called with a `StreamContext` for each new stream, before its first message. May be
            asynchronous; the stream waits for it. What it raises is logged.
        credentials: From `grpc.ssl_server_credentials` for TLS; None for plain text.
        options: gRPC server options as pairs of name and value. Set ``grpc.max_receive_message_length`` here,
            and ``grpc.max_send_message_length`` at the clients, for messages above 4 MiB.

    Raises:
        TypeError: `service` is no instance of a generated server class's subclass.
    """

    def __init__(
        self,
        service: Service | None = None,
        *,
        interceptors: Sequence[ServerInterceptor] = (),
        on_connect: Callable[[StreamContext], Awaitable[None] | None] | None = None,
        credentials: grpc.ServerCredentials | None = None,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        self._interceptors = tuple(interceptors)
        self._on_connect = on_connect
        self._credentials = credentials
        self._options = StreamOptions.of(options)
        self._threads = HandlerThreads()
        self._handlers: dict[str, Handler] = {}
        self._streams: set[ServerStream] = set()
        self._grpc_server: grpc.aio.Server | None = None
        self._address: str | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False
        self._stopped = asyncio.Event()
        if service is not None:
            self.register(service)

    def register(self, service: Service) -> None:
        """Serve the methods of a service, from now on. May be called while the server runs.

        Raises:
            TypeError: It is no instance of a subclass of a generated server class.
            ConfigurationError: One of its methods is served already.
        """
        handlers = handlers_of(service, self._interceptors, self._threads)
        taken = sorted(self._handlers.keys() & handlers.keys())
        if taken:
            raise ConfigurationError(f"{', '.join(taken)}: already registered with this server")
        self._handlers.update(handlers)

    @property
    def address(self) -> str | None:
        """``host:port`` that the server listens on; None before it was started."""
        return self._address

    @property
    def grpc_server(self) -> grpc.aio.Server:
        """The gRPC server below, made when first asked for; to add other gRPC services before `start`."""
        if self._grpc_server is None:
            options = {**dict(_DEFAULT_OPTIONS), **dict(self._options.grpc)}
            server = grpc.aio.server(options=list(options.items()))
            # Without serializers bytes go in and out as they are.
            handler: Any = grpc.stream_stream_rpc_method_handler(self._serve_stream)
            server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler})])
            self._grpc_server = server
        return self._grpc_server

    async def start(self, address: str) -> str:
        """Listen on ``host:port`` and serve. Port 0 lets the system choose.

        Returns:
            The address with the actual port.

        Raises:
            ConfigurationError: The address is malformed.
            OSError: It cannot be listened on; the text says why.
            RuntimeError: The server was started before.
        """
        host, port = split_address(address, any_port=True)
        if self._address is not None or self._stopping:
            raise RuntimeError("a server can be started once; make a new one to serve again")
        server = self.grpc_server
        try:
            if self._credentials is None:
                bound = server.add_insecure_port(address)
            else:
                bound = server.add_secure_port(address, self._credentials)
        except RuntimeError:
            raise _bind_error(address, host, port) from None
        self._address = f"{address.rpartition(':')[0]}:{bound}"
        await server.start()
        self._keeper = asyncio.create_task(self._stop_with_the_loop(), name=f"pygorums server {self._address}")
        return self._address

    async def _stop_with_the_loop(self) -> None:
        """End the gRPC server if the event loop ends, which cancels all tasks, before anybody has stopped it."""
        try:
            await self._stopped.wait()
        except asyncio.CancelledError:
            await self.grpc_server.stop(None)
            raise

    async def wait(self) -> None:
        """Wait until the server has stopped."""
        await self._stopped.wait()

    async def stop(self, grace: float | None = None) -> None:
        """Stop serving. New streams are refused at once, and clients see theirs end.

        Args:
            grace: Seconds that requests which were received already get to be handled and answered; handlers
                that are not done by then are cancelled. None or 0 cancels them now. Idle streams do not use it up.
        """
        if self._stopping:
            await self._stopped.wait()
            return
        self._stopping = True
        streams = list(self._streams)
        tasks = {task for stream in streams for task in stream.tasks}
        if grace:
            for stream in streams:
                stream.drain()
        if self._grpc_server is not None and self._address is not None:
            await self._grpc_server.stop(grace)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CANCEL_GRACE)
        self._threads.shut_down()
        self._stopped.set()
        if self._keeper is not None:
            await asyncio.wait({self._keeper})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    async def _serve_stream(self, _: Any, context: Any) -> None:
        offered = text_pairs(context.invocation_metadata())
        stream_context = StreamContext(self, offered, context.peer(), _identity(context.auth_context()))
        if self._stopping:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the server is stopping")
        transport = AcceptedGrpcTransport(context)
        confirmed = answer_to(offered, self._options.extensions)
        interval = heartbeat_of(offered)
        if interval is not None:
            confirmed = (*confirmed, (HEARTBEAT_KEY, str(round(interval * 1000))))
        if confirmed:
            await transport.confirm(confirmed)
        await self._tell_connected(stream_context)
        writer = Writer(0, REPLY_BUFFER)
        writer.batching = offers(confirmed, BATCH_KEY)
        replies = ReplyWriter(writer, self._options.max_message, mark_end=offers(confirmed, STREAM_END_KEY))
        stream = ServerStream(transport, stream_context, self._handlers, replies, batching=writer.batching)
        self._streams.add(stream)
        heartbeat = None if interval is None else Heartbeat(writer, interval)
        try:
            await stream.serve()
        except StatusError as error:
            await context.abort(error.code(), error.message)
        finally:
            self._streams.discard(stream)
            if heartbeat is not None:
                heartbeat.stop()

    async def _tell_connected(self, context: StreamContext) -> None:
        if self._on_connect is None:
            return
        try:
            result = self._on_connect(context)
            if inspect.isawaitable(result):
                await result
        except Exception:
            _log.exception("on_connect failed for the stream from %s", context.peer)


def _identity(auth_context: Mapping[str, list[bytes]]) -> Mapping[str, list[bytes]]:
    """What TLS says of a peer: nothing, if there is no TLS."""
    insecure = auth_context.get("transport_security_type") == [b"insecure"]
    return {} if insecure else auth_context


def _bind_error(address: str, host: str, port: int) -> OSError:
    """Why gRPC, which does not say, could not bind: try it, and see."""
    reason = "gRPC cannot bind it"
    number = errno.EADDRNOTAVAIL
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.bind(target)
    except OSError as error:
        number = error.errno or number
        reason = error.strerror or str(error)
    return OSError(number, f"cannot listen on {address}: {reason}")
