"""Systems: a server together with its connections to its peers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self

import grpc

from pygorums.base.backoff import Backoff
from pygorums.base.errors import ConfigurationError, StoppedError
from pygorums.base.metadata import StreamMetadataLike
from pygorums.base.pickling import Local
from pygorums.nodes.address import numbered
from pygorums.nodes.configuration import Configuration, connect
from pygorums.serving.server import Server
from pygorums.serving.service import Service
from pygorums.streams.joined import Joined

__all__ = ["System", "local_systems"]


class System(Local):
    """One member of a cluster whose members all know each other: a server plus its outbound configuration.

    Once started it connects to all peers in the background and goes on trying, so the members of a cluster may
    start in any order, and one that comes back is found without anybody calling it. Its streams carry its node
    ID, which puts it into the `config` of its peers.

    As an asynchronous context manager it starts, and stops at the end.

    Args:
        address: ``host:port`` to listen on; port 0 lets the system choose.
        service: A service to register.
        node_id: The own ID, from 1.
        peers: All members of the cluster, the own node among them: a mapping from IDs to addresses, or addresses,
            whose IDs are 1, 2, … in the given order, which must be the same at all members.
        metadata: Sent to each peer when a stream to it is opened.
        credentials: TLS credentials of the server.
        channel_credentials: TLS credentials for the streams to peers.
        send_buffer: How many bytes may wait to be sent to one peer.
        backoff: How long to wait between attempts to reach a peer.
        channel_options: gRPC channel options for the streams to peers.
        server_options: Further keyword arguments of `Server`: ``interceptors``, ``on_connect``,
            ``on_config_change``, ``authorize``, ``options``.

    Raises:
        ConfigurationError: The own ID is not among the peers, the address is another peer's, or one of `Server`'s.
    """

    def __init__(
        self,
        address: str,
        service: Service | None = None,
        *,
        node_id: int,
        peers: Iterable[str] | Mapping[int, str],
        metadata: StreamMetadataLike = None,
        credentials: grpc.ServerCredentials | None = None,
        channel_credentials: grpc.ChannelCredentials | None = None,
        send_buffer: int = 64 << 20,
        backoff: Backoff = Backoff(),  # noqa: B008 - it is immutable
        channel_options: Sequence[tuple[str, Any]] = (),
        **server_options: Any,
    ) -> None:
        addresses = numbered(peers)
        if node_id not in addresses:
            raise ConfigurationError(f"node {node_id} is not among the peers: {addresses}")
        self._listen = address
        self._addresses = addresses
        self._connect_options: dict[str, Any] = {
            "metadata": metadata,
            "credentials": channel_credentials,
            "send_buffer": send_buffer,
            "backoff": backoff,
            "channel_options": channel_options,
        }
        self.server = Server(service, node_id=node_id, peers=addresses, credentials=credentials, **server_options)
        self.server.peers.check_own(address)
        self._outbound: Configuration | None = None
        self._stopped = False
        self._starting = Joined(self._start, "pygorums system start")
        self._ending = Joined(self._end, "pygorums system stop")
        self.at_exit: object = None

    @property
    def node_id(self) -> int:
        """The own ID."""
        return self.server.node_id

    @property
    def address(self) -> str | None:
        """``host:port`` that it listens on; None before it was started."""
        return self.server.address

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

    def config(self) -> Configuration:
        """`Server.config`: the peers that are connected to this system, and itself."""
        return self.server.config()

    def client_config(self) -> Configuration:
        """`Server.client_config`: the clients that serve calls made back to them."""
        return self.server.client_config()

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
        self._connect()
        return address

    def _connect(self) -> None:
        self._outbound = connect(self._addresses, server=self.server, **self._connect_options)

    def _connect_to(self, peers: Mapping[int, str]) -> None:
        """Connect to peers whose addresses were not known when this was made; the server listens already."""
        self._addresses = dict(peers)
        self.server.peers.rename(peers)
        self._connect()

    async def stop(self, grace: float | None = None) -> None:
        """Stop the server and close the connections to the peers. Those who wait get `StoppedError`.

        A caller who is cancelled only stops waiting, and one who calls again joins, as for `Server.stop`.

        Args:
            grace: As for `Server.stop`.
        """
        self._stopped = True
        self.server.refuse_new(grace)
        self.server.peers.wake()
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
        return await self._wait_for(self.config, condition, timeout, self._missing)

    async def wait_for_client_config(
        self, condition: Callable[[Configuration], bool], timeout: float | None = None
    ) -> Configuration:
        """As `wait_for_config`, for `client_config()`."""
        return await self._wait_for(self.client_config, condition, timeout, self._clients)

    async def _wait_for(
        self,
        config: Callable[[], Configuration],
        condition: Callable[[Configuration], bool],
        timeout: float | None,
        state: Callable[[], str],
    ) -> Configuration:
        try:
            async with asyncio.timeout(timeout):
                while not condition(current := config()):
                    if self._stopped:
                        raise StoppedError("the system has stopped")
                    await self.server.peers.changed()
                return current
        except TimeoutError:
            raise TimeoutError(f"after {timeout} s the condition does not hold; {state()}") from None

    def _missing(self) -> str:
        lines = "".join(
            f"\n  node {node_id} ({self._addresses[node_id]}) {self._direction(node_id)}"
            for node_id in sorted(self._addresses.keys() - set(self.config().node_ids))
        )
        return f"peers that have not connected to this system:{lines or ' none'}"

    def _direction(self, node_id: int) -> str:
        """Which of the two ways between us and a peer, that has no stream to us, there is."""
        if self._outbound is None:
            return "has not connected"
        node = next(node for node in self._outbound if node.id == node_id)
        if node.connected:
            return f"can be reached, but does not connect here: is this system node {self.node_id} in its list?"
        reason = str(node.last_error or "no answer yet").removeprefix(f"node {node_id}: ")
        return f"cannot be reached either: {reason}"

    def _clients(self) -> str:
        return f"clients that are connected: {len(self.client_config())}"

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()  # nobody else would
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()


def local_systems(
    n: int, make_service: Callable[[int], Service], **options: Any
) -> AbstractAsyncContextManager[list[System]]:
    """A cluster of `n` systems in this process on ports of 127.0.0.1 that are free, for tests and examples.

    As an asynchronous context manager it gives the systems, started, with the IDs 1 to `n`, and stops them at the
    end. They are still connecting then: see `System.wait_for_config`.

    Args:
        n: How many systems.
        make_service: Makes the service of the node with the given ID.
        options: Further keyword arguments for each `System`.

    Raises:
        ValueError: `n` is less than 1.
    """
    if n < 1:
        raise ValueError(f"a cluster needs at least one system, not {n}")
    return _local_systems(n, make_service, options)


@asynccontextmanager
async def _local_systems(
    n: int, make_service: Callable[[int], Service], options: dict[str, Any]
) -> AsyncIterator[list[System]]:
    # The ports are known once the servers listen; until then each peer needs an address of its own.
    addresses = {node_id: f"127.0.0.1:{node_id}" for node_id in range(1, n + 1)}
    systems = [
        System("127.0.0.1:0", make_service(node_id), node_id=node_id, peers=addresses, **options)
        for node_id in addresses
    ]
    try:
        started = {system.node_id: await system.server.start("127.0.0.1:0") for system in systems}
        for system in systems:
            system._connect_to(started)
        yield systems
    finally:
        await asyncio.gather(*(system.stop() for system in systems))
