"""Servers: where services are registered and streams arrive."""

from __future__ import annotations

import asyncio
import inspect
import random
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Self

import grpc
import grpc.aio

from pygorums.base.errors import ConfigurationError
from pygorums.base.observers import Observers
from pygorums.base.observing import Observer, checked_observers
from pygorums.base.plain import Plain
from pygorums.base.timeout import sending_timeout
from pygorums.nodes.address import check_address, checked_own_id, numbered
from pygorums.nodes.call_options import listed_interceptors
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.peers import NOT_ASYNCHRONOUS, Peers
from pygorums.serving.accepting import Acceptor
from pygorums.serving.context import Claim, StreamContext
from pygorums.serving.direct import DirectSources
from pygorums.serving.failures import HandlerFailures
from pygorums.serving.handlers import Handler, ServerInterceptor, handlers_of
from pygorums.serving.service import Service, services_of
from pygorums.serving.sessions import Sessions
from pygorums.serving.sources import Sources
from pygorums.serving.stopping import drained, end_handling
from pygorums.serving.surroundings import Surroundings
from pygorums.serving.telling import ONLY_GRPC, Telling
from pygorums.serving.threads import HandlerThreads
from pygorums.streams.options import StreamOptions
from pygorums.tasks.grace import Grace
from pygorums.tasks.joined import Joined
from pygorums.transports.choosing import TransportName, choose
from pygorums.transports.grpc.listener import GrpcListener
from pygorums.transports.listener import Listener
from pygorums.transports.making import make_listener

__all__ = ["Server"]


