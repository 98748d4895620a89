"""Servers and systems of the blocking facade."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, Self, TypeVar, Unpack, cast

from pygorums.base.pickling import Local
from pygorums.nodes.configuration import Configuration as AsyncConfiguration
from pygorums.nodes.peers import NOT_ASYNCHRONOUS
from pygorums.serving.local_cluster import by_node, running_cluster
from pygorums.serving.server import Server as AsyncServer
from pygorums.serving.service import Service
from pygorums.serving.settings import CommonServerOptions, OutboundOptions, SystemOptions
from pygorums.serving.system import System as AsyncSystem
from pygorums.sync.configuration import Configuration
from pygorums.sync.loop_thread import LoopThread, loop_thread

__all__ = ["Server", "System", "local_systems"]

T = TypeVar("T")


class SyncServerOptions(CommonServerOptions, total=False):
    """The keyword arguments of `Server` that a `System` has too."""

    on_config_change: Callable[[Configuration], object] | None


class SyncSystemOptions(SyncServerOptions, OutboundOptions, total=False):
    """The keyword arguments of `System` that may differ between the nodes of `local_systems`."""


class Server(Local):
    """Serves the methods of one or more services: `pygorums.Server` for the blocking facade.

    The arguments are the same. Plain handlers run in threads and may make blocking calls, over `ctx.config()` for
    instance; their contexts give configurations of the facade. The callbacks run in the event loop's thread and must
    not block: `on_config_change` gets a configuration of the facade to hand on to a thread.
    """

    def __init__(
        self,
        service: Service | Sequence[Service] | None = None,
        *,
        address: str | None = None,
        node_id: int = 0,
        peers: Iterable[str] | Mapping[int, str] | None = None,
        **options: Unpack[SyncServerOptions],
    ) -> None:
        self._thread = loop_thread()
        self.system: System | None = None
        make = partial(AsyncServer, service, address=address, node_id=node_id, peers=peers, facade=self)
        self._server: AsyncServer = self._thread.call(make, **_callbacks(options, self._thread))
        self._thread.close_at_exit(self._server, AsyncServer.stop)

    @classmethod
    def _of(cls, server: AsyncServer, thread: LoopThread) -> Self:
        self = cls.__new__(cls)
        self._thread = thread
        self._server = server
        self.system = None
        server.facade = self
        return self

    @property
    def asynchronous(self) -> AsyncServer:
        """The server that the event loop's thread runs (for `connect`)."""
        return self._server

    @property
    def node_id(self) -> int:
        """The server's own ID among its peers; 0 for none."""
        return self._server.node_id

    @property
    def address(self) -> str:
        """``host:port`` that the server listens on; a RuntimeError before it was started."""
        return self._server.address

    @property
    def grpc_server(self) -> Any:
        """The gRPC server below, which belongs to the event loop's thread."""
        return self._thread.call(lambda: self._server.grpc_server)

    def register(self, service: Service) -> None:
        """Serve the methods of a service, from now on."""
        self._thread.call(self._server.register, service)

    def start(self, address: str | None = None) -> str:
        """Listen on ``host:port`` and serve, in the background; the address with the actual port."""
        return self._thread.run(self._server.start, address)

    def wait(self) -> None:
        """Wait until the server has stopped."""
        self._thread.run(self._server.wait)

    def stop(self, grace: float | None = None) -> None:
        """Stop serving, as `pygorums.Server.stop`."""
        self._thread.finish(self._server.stop, grace)

    def config(self) -> Configuration:
        """The known peers that are connected, and the server itself, as `pygorums.Server.config`."""
        return Configuration(self._server.config(), self._thread)

    def client_config(self) -> Configuration:
        """The clients that serve calls, as `pygorums.Server.client_config`."""
        return Configuration(self._server.client_config(), self._thread)

    def __enter__(self) -> Self:
        self._thread.run(_enter, self._server)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()


