"""Servers: where services are registered and streams arrive."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

import grpc
import grpc.aio

from pygorums.base.errors import ConfigurationError
from pygorums.base.identity import MAX_NODE_ID
from pygorums.nodes.address import numbered, split_address
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.peers import Peers
from pygorums.serving.accepting import Acceptor, Claim
from pygorums.serving.context import StreamContext
from pygorums.serving.direct import DirectRequests
from pygorums.serving.failures import HandlerFailures
from pygorums.serving.handlers import Handler, ServerInterceptor, handlers_of
from pygorums.serving.replies import ReplyWriter
from pygorums.serving.service import Service
from pygorums.serving.threads import HandlerThreads
from pygorums.streams.channel import FrameSink, RequestHandling
from pygorums.streams.forked import use_grpc
from pygorums.streams.grpc_transport import METHOD, SERVICE
from pygorums.streams.options import StreamOptions
from pygorums.streams.transport import Pairs

__all__ = ["Server"]

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


class Server:
    """Serves the methods of one or more services.

    Requests on one stream, which is one client's connection, are handled in the order received; the next
    handler starts when the previous one has returned or called `ServerContext.release`. Streams are independent
    of each other, so handlers of different clients interleave at each ``await`` and plain handlers run side by
    side: state that they share needs a lock there.

    As an asynchronous context manager it stops at the end, at once.

    Args:
        service: A service to register; more can be with `register`.
        node_id: The server's own ID among its peers, from 1 to 2**32 - 1; 0 for none.
        peers: The known peers: addresses, which have the IDs 1, 2, …, or a mapping from IDs to addresses. All
            servers of a cluster must give the same IDs to the same nodes. Their addresses only serve to name them:
            who connects and claims such an ID is that peer.
        interceptors: Functions around all handlers, the first one outermost.
        on_connect: Called with a `StreamContext` for each new stream, before its first message. May be
            asynchronous; the stream waits for it. What it raises is logged.
        on_config_change: Called with the new `config` after each change of the known peers that are connected,
            and once now if the server has a node ID. It must not block. What it raises later is logged.
        authorize: Called with a `Claim` for each new stream, may be asynchronous, and refuses it by raising
            `StatusError`. Without it a node ID is only a claim.
        credentials: From `grpc.ssl_server_credentials` for TLS; None for plain text.
        hide_errors: Whether clients are told only the type of what a handler raises, and not its text; the log has
            both. What a `StatusError` says is always sent: it is meant for them.
        facade: What contexts show as the server instead of this (for `pygorums.sync`).
        options: gRPC server options as pairs of name and value. Set ``grpc.max_receive_message_length`` here,
            and ``grpc.max_send_message_length`` at the clients, for messages above 4 MiB.

    Raises:
        TypeError: `service` is no instance of a generated server class's subclass.
        ConfigurationError: `peers` or `node_id` cannot be.
    """

    def __init__(
        self,
        service: Service | None = None,
        *,
        node_id: int = 0,
        peers: Iterable[str] | Mapping[int, str] | None = None,
        interceptors: Sequence[ServerInterceptor] = (),
        on_connect: Callable[[StreamContext], Awaitable[None] | None] | None = None,
        on_config_change: Callable[[Configuration], object] | None = None,
        authorize: Callable[[Claim], Awaitable[None] | None] | None = None,
        credentials: grpc.ServerCredentials | None = None,
        hide_errors: bool = False,
        options: Sequence[tuple[str, Any]] = (),
        facade: Any = None,
    ) -> None:
        self.facade: Any = self if facade is None else facade
        self.at_exit: object = None
        self._interceptors = tuple(interceptors)
        self._credentials = credentials
        self._options = StreamOptions.of(options)
        self.failures = HandlerFailures(hide=hide_errors)
        self._threads = HandlerThreads()
        self._handlers: dict[str, Handler] = {}
        self._node_id = _checked_node_id(node_id)
        self._direct: set[DirectRequests] = set()
        self._peers = Peers(
            self,
            {} if peers is None else numbered(peers),
            max_message=self._options.max_message,
            on_config_change=on_config_change,
        )
        self._acceptor = Acceptor(self, self._handlers, self._peers, self._options, authorize, on_connect)
        self._grpc_server: grpc.aio.Server | None = None
        self._address: str | None = None
        self._starting: asyncio.Task[None] | None = None
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
    def node_id(self) -> int:
        """The server's own ID among its peers; 0 for none."""
        return self._node_id

    @property
    def peers(self) -> Peers:
        """Who is connected (for `System`)."""
        return self._peers

    def config(self) -> Configuration:
        """The known peers that are connected to this server, and the server itself, by ascending ID.

        A snapshot: it does not change. Calls to it travel back over the streams that the peers have opened, and
        to the own node within the process. From a handler, call `ServerContext.release` before waiting for them.
        Empty if the server has no node ID and no peer is connected.
        """
        return self._peers.config

    def client_config(self) -> Configuration:
        """The clients that serve calls made back to them, by ascending ID, which they get as they connect.

        These are clients that passed a `server` to `connect` which has no node ID.
        """
        return self._peers.client_config

    def introduction(self, node_id: int, address: str, /) -> Pairs:
        """What the streams to one node tell it of this server's peers (for the streams)."""
        return self._peers.introduction(node_id, address)

    def handle_requests(
        self, replies: FrameSink, *, metadata: Pairs, peer: str, peer_id: int | None, mark_end: bool
    ) -> RequestHandling:
        """Handle requests that come over a stream that we opened, or from the own process (for the streams)."""
        context = StreamContext(self, metadata, peer, peer_id, {})
        writer = ReplyWriter(replies, self._options.max_message, self.failures, mark_end=mark_end)
        handling = DirectRequests(context, self._handlers, writer, self._direct.discard)
        self._direct.add(handling)
        if self._stopping:
            handling.shut_down()
        return handling

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
            handler: Any = grpc.stream_stream_rpc_method_handler(self._acceptor.serve)
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
            RuntimeError: The server was started before, or stopped before or meanwhile, or this process was forked
                from one that used gRPC.
        """
        host, port = split_address(address, any_port=True)
        self._peers.check_own(address)
        if self._address is not None or self._stopping:
            raise RuntimeError("a server can be started once; make a new one to serve again")
        use_grpc()
        server = self.grpc_server
        try:
            if self._credentials is None:
                bound = server.add_insecure_port(address)
            else:
                bound = server.add_secure_port(address, self._credentials)
        except RuntimeError:
            raise _bind_error(address, host, port) from None
        self._address = f"{address.rpartition(':')[0]}:{bound}"
        self._starting = asyncio.create_task(server.start())
        await asyncio.shield(self._starting)
        if self._stopping:
            raise RuntimeError("the server was stopped while it started")
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
        self._stopping = self._acceptor.closed = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (grace or 0)
        streams = list(self._acceptor.streams)
        tasks = {task for stream in streams for task in stream.tasks}
        if grace:
            for stream in streams:
                stream.drain()
        if self._starting is not None:
            # gRPC crashes if it is stopped while it starts.
            await asyncio.wait({self._starting})
            await self.grpc_server.stop(grace)
        direct = list(self._direct)
        if grace and direct:
            # Only now: the handlers above may have called the own node.
            with suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await asyncio.gather(*(handling.drained() for handling in direct))
        for task in tasks:
            task.cancel()
        for handling in direct:
            tasks |= handling.tasks
            handling.shut_down()
        if tasks:
            await asyncio.wait(tasks, timeout=CANCEL_GRACE)
        await self._peers.close()
        self._threads.shut_down()
        self._stopped.set()
        if self._keeper is not None:
            await asyncio.wait({self._keeper})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()


def _checked_node_id(node_id: int) -> int:
    if not isinstance(node_id, int) or isinstance(node_id, bool) or not 0 <= node_id <= MAX_NODE_ID:
        raise ConfigurationError(f"invalid node ID {node_id!r}: IDs go from 1 to {MAX_NODE_ID}, 0 is for none")
    return node_id


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