class Server(Telling):
    """Serves the methods of one or more services.

    Requests on one stream, which is one client's connection, are handled in the order received; the next
    handler starts when the previous one has returned or called `ServerContext.release`. Streams are independent
    of each other, so handlers of different clients interleave at each ``await`` and plain handlers run side by
    side: state that they share needs a lock there.

    As an asynchronous context manager it starts, if it was given an address, and stops at the end, at once.

    Args:
        service: A service to register, or several; more can be with `register`.
        address: ``host:port`` to listen on, for `start` and ``async with`` that are not told; port 0 lets the system
            choose.
        node_id: The server's own ID among its peers, from 1 to 2**32 - 1; 0 for none.
        peers: The known peers: addresses, which have the IDs 1, 2, …, or a mapping from IDs to addresses. All
            servers of a cluster must give the same IDs to the same nodes. Their addresses only serve to name them:
            whoever connects and claims such an ID is that peer.
        interceptors: Functions around all handlers, the first one outermost.
        observers: Who is told of each request that is handled, and of each call to `config()` and `client_config()`, as
            `pygorums.telemetry.Instrumentation.server`.
        on_connect: Called with a `StreamContext` for each new client, before its first message, and not again when its
            session goes on over another stream. May be asynchronous; the stream waits for it. What it raises is logged.
        on_config_change: A plain function, called with the new `config` after each change of the known peers that are
            connected, and once when the server starts if it has a node ID. It must not block. What it raises is logged.
        authorize: Called with a `Claim` for each new stream, those of known sessions too, may be asynchronous, and
            refuses it by raising `StatusError`. Without it a node ID is only a claim.
        credentials: For TLS, an `ssl.SSLContext`, or what `grpc.ssl_server_credentials` makes; None for plain text.
        cancel_abandoned: Whether handlers are cancelled whose callers do not wait any more, because they have cancelled
            the call or its time is up, and whether requests of which that is known are left out when it is their turn.
            One-way messages always are handled.
        hide_errors: Whether clients are told only the type of what a handler raises, and not its text; the log has
            both. What a `StatusError` says is always sent: it is meant for them.
        introspection: Whether to serve ``pygorums.Introspection``, which tells `stats` to everybody who may connect,
            as to ``python -m pygorums.top``.
        plain: Whether the services are also served to plain gRPC clients, with health and reflection, or a `Plain`
            that says with which of them. Only the grpc transport can do that.
        ready: Called with `config`: whether this server can be used by now, for `health`. A plain function.
        transport: What carries the streams, as for `connect`.
        session_limit: How many sessions (`Session`) are kept whose clients have no connection; the oldest go first. 0
            for no sessions at all.
        session_keep: Seconds for which one is kept without a connection. Then its handlers are cancelled.
        session_linger: Seconds for which a client whose connection broke can still be called back: it is in the
            configurations, and calls to it wait for it to come back.
        facade: What contexts show as the server instead of this (for `pygorums.sync`).
        options: gRPC server options as pairs of name and value. Set ``grpc.max_receive_message_length`` here,
            and ``grpc.max_send_message_length`` at the clients, for messages above 4 MiB.

    Raises:
        TypeError: `service` is no instance of a generated server class's subclass; `on_config_change` is asynchronous.
        ConfigurationError: `peers`, `node_id`, `address` or a number cannot be; two services have a method in common.

    Attributes:
        system: The `System` that it is the server of, as the application made it, or None.
        observers: Who observes it (for the telemetry).
        handle_requests: Handles requests that come over a stream that we opened, or from the own process (for the
            streams).
    """

    def __init__(
        self,
        service: Service | Sequence[Service] | None = None,
        *,
        address: str | None = None,
        node_id: int = 0,
        peers: Iterable[str] | Mapping[int, str] | None = None,
        interceptors: Sequence[ServerInterceptor] = (),
        observers: Sequence[Observer] = (),
        on_connect: Callable[[StreamContext], Awaitable[None] | None] | None = None,
        on_config_change: Callable[[Configuration], object] | None = None,
        authorize: Callable[[Claim], Awaitable[None] | None] | None = None,
        credentials: ssl.SSLContext | grpc.ServerCredentials | None = None,
        transport: TransportName | None = None,
        hide_errors: bool = False,
        cancel_abandoned: bool = False,
        introspection: bool = False,
        plain: bool | Plain = False,
        ready: Callable[[Configuration], bool] | None = None,
        session_limit: int = 1000,
        session_keep: float = 30.0,
        session_linger: float = 1.0,
        options: Sequence[tuple[str, Any]] = (),
        facade: Any = None,
    ) -> None:
        if address is not None:
            check_address(address, any_port=True)
        if inspect.iscoroutinefunction(on_config_change):
            raise TypeError(NOT_ASYNCHRONOUS)
        self.facade: Any = self if facade is None else facade
        self.system: Any = None
        self._only_grpc = ONLY_GRPC if plain else ""
        if plain:
            choose(transport, credentials, {}, only_grpc=ONLY_GRPC)
        self._listen = address
        self._interceptors = listed_interceptors(interceptors)
        self._credentials = credentials
        self._transport = transport
        self._options = StreamOptions.of(options)
        self.observers = Observers(checked_observers(observers, "request", "call"))
        self.failures = HandlerFailures(hide=hide_errors, observers=self.observers)
        self._threads = HandlerThreads()
        self._handlers: dict[str, Handler] = {}
        self.surroundings = Surroundings()
        self._sources = Sources(
            self, self._handlers, self._options, self.surroundings, cancel_abandoned=cancel_abandoned
        )
        self._peers = Peers(
            self,
            checked_own_id(node_id),
            {} if peers is None else numbered(peers),
            max_message=self._options.max_message,
            on_config_change=None if on_config_change is None else partial(self.surroundings.call, on_config_change),
            observers=self.observers,
        )
        self._direct = DirectSources(self._sources, self._peers)
        self.handle_requests = self._direct.handle_requests
        if address is not None:
            self._peers.members.check_own(address)
        self._sessions = Sessions(session_limit, session_keep, session_linger, random.SystemRandom())
        self._acceptor = Acceptor(
            self._sources, self._peers, self._options, authorize, on_connect, self.surroundings, self._sessions
        )
        self._address: str | None = None
        self._asked: str | None = None  # the address that it was told to listen on
        self._starting = Joined(self._start, "pygorums server start")
        self.ended = Joined(self._end, "pygorums server stop")
        self._grace: Grace | None = None  # once it stops
        self._stopped = asyncio.Event()
        self._begin_telling(plain, ready)
        for each in (*services_of(service), *(self._introspection() if introspection else ())):
            self.register(each)

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
    def was_stopped(self) -> bool:
        """Whether it was told to stop, be it before it was started."""
        return self._grace is not None

    @property
    def grpc_server(self) -> grpc.aio.Server:
        """The gRPC server below, made when first asked for; to add other gRPC services before `start`.

        Raises:
            ConfigurationError: The server has been told to use the asyncio transport, or does already.
        """
        choose(self._transport, self._credentials, {}, only_grpc="a server of gRPC with other services")
        if "_listening" not in self.__dict__:
            self._listening = self._serving(GrpcListener(self._options.grpc))
        if not isinstance(self._listening, GrpcListener):
            raise ConfigurationError("the server listens with the asyncio transport: ask for grpc_server before start")
        return self._listening.server

    @cached_property
    def _listening(self) -> Listener:
        return self._serving(
            make_listener(self._transport, self._credentials, dict(self._options.grpc), self._only_grpc)
        )

    def _serving(self, listening: Listener) -> Listener:
        listening.serve_with(self._acceptor.accept, self.stop)
        if self._plain is not None:
            self._plain.serve_at(listening)
        return listening

    def adopt(self, listening: Listener, address: str) -> None:
        """Serve with what listens already (for `local_systems`)."""
        self._listening = self._serving(listening)
        self._address = self._asked = self._listen = address

    async def start(self, address: str | None = None) -> str:
        """Listen on ``host:port`` and serve. Port 0 lets the system choose. By default on the address given before.

        If the caller is cancelled before it is done, it is done all the same; `stop` ends it.

        Returns:
            The address with the actual port.

        Raises:
            TypeError: There is no address.
            ConfigurationError: The address is malformed, or the TLS credentials cannot be used.
            OSError: It cannot be listened on, or another program has the port on one of the addresses that a name or a
                wildcard stands for; the text says which and why.
            RuntimeError: The server was started before, or stopped before or meanwhile, or this process was forked
                from one that used gRPC.
        """
        address = self._listen if address is None else address
        if address is None:
            raise TypeError("where to listen? Give start an address, or give one to the server when it is made")
        check_address(address, any_port=True)
        self._peers.members.check_own(address)
        if self._grace is not None or (self._asked is not None and (self._asked != address or self._starting.told)):
            raise RuntimeError("a server can be started once; make a new one to serve again")
        if self._asked is None:
            self._address = self._listening.bind(address, self._credentials)
            self._asked = address
        return await self._starting()

    async def _start(self) -> str:
        self._peers.begin()
        await self._listening.start()
        if self._address is None or self._grace is not None:
            raise RuntimeError("the server was stopped while it started")
        return self._address

    async def wait(self) -> None:
        """Wait until the server has stopped.

        Raises:
            RuntimeError: It was not started, nor stopped.
        """
        if not self.was_started and self._grace is None:
            raise RuntimeError("the server is not started, so there is nothing to wait for: await its start before")
        await self._stopped.wait()

    async def drain(self, timeout: float | None = None) -> None:
        """Take no more calls, and wait until all that were made are answered. For good: what comes next is `stop`.

        Clients are told, and to them this node is down from then on: further calls to it fail at once with
        `StreamDownError`, and were certainly not handled. Calls that they have made by then are handled and answered,
        one-way messages too; then their streams end, and new ones are refused. Clients of other implementations are
        not told: they see their streams end when what has been received is answered.

        Who stops waiting changes nothing of that. Calls that end only with their caller, as of a handler that streams
        for ever, are waited for as long.

        Args:
            timeout: Seconds to wait at most; None waits as long as it takes.

        Raises:
            TimeoutError: Handlers still run. The text says for how many clients.
        """
        self._health.changed()
        besides = (self._plain_calls, self._direct.handling, self._sessions.away)
        await drained(self._acceptor, besides, sending_timeout(timeout))

    async def stop(self, grace: float | None = None) -> None:
        """Stop serving. New streams are refused at once, and clients see theirs end.

        A caller who is cancelled only stops waiting: the server is stopped all the same. To call it again waits for
        the same end, and may bring it forward: the shortest grace counts, from the moment it was given.

        Args:
            grace: Seconds that requests get to be handled and answered which clients have sent before they are told of
                the stop, as by `drain`; handlers that are not done by then are cancelled. None or 0 cancels them now;
                `math.inf` is no limit. Idle streams do not use it up, nor do watches of gRPC's health service.

        Raises:
            TypeError, ValueError: `grace` is no number of seconds.
        """
        self.refuse_new(grace)
        await self.ended()

    def refuse_new(self, grace: float | None) -> None:
        """Begin to stop: refuse new streams, and allow so many seconds to stop at the most (for `System`)."""
        sending_timeout(grace, "grace")
        if self._grace is None:
            self._grace = Grace()
            self._acceptor.close()
            self._direct.closed = True
            self._health.changed()
        if not self.ended.done:
            self._grace.cut(grace)

    async def _end(self) -> None:
        assert self._grace is not None
        listening = None if self._asked is None else self._listening
        besides = (self._plain_calls, self._direct.handling, self._sessions.away)
        await end_handling(self._grace, self._acceptor.streams, besides, listening)
        self._sessions.stop()
        await self._peers.close()
        self._sources.stop()
        self._threads.shut_down()
        self._stopped.set()

    async def __aenter__(self) -> Self:
        if self._listen is not None and not self._starting.told:
            try:
                await self.start()
            except BaseException:
                await self.stop()  # nobody else would
                raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()
