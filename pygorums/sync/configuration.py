"""Nodes and configurations of the blocking facade."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar, Self, overload

import grpc

from pygorums.base.backoff import Backoff
from pygorums.base.errors import ErrorKind, QuorumCallError
from pygorums.base.metadata import MetadataLike
from pygorums.nodes.configuration import Configuration as AsyncConfiguration
from pygorums.nodes.configuration import check_watch
from pygorums.nodes.configuration import connect as async_connect
from pygorums.nodes.node import Node as AsyncNode
from pygorums.sync.loop_thread import LoopThread, loop_thread

__all__ = ["Configuration", "Node", "connect"]


class Node:
    """A server that can be called: `pygorums.Node` for the blocking facade. Equal if it stands for the same node."""

    __slots__ = ("_node", "_thread")
    __gorums_calls__: ClassVar[ModuleType]

    def __init__(self, node: AsyncNode, thread: LoopThread) -> None:
        self._node = node
        self._thread = thread

    @property
    def asynchronous(self) -> AsyncNode:
        """The node that the event loop's thread calls (for the call functions)."""
        return self._node

    @property
    def thread(self) -> LoopThread:
        """The event loop's thread (for the call functions)."""
        return self._thread

    @property
    def id(self) -> int:
        """The node's ID."""
        return self._node.id

    @property
    def address(self) -> str:
        """``host:port`` as it was given."""
        return self._node.address

    @property
    def host(self) -> str:
        """The host of the address."""
        return self._node.host

    @property
    def port(self) -> int:
        """The port of the address."""
        return self._node.port

    @property
    def latency(self) -> float | None:
        """The latency estimate in seconds, as `pygorums.Node.latency`."""
        return self._node.latency

    @property
    def last_error(self) -> Exception | None:
        """Why there was no stream last, as `pygorums.Node.last_error`."""
        return self._node.last_error

    @property
    def pending(self) -> int:
        """How many calls wait for this node's reply."""
        return self._thread.call(lambda: self._node.pending)

    @property
    def connected(self) -> bool:
        """Whether there is a stream to the node at this moment."""
        return self._node.connected

    @property
    def is_inbound(self) -> bool:
        """Whether the node opens the stream."""
        return self._node.is_inbound

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Node):
            return NotImplemented
        return self._node is other._node

    def __hash__(self) -> int:
        return hash(self._node)

    def __repr__(self) -> str:
        return repr(self._node)


