"""Servers and systems of the blocking facade."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, Unpack, cast

from pygorums.base.pickling import Local
from pygorums.nodes.configuration import Configuration as AsyncConfiguration
from pygorums.nodes.peers import NOT_ASYNCHRONOUS
from pygorums.serving.health import Health
from pygorums.serving.local_cluster import by_node, running_cluster
from pygorums.serving.server import Server as AsyncServer
from pygorums.serving.service import Service
from pygorums.serving.settings import CommonServerOptions, OutboundOptions, SystemOptions
from pygorums.serving.system import System as AsyncSystem
from pygorums.sync.changes import Changes
from pygorums.sync.configuration import Configuration, Node
from pygorums.sync.loop_thread import LoopThread, loop_thread

if TYPE_CHECKING:
    from pygorums.serving.stats import ServerStats  # at run time only for who asks

__all__ = ["Server", "System", "local_systems"]

A = TypeVar("A", bound=AsyncServer | AsyncSystem)


class SyncServerOptions(CommonServerOptions, total=False):
    """The keyword arguments of `Server` that a `System` has too."""

    on_config_change: Callable[[Configuration], object] | None
    ready: Callable[[Configuration], bool] | None


class SyncSystemOptions(SyncServerOptions, OutboundOptions, total=False):
    """The keyword arguments of `System` that may differ between the nodes of `local_systems`."""


class _Serving(Local, Generic[A]):
    """What servers and systems have in common.

    Attributes:
        asynchronous: The server or system that the event loop's thread runs.
    """

    def __init__(self, asynchronous: A, thread: LoopThread) -> None:
        self.asynchronous = asynchronous
        self._thread = thread

    @property
    def node_id(self) -> int:
        """The own ID among the peers; 0 for none."""
        return self.asynchronous.node_id

    @property
    def address(self) -> str:
        """``host:port`` that it listens on; a RuntimeError before it was started."""
        return self.asynchronous.address

    @property
    def epoch(self) -> int:
        """The number of the last change of the peers; 0 before the first."""
        return self.asynchronous.epoch

    def register(self, service: Service) -> None:
        """Serve the methods of one more service, from now on."""
        self._thread.call(self.asynchronous.register, service)

    def wait(self) -> None:
        """Wait until it has stopped."""
        self._thread.run(self.asynchronous.wait)

    def drain(self, timeout: float | None = None) -> None:
        """Take no more calls, and wait until all that were made are answered, as `pygorums.Server.drain`."""
        self._thread.run(self.asynchronous.drain, timeout)

    def stop(self, grace: float | None = None) -> None:
        """Stop serving, as the `stop` of the same class of `pygorums`; a system closes its connections to peers too."""
        self._thread.finish(self.asynchronous.stop, grace)

    def config(self) -> Configuration:
        """The known peers that are connected, and the server itself, as `pygorums.Server.config`."""
        return Configuration(self.asynchronous.config(), self._thread)

    def changes(self) -> Changes[Node]:
        """What happens to the peers, as the `changes` of the same class of `pygorums`, as an iterator."""
        return Changes(self.asynchronous.changes, self._thread, Node)

    def client_config(self) -> Configuration:
        """The clients that serve calls, as `pygorums.Server.client_config`."""
        return Configuration(self.asynchronous.client_config(), self._thread)

    def stats(self) -> ServerStats:
        """It in figures, as `pygorums.Server.stats`."""
        return self.asynchronous.stats()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()


class Server(_Serving[AsyncServer]):
    """Serves the methods of one or more services: `pygorums.Server` for the blocking facade.

    The arguments are the same. Plain handlers run in threads and may make blocking calls, over `ctx.config()` for
    instance; their contexts give configurations of the facade. The callbacks run in the event loop's thread and must
    not block: `on_config_change` gets a configuration of the facade to hand on to a thread.
    """

    system: System | None = None

    def __init__(
        self,
        service: Service | Sequence[Service] | None = None,
        *,
        address: str | None = None,
        node_id: int = 0,
        peers: Iterable[str] | Mapping[int, str] | None = None,
        **options: Unpack[SyncServerOptions],
    ) -> None:
        thread = loop_thread()
        make = partial(AsyncServer, service, address=address, node_id=node_id, peers=peers, facade=self)
        super().__init__(thread.call(make, **_callbacks(options, thread)), thread)
        thread.close_at_exit(self.asynchronous, AsyncServer.stop)

    @classmethod
    def _of(cls, system: System, server: AsyncServer, thread: LoopThread) -> Self:
        self = cls.__new__(cls)
        _Serving.__init__(self, server, thread)
        self.system = system
        server.facade = self
        return self

    @property
    def health(self) -> Health:
        """Whether its services can be used, as `pygorums.Server.health`."""
        return self.asynchronous.health

    @property
    def grpc_server(self) -> Any:
        """The gRPC server below, which belongs to the event loop's thread."""
        return self._thread.call(lambda: self.asynchronous.grpc_server)

    def reconfigure(self, peers: Iterable[str] | Mapping[int, str], *, epoch: int | None = None) -> None:
        """Know other peers from now on, as `pygorums.Server.reconfigure`."""
        self._thread.run(partial(self.asynchronous.reconfigure, peers, epoch=epoch))

    def start(self, address: str | None = None) -> str:
        """Listen on ``host:port`` and serve, in the background; the address with the actual port."""
        return self._thread.run(self.asynchronous.start, address)

    def __enter__(self) -> Self:
        self._thread.run(self.asynchronous.__aenter__)
        return self