class System(Local):
    """A server with its connections to its peers: `pygorums.System` for the blocking facade, with its arguments."""

    def __init__(
        self,
        address: str,
        service: Service | Sequence[Service] | None = None,
        *,
        node_id: int,
        peers: Iterable[str] | Mapping[int, str],
        **options: Unpack[SyncSystemOptions],
    ) -> None:
        thread = loop_thread()
        make = partial(AsyncSystem, address, service, node_id=node_id, peers=peers)
        system: AsyncSystem = thread.call(make, **_callbacks(options, thread))
        self._set_up(system, thread)

    def _set_up(self, system: AsyncSystem, thread: LoopThread) -> None:
        self._thread = thread
        self._system = system
        system.facade = self
        self.server = Server._of(system.server, thread)
        self.server.system = self
        thread.close_at_exit(system, AsyncSystem.stop)

    @classmethod
    def _of(cls, system: AsyncSystem, thread: LoopThread) -> Self:
        self = cls.__new__(cls)
        self._set_up(system, thread)
        return self

    @property
    def node_id(self) -> int:
        """The own ID."""
        return self._system.node_id

    @property
    def address(self) -> str:
        """``host:port`` that it listens on; a RuntimeError before it was started."""
        return self._system.address

    @property
    def outbound(self) -> Configuration:
        """All peers, over streams that this system has opened."""
        return Configuration(self._system.outbound, self._thread)

    def config(self) -> Configuration:
        """The peers that are connected to this system, and itself."""
        return self.server.config()

    def client_config(self) -> Configuration:
        """The clients that serve calls made back to them."""
        return self.server.client_config()

    @property
    def asynchronous(self) -> AsyncSystem:
        """The system that the event loop's thread runs."""
        return self._system

    def register(self, service: Service) -> None:
        """Serve the methods of one more service, from now on, as `pygorums.System.register`."""
        self._thread.call(self._system.register, service)

    def start(self) -> str:
        """Listen and start to connect to all peers."""
        return self._thread.run(self._system.start)

    def wait(self) -> None:
        """Wait until the system has stopped."""
        self._thread.run(self._system.wait)

    def stop(self, grace: float | None = None) -> None:
        """Stop the server and close the connections to the peers."""
        self._thread.finish(self._system.stop, grace)

    def wait_for_config(
        self, condition: Callable[[Configuration], bool], timeout: float | None = None
    ) -> Configuration:
        """Wait until a condition holds for `config()`; it is called in the event loop's thread and must not block."""
        return self._wait(self._system.wait_for_config, condition, timeout)

    def wait_for_client_config(
        self, condition: Callable[[Configuration], bool], timeout: float | None = None
    ) -> Configuration:
        """As `wait_for_config`, for `client_config()`."""
        return self._wait(self._system.wait_for_client_config, condition, timeout)

    def _wait(self, wait: Any, condition: Callable[[Configuration], bool], timeout: float | None) -> Configuration:
        def holds(config: AsyncConfiguration) -> bool:
            return condition(Configuration(config, self._thread))

        return Configuration(self._thread.run(wait, holds, timeout), self._thread)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()  # nobody else would
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()


def local_systems(
    n: int,
    make_service: Callable[[int], Service | Sequence[Service]],
    *,
    settings: Callable[[int], SyncSystemOptions] | None = None,
    **options: Unpack[SyncSystemOptions],
) -> AbstractContextManager[list[System]]:
    """A cluster of `n` systems in this process, as `pygorums.local_systems`, as a plain context manager."""
    thread = loop_thread()
    own = {
        node_id: cast("SystemOptions", _callbacks(each, thread))
        for node_id, each in by_node(n, settings, options).items()
    }
    services = {node_id: make_service(node_id) for node_id in own}
    made = partial(System._of, thread=thread)
    return _local_systems(running_cluster(services.__getitem__, own, made), thread)


@contextmanager
def _local_systems(manager: AbstractAsyncContextManager[list[System]], thread: LoopThread) -> Iterator[list[System]]:
    systems = thread.run(lambda: _begin(manager))
    try:
        yield systems
    finally:
        thread.finish(lambda: _leave(manager))


async def _begin(manager: AbstractAsyncContextManager[T]) -> T:
    return await manager.__aenter__()


async def _leave(manager: AbstractAsyncContextManager[Any]) -> None:
    await manager.__aexit__(None, None, None)


async def _enter(server: AsyncServer) -> None:
    await server.__aenter__()


def _callbacks(options: Mapping[str, Any], thread: LoopThread) -> dict[str, Any]:
    """The options of a server, with its callbacks getting configurations of the facade."""
    notify: Callable[[Configuration], object] | None = options.get("on_config_change")
    if notify is None:
        return dict(options)
    if iscoroutinefunction(notify):
        raise TypeError(NOT_ASYNCHRONOUS)
    return {**options, "on_config_change": lambda config: notify(Configuration(config, thread))}
