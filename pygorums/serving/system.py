"""Systems: a server together with its connections to its peers."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, Unpack

import grpc

from pygorums.base.backoff import Backoff
from pygorums.base.errors import ConfigurationError, StoppedError
from pygorums.base.metadata import StreamMetadataLike
from pygorums.base.pickling import Local
from pygorums.base.session import DEFAULT_SESSION, Session, checked_session
from pygorums.nodes.address import numbered
from pygorums.nodes.changes import Changes
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.connecting import connect
from pygorums.nodes.node import Node
from pygorums.nodes.outbound_pool import OutboundPool
from pygorums.serving.absent import await_condition, clients, missing
from pygorums.serving.server import Server
from pygorums.serving.service import Service, services_of, tell_started
from pygorums.serving.settings import ServerOptions
from pygorums.tasks.joined import Joined

if TYPE_CHECKING:
    from pygorums.serving.stats import ServerStats  # at run time only for who asks

__all__ = ["System"]

_log = logging.getLogger("pygorums.server")


class System(Local):
    """One member of a cluster whose members all know each other: a server plus its outbound configuration.

    Once started it connects to all peers in the background and goes on trying, so the members of a cluster may
    start in any order, and one that comes back is found without anybody calling it. Its streams carry its node
    ID, which puts it into the `config` of its peers.

    As an asynchronous context manager it starts, and stops at the end.

    Args:
        address: ``host:port`` to listen on; port 0 lets the system choose.
        service: A service to register, or several; more can be with `register`.
        node_id: The own ID, from 1.
        peers: All members of the cluster, the own node among them: a mapping from IDs to addresses, or addresses,
            whose IDs are 1, 2, … in the given order, which must be the same at all members.
        metadata: Sent to each peer when a stream to it is opened.
        channel_credentials: TLS credentials for the streams to peers.
        send_buffer: How many bytes may wait to be sent to one peer.
        backoff: How long to wait between attempts to reach a peer.
        session: How sessions with the peers are kept, as by `connect`; None for no sessions.
        suspect_after: From which level on a silent peer is suspected, as for `connect`.
        channel_options: gRPC channel options for the streams to peers.
        server_options: Further keyword arguments of `Server`: ``credentials``, ``interceptors``, ``observers``, which
            observe calls to peers too, ``on_connect``, ``on_config_change``, ``authorize``, ``hide_errors``,
            ``cancel_abandoned``, ``introspection``, ``plain``, ``ready``, ``options``; and ``transport``, which is
            that of the streams to peers too.

    Attributes:
        server: The `Server` below, with all that is not about peers: `Server.grpc_server`, for instance.

    Raises:
        ConfigurationError: The own ID is not among the peers, the address is another peer's, or one of `Server`'s.
    """

    def __init__(
        self,
        address: str,
        service: Service | Sequence[Service] | None = None,
        *,
        node_id: int,
        peers: Iterable[str] | Mapping[int, str],
        metadata: StreamMetadataLike = None,
        channel_credentials: ssl.SSLContext | grpc.ChannelCredentials | None = None,
        send_buffer: int = 64 << 20,
        backoff: Backoff = Backoff(),  # noqa: B008 - it is immutable
        session: Session | None = DEFAULT_SESSION,
        suspect_after: float | None = None,
        channel_options: Sequence[tuple[str, Any]] = (),
        **server_options: Unpack[ServerOptions],
    ) -> None:
        _check_among(node_id, addresses := numbered(peers))
        self._listen = address
        self._connect_options: dict[str, Any] = {
            "metadata": metadata,
            "credentials": channel_credentials,
            "transport": server_options.get("transport"),
            "send_buffer": send_buffer,
            "backoff": backoff,
            "session": checked_session(session),
            "suspect_after": suspect_after,
            "channel_options": channel_options,
        }
        self.facade: Any = self
        self._services = list(services_of(service))
        self.server = Server(self._services, node_id=node_id, peers=addresses, **server_options)
        self.server.system = self
        self.server.peers.members.check_own(address)
        self._outbound: Configuration | None = None
        self._stopped = False
        self._telling: asyncio.Task[None] | None = None  # the services that it has started
        self._starting = Joined(self._start, "pygorums system start")
        self._ending = Joined(self._end, "pygorums system stop")

    @property
    def node_id(self) -> int:
        """The own ID."""
        return self.server.node_id

    @property
    def address(self) -> str:
        """``host:port`` that it listens on, with the actual port.

        Raises:
            RuntimeError: It was not started.
        """
        return self.server.address

    @property
    def was_started(self) -> bool:
        """Whether it was told to start. It may have been stopped since."""
        return self._starting.begun

    @property
    def was_stopped(self) -> bool:
        """Whether it was told to stop, be it before it was started."""
        return self._stopped

    def register(self, service: Service) -> None:
        """Serve the methods of one more service, from now on, as `Server.register`.

        If it has a method ``started``, that is called when the system has started, or soon if it has.
        """
        self.server.register(service)
        self._services.append(service)
        if self._outbound is not None:
            self._outbound.pool.keep(asyncio.get_running_loop().create_task(self._tell_late(service)))

    @property
    def outbound(self) -> Configuration:
        """All peers, whether they are connected or not, over streams that this system has opened.

        The own node is among them, and called within the process.

        Raises:
            RuntimeError: The system was not started.
        """
        if self._outbound is None:
            raise RuntimeError("the system is not started")
        return self._outbound

    @property
    def epoch(self) -> int:
        """`Server.epoch`: the number of the last change of the members; 0 before the first."""
        return self.server.epoch

    async def reconfigure(self, peers: Iterable[str] | Mapping[int, str], *, epoch: int | None = None) -> Configuration:
        """Have other peers from now on: new ones are connected to at once, and those that stay notice nothing.

        `outbound` is another configuration then, over the same connections. In those of before, calls to nodes that
        were removed fail with `NodeClosedError`, also those that are pending. What was just sent to these gets a second
        to arrive, for which this waits. `Server.reconfigure` says what becomes of their streams. Also before the start.

        Args:
            peers: All members from now on, the own node among them, as for the system itself. To leave, stop.
            epoch: As for `Server.reconfigure`.

        Returns:
            `outbound`, or `config` before the start.

        Raises:
            ConfigurationError: The epoch is over, or that of other members; the own node is not among them, or there
                cannot be such peers. Nothing has changed then.
            StoppedError: The system has stopped.
        """
        if self._stopped:
            raise StoppedError("the system has stopped")
        _check_among(self.node_id, addresses := numbered(peers))
        outbound = self._outbound
        pool = None if outbound is None else outbound.pool
        if outbound is None or not isinstance(pool, OutboundPool):
            self.server.replace_peers(addresses, epoch)
            return self.config()
        pool.check_free(addresses, outbound)
        self.server.replace_peers(addresses, epoch)
        nodes, leaving = pool.replaced(outbound, addresses, self.node_id, f"the members, at epoch {self.epoch}")
        self._outbound = Configuration(nodes, pool)
        for each in leaving:
            await each()
        return self._outbound

    def changes(self) -> Changes[Node]:
        """`Configuration.changes` of `outbound`: what happens to the peers, as this system can reach them.

        Who is connected to this system tells `Server.changes`, as ``system.server.changes()``.

        Raises:
            RuntimeError: The system was not started.
        """
        return self.outbound.changes()

    def config(self) -> Configuration:
        """`Server.config`: the peers that are connected to this system, and itself."""
        return self.server.config()

    def client_config(self) -> Configuration:
        """`Server.client_config`: the clients that serve calls made back to them."""
        return self.server.client_config()

    def stats(self) -> ServerStats:
        """`Server.stats`. Its calls are those over `outbound` too, whose nodes `outbound.stats()` has."""
        return self.server.stats()

    async def start(self) -> str:
        """Listen and start to connect to all peers. Does not wait for them: see `wait_for_config`.

        If the caller is cancelled before it is done, it is done all the same; `stop` ends it.

        Returns:
            The address with the actual port.

        Raises:
            OSError: The address cannot be listened on.
            RuntimeError: It was started before, or stopped before or meanwhile.
        """
        if self._starting.told:
            raise RuntimeError("a system can be started once; make a new one to serve again")
        return await self._starting()

    async def _start(self) -> str:
        address = await self.server.start(self._listen)
        if self._stopped:
            raise RuntimeError("the system was stopped while it started")
        self._outbound = connect(self.server.peers.members.addresses, server=self.server, **self._connect_options)
        self._outbound.pool.observers = self.server.observers
        self._telling = asyncio.get_running_loop().create_task(self._tell_services(), name="pygorums system started")
        try:
            await self._telling
        except BaseException as error:
            if self._stopped:
                raise RuntimeError("the system was stopped while it started") from error
            # Not by a task of its own, which would wait for this one.
            self._stopped = True
            self.server.refuse_new(0)
            await self.server.ended()
            await self._outbound.close()
            raise
        return address

    async def _tell_services(self) -> None:
        for service in self._services:
            await tell_started(service, self.facade, self.server.surroundings)

    async def _tell_late(self, service: Service) -> None:
        try:
            await tell_started(service, self.facade, self.server.surroundings)
        except Exception:
            _log.exception("%s.started failed", type(service).__name__)

    async def wait(self) -> None:
        """Wait until the system has stopped.

        Raises:
            RuntimeError: It was not started, nor stopped.
        """
        if not self.was_started and not self._stopped:
            raise RuntimeError("the system is not started, so there is nothing to wait for: await its start before")
        await self._starting.over()
        await self.server.wait()
        await self._ending.over()

    def check_address(self, address: str | None) -> None:
        """Refuse to listen elsewhere than it was made for (for `run`)."""
        if address is not None and address != self._listen:
            raise ConfigurationError(f"this system was made to listen on {self._listen}, so it cannot on {address}")

    async def drain(self, timeout: float | None = None) -> None:
        """Take no more calls of peers and clients, and wait until all are answered, as `Server.drain`; then `stop`."""
        await self.server.drain(timeout)

    async def stop(self, grace: float | None = None) -> None:
        """Stop the server and close the connections to the peers. Those who wait get `StoppedError`.

        A caller who is cancelled only stops waiting, and one who calls again joins, as for `Server.stop`.

        Args:
            grace: As for `Server.stop`.
        """
        self._stopped = True
        self.server.refuse_new(grace)
        self.server.peers.wake()
        if self._telling is not None:
            self._telling.cancel()  # it would wait for what does not come any more
        await self._ending()

    async def _end(self) -> None:
        await self._starting.over()
        await self.server.ended()
        if self._outbound is not None:
            await self._outbound.close()

    async def wait_for_config(
        self, condition: Callable[[Configuration], bool], timeout: float | None = None
    ) -> Configuration:
        """Wait until a condition holds for `config()`, and return that. At once, if it does already.

        Args:
            condition: For instance ``lambda config: len(config) == 3``.
            timeout: Seconds, or None for no limit.

        Raises:
            TimeoutError: The time was up.
            StoppedError: The system was stopped before.
        """
        return await await_condition(
            self.config, condition, timeout, self._change, lambda: missing(self.server, self._outbound)
        )

    async def wait_for_client_config(
        self, condition: Callable[[Configuration], bool], timeout: float | None = None
    ) -> Configuration:
        """As `wait_for_config`, for `client_config()`."""
        return await await_condition(self.client_config, condition, timeout, self._change, lambda: clients(self.server))

    async def _change(self) -> None:
        if self._stopped:
            raise StoppedError("the system has stopped")
        await self.server.peers.changed()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()  # nobody else would
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()


def _check_among(node_id: int, addresses: Mapping[int, str]) -> None:
    if node_id not in addresses:
        raise ConfigurationError(f"node {node_id} is not among the peers: {dict(addresses)}")