class System(_Serving[AsyncSystem]):
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
        self._set_up(thread.call(make, **_callbacks(options, thread)), thread)

    def _set_up(self, system: AsyncSystem, thread: LoopThread) -> None:
        super().__init__(system, thread)
        system.facade = self
        self.server = Server._of(self, system.server, thread)
        thread.close_at_exit(system, AsyncSystem.stop)

    @classmethod
    def _of(cls, system: AsyncSystem, thread: LoopThread) -> Self:
        self = cls.__new__(cls)
        self._set_up(system, thread)
        return self

    @property
    def outbound(self) -> Configuration:
        """All peers, over streams that this system has opened."""
        return Configuration(self.asynchronous.outbound, self._thread)

    def reconfigure(self, peers: Iterable[str] | Mapping[int, str], *, epoch: int | None = None) -> Configuration:
        """Have other peers from now on, as `pygorums.System.reconfigure`."""
        config = self._thread.run(partial(self.asynchronous.reconfigure, peers, epoch=epoch))
        return Configuration(config, self._thread)

    def start(self) -> str:
        """Listen and start to connect to all peers."""
        return self._thread.run(self.asynchronous.start)

    def wait_for_config(
        self, condition: Callable[[Configuration], bool], timeout: float | None = None
    ) -> Configuration:
        """Wait until a condition holds for `config()`; it is called in the event loop's thread and must not block."""
        return self._wait(self.asynchronous.wait_for_config, condition, timeout)

    def wait_for_client_config(
        self, condition: Callable[[Configuration], bool], timeout: float | None = None
    ) -> Configuration:
        """As `wait_for_config`, for `client_config()`."""
        return self._wait(self.asynchronous.wait_for_client_config, condition, timeout)

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
    systems = thread.run(manager.__aenter__)
    try:
        yield systems
    finally:
        thread.finish(manager.__aexit__, None, None, None)


def _callbacks(options: Mapping[str, Any], thread: LoopThread) -> dict[str, Any]:
    """The options of a server, with its callbacks getting configurations of the facade."""
    notify: Callable[[Configuration], object] | None = options.get("on_config_change")
    ready: Callable[[Configuration], bool] | None = options.get("ready")
    made = dict(options)
    if ready is not None:
        made["ready"] = lambda config: ready(Configuration(config, thread))
    if notify is not None:
        if iscoroutinefunction(notify):
            raise TypeError(NOT_ASYNCHRONOUS)
        made["on_config_change"] = lambda config: notify(Configuration(config, thread))
    return made