class Configuration(Sequence[Node]):
    """An immutable sequence of nodes: `pygorums.Configuration` for the blocking facade, with the same names.

    May be used from several threads at once. As a context manager it closes the connections at the end.
    """

    __slots__ = ("_config", "_thread")
    __gorums_calls__: ClassVar[ModuleType]

    def __init__(self, config: AsyncConfiguration, thread: LoopThread) -> None:
        self._config = config
        self._thread = thread

    @property
    def asynchronous(self) -> AsyncConfiguration:
        """The configuration that the event loop's thread calls (for the call functions)."""
        return self._config

    @property
    def thread(self) -> LoopThread:
        """The event loop's thread (for the call functions)."""
        return self._thread

    @property
    def node_ids(self) -> tuple[int, ...]:
        """The nodes' IDs, in order."""
        return self._config.node_ids

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, in order."""
        return tuple(self)

    def with_defaults(
        self, *, timeout: float | None = None, metadata: MetadataLike = None, interceptors: Sequence[Any] = ()
    ) -> Configuration:
        """As `pygorums.Configuration.with_defaults`; interceptors are plain generators here."""
        return self._with(self._config.with_defaults(timeout=timeout, metadata=metadata, interceptors=interceptors))

    def extend(self, nodes: Iterable[str] | Mapping[int, str]) -> Configuration:
        """As `pygorums.Configuration.extend`."""
        return self._with(self._thread.call(self._config.extend, _listed(nodes)))

    def add(self, *node_ids: int) -> Configuration:
        """As `pygorums.Configuration.add`."""
        return self._with(self._config.add(*node_ids))

    def remove(self, *node_ids: int) -> Configuration:
        """As `pygorums.Configuration.remove`."""
        return self._with(self._config.remove(*node_ids))

    def union(self, other: Configuration) -> Configuration:
        """As `pygorums.Configuration.union`."""
        return self._with(self._config.union(other._config))

    def difference(self, other: Configuration) -> Configuration:
        """As `pygorums.Configuration.difference`."""
        return self._with(self._config.difference(other._config))

    def intersection(self, other: Configuration) -> Configuration:
        """As `pygorums.Configuration.intersection`."""
        return self._with(self._config.intersection(other._config))

    def __or__(self, other: object) -> Configuration:
        return self.union(other) if isinstance(other, Configuration) else NotImplemented

    def __sub__(self, other: object) -> Configuration:
        return self.difference(other) if isinstance(other, Configuration) else NotImplemented

    def __and__(self, other: object) -> Configuration:
        return self.intersection(other) if isinstance(other, Configuration) else NotImplemented

    def sort_by(self, *keys: Callable[[Any], Any]) -> Configuration:
        """As `pygorums.Configuration.sort_by`."""
        return self._with(self._config.sort_by(*(self._key(key) for key in keys)))

    def _key(self, key: Callable[[Any], Any]) -> Callable[[AsyncNode], Any]:
        return lambda node: key(Node(node, self._thread))

    def without_errors(self, error: QuorumCallError, *kinds: ErrorKind) -> Configuration:
        """As `pygorums.Configuration.without_errors`."""
        return self._with(self._config.without_errors(error, *kinds))

    def watch(self, interval: float, derive: Callable[[Configuration], Configuration]) -> Iterator[Configuration]:
        """As `pygorums.Configuration.watch`, as an iterator; `derive` is called in the thread that iterates."""
        check_watch(interval, derive)
        return self._watch(interval, derive)

    def _watch(self, interval: float, derive: Callable[[Configuration], Configuration]) -> Iterator[Configuration]:
        current = derive(self)
        yield current
        while not self._thread.run(self._config.pool.closed_within, interval):
            newest = derive(self)
            if newest != current:
                current = newest
                yield current

    def wait_connected(self, n: int | None = None, timeout: float | None = None) -> None:
        """Wait until `n` of the nodes, all by default, are connected, as `pygorums.Configuration.wait_connected`."""
        self._thread.run(self._config.wait_connected, n, timeout)

    def close(self) -> None:
        """Close the connections, as `pygorums.Configuration.close`."""
        self._thread.finish(self._config.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _with(self, config: AsyncConfiguration) -> Configuration:
        return Configuration(config, self._thread)

    def __len__(self) -> int:
        return len(self._config)

    def __iter__(self) -> Iterator[Node]:
        return (Node(node, self._thread) for node in self._config)

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> Configuration: ...
    def __getitem__(self, index: int | slice) -> Node | Configuration:
        if isinstance(index, slice):
            return self._with(self._config[index])
        return Node(self._config[index], self._thread)

    def __contains__(self, item: object) -> bool:
        return (item._node if isinstance(item, Node) else item) in self._config

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Configuration):
            return NotImplemented
        return self._config == other._config

    def __hash__(self) -> int:
        return hash(self._config)

    def __repr__(self) -> str:
        return repr(self._config)


def _listed(nodes: Iterable[str] | Mapping[int, str]) -> Iterable[str] | Mapping[int, str]:
    """A generator's addresses: it is the caller's code, which must not run on the event loop."""
    return list(nodes) if isinstance(nodes, Iterator) else nodes


def connect(
    nodes: Iterable[str] | Mapping[int, str],
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: MetadataLike = None,
    server: Any = None,
    interceptors: Sequence[Any] = (),
    send_buffer: int = 64 << 20,
    backoff: Backoff = Backoff(),  # noqa: B008 - it is immutable
    channel_options: Sequence[tuple[str, Any]] = (),
) -> Configuration:
    """Make a configuration and start to connect to its nodes, in the background: `pygorums.connect`, blocking.

    Args and errors are the same; `server` is a `pygorums.sync.Server`, interceptors are plain generators.

    Raises:
        RuntimeError: In a running event loop, or in a process that was forked after the facade was used.
    """
    if server is not None and not hasattr(server, "asynchronous"):
        raise TypeError(f"server must be a pygorums.sync.Server, not {server!r}")
    thread = loop_thread()
    config = thread.call(
        async_connect,
        _listed(nodes),
        credentials=credentials,
        metadata=metadata,
        server=None if server is None else server.asynchronous,
        interceptors=interceptors,
        send_buffer=send_buffer,
        backoff=backoff,
        channel_options=channel_options,
    )
    thread.open.add(config.pool)
    return Configuration(config, thread)
