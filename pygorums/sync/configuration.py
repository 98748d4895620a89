"""Nodes and configurations of the blocking facade."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

import grpc

from pygorums.base.backoff import Backoff
from pygorums.base.errors import ErrorKind, QuorumCallError
from pygorums.base.immutable import Immutable, setter
from pygorums.base.metadata import MetadataLike, StreamMetadataLike
from pygorums.base.observing import CallObserver
from pygorums.base.session import DEFAULT_SESSION, Session
from pygorums.nodes.configuration import Configuration as AsyncConfiguration
from pygorums.nodes.connecting import connect as async_connect
from pygorums.nodes.node import Node as AsyncNode
from pygorums.nodes.node import Pool
from pygorums.nodes.watch import check_watch
from pygorums.quorum.rule import Rule
from pygorums.sync.changes import Changes
from pygorums.sync.loop_thread import LoopThread, loop_thread
from pygorums.transports.choosing import TransportName

if TYPE_CHECKING:
    from pygorums.nodes.stats import ConfigurationStats  # at run time only for who asks

__all__ = ["Configuration", "Node", "connect"]

A = TypeVar("A", AsyncNode, AsyncConfiguration)


class _Facade(Immutable, Generic[A]):
    """A node or configuration for the blocking facade. Equal if it stands for an equal one.

    Attributes:
        asynchronous: What the event loop's thread calls (for the call functions).
        thread: The event loop's thread (for the call functions).
    """

    # Not properties: every call reads them.
    __slots__ = ("asynchronous", "thread")
    asynchronous: A
    thread: LoopThread

    def __init__(self, asynchronous: A, thread: LoopThread) -> None:
        _set_asynchronous(self, asynchronous)
        _set_thread(self, thread)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self.asynchronous == other.asynchronous

    def __hash__(self) -> int:
        return hash(self.asynchronous)

    def __repr__(self) -> str:
        return repr(self.asynchronous)


_set_asynchronous, _set_thread = setter(_Facade, "asynchronous"), setter(_Facade, "thread")


class Node(_Facade[AsyncNode]):
    """A server that can be called: `pygorums.Node` for the blocking facade."""

    __slots__ = ()

    @property
    def id(self) -> int:
        """The node's ID."""
        return self.asynchronous.id

    @property
    def address(self) -> str:
        """``host:port`` as it was given."""
        return self.asynchronous.address

    @property
    def host(self) -> str:
        """The host of the address."""
        return self.asynchronous.host

    @property
    def port(self) -> int:
        """The port of the address."""
        return self.asynchronous.port

    @property
    def latency(self) -> float | None:
        """The latency estimate in seconds, as `pygorums.Node.latency`."""
        return self.asynchronous.latency

    def quantile(self, part: float) -> float | None:
        """The seconds within which so large a part of the replies come, as `pygorums.Node.quantile`."""
        return self.thread.call(lambda: self.asynchronous.quantile(part))

    @property
    def last_error(self) -> Exception | None:
        """Why there was no stream last, as `pygorums.Node.last_error`."""
        return self.asynchronous.last_error

    @property
    def pending(self) -> int:
        """How many calls wait for this node's reply."""
        return self.thread.call(lambda: self.asynchronous.pending)

    @property
    def connected(self) -> bool:
        """Whether there is a stream to the node at this moment."""
        return self.asynchronous.connected

    @property
    def suspected(self) -> bool:
        """Whether it is connected, but silent for longer than it used to be, as `pygorums.Node.suspected`."""
        return self.asynchronous.suspected

    @property
    def is_inbound(self) -> bool:
        """Whether the node opens the stream."""
        return self.asynchronous.is_inbound

    def wait_connected(self, timeout: float | None = None) -> None:
        """Wait until there is a stream to the node, as `pygorums.Node.wait_connected`."""
        self.thread.run(self.asynchronous.wait_connected, timeout)


class Configuration(_Facade[AsyncConfiguration], Sequence[Node]):
    """An immutable sequence of nodes: `pygorums.Configuration` for the blocking facade, with the same names.

    May be used from several threads at once. As a context manager it closes the connections at the end.
    """

    __slots__ = ()

    @property
    def node_ids(self) -> tuple[int, ...]:
        """The nodes' IDs, in order."""
        return self.asynchronous.node_ids

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, in order."""
        return tuple(self)

    @property
    def majority(self) -> int:
        """The number of nodes that are a majority: ``size // 2 + 1``."""
        return self.asynchronous.majority

    @property
    def rules(self) -> dict[int | Rule, Rule]:
        """As `pygorums.Configuration.rules` (for the call functions)."""
        return self.asynchronous.rules

    def rule(self, need: int) -> Rule:
        """As `pygorums.Configuration.rule` (for the call functions)."""
        return self.asynchronous.rule(need)

    def node(self, node_id: int) -> Node:
        """The node with an ID, as `pygorums.Configuration.node`."""
        return Node(self.asynchronous.node(node_id), self.thread)

    def with_defaults(
        self, *, timeout: float | None = None, metadata: MetadataLike = None, interceptors: Sequence[Any] = ()
    ) -> Configuration:
        """As `pygorums.Configuration.with_defaults`; interceptors are plain generators here."""
        config = self.asynchronous.with_defaults(timeout=timeout, metadata=metadata, interceptors=interceptors)
        return self._with(config)

    def extend(self, nodes: Iterable[str] | Mapping[int, str]) -> Configuration:
        """As `pygorums.Configuration.extend`."""
        return self._with(self.thread.call(self.asynchronous.extend, _listed(nodes)))

    def add(self, *node_ids: int) -> Configuration:
        """As `pygorums.Configuration.add`."""
        return self._with(self.asynchronous.add(*node_ids))

    def remove(self, *node_ids: int) -> Configuration:
        """As `pygorums.Configuration.remove`."""
        return self._with(self.asynchronous.remove(*node_ids))

    def remove_node(self, node_id: int) -> None:
        """Forget a node for good, as `pygorums.Configuration.remove_node`."""
        self.thread.run(self.asynchronous.remove_node, node_id)

    def union(self, other: Configuration) -> Configuration:
        """As `pygorums.Configuration.union`."""
        return self._with(self.asynchronous.union(other.asynchronous))

    def difference(self, other: Configuration) -> Configuration:
        """As `pygorums.Configuration.difference`."""
        return self._with(self.asynchronous.difference(other.asynchronous))

    def intersection(self, other: Configuration) -> Configuration:
        """As `pygorums.Configuration.intersection`."""
        return self._with(self.asynchronous.intersection(other.asynchronous))

    def __or__(self, other: object) -> Configuration:
        return self.union(other) if isinstance(other, Configuration) else NotImplemented

    def __sub__(self, other: object) -> Configuration:
        return self.difference(other) if isinstance(other, Configuration) else NotImplemented

    def __and__(self, other: object) -> Configuration:
        return self.intersection(other) if isinstance(other, Configuration) else NotImplemented

    def sort_by(self, *keys: Callable[[Any], Any]) -> Configuration:
        """As `pygorums.Configuration.sort_by`."""
        return self._with(self.asynchronous.sort_by(*(self._key(key) for key in keys)))

    def _key(self, key: Callable[[Any], Any]) -> Callable[[AsyncNode], Any]:
        return lambda node: key(Node(node, self.thread))

    def without_errors(self, error: QuorumCallError, *kinds: ErrorKind) -> Configuration:
        """As `pygorums.Configuration.without_errors`."""
        return self._with(self.asynchronous.without_errors(error, *kinds))

    def watch(self, interval: float, derive: Callable[[Configuration], Configuration]) -> Iterator[Configuration]:
        """As `pygorums.Configuration.watch`, as an iterator; `derive` is called in the thread that iterates."""
        check_watch(interval, derive)
        return _Watch(self, interval, derive)

    def changes(self) -> Changes[Node]:
        """As `pygorums.Configuration.changes`, as an iterator. `Changes.close`, from another thread, ends it."""
        return Changes(self.asynchronous.changes, self.thread, Node)

    def stats(self) -> ConfigurationStats:
        """Nodes and calls in figures, as `pygorums.Configuration.stats`."""
        return self.asynchronous.stats()

    def wait_connected(self, n: int | None = None, timeout: float | None = None) -> None:
        """Wait until `n` of the nodes, all by default, are connected, as `pygorums.Configuration.wait_connected`."""
        self.thread.run(self.asynchronous.wait_connected, n, timeout)

    def close(self) -> None:
        """Close the connections, as `pygorums.Configuration.close`."""
        self.thread.finish(self.asynchronous.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _with(self, config: AsyncConfiguration) -> Configuration:
        return Configuration(config, self.thread)

    def __len__(self) -> int:
        return len(self.asynchronous)

    def __iter__(self) -> Iterator[Node]:
        return (Node(node, self.thread) for node in self.asynchronous)

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> Configuration: ...
    def __getitem__(self, index: int | slice) -> Node | Configuration:
        if isinstance(index, slice):
            return self._with(self.asynchronous[index])
        return Node(self.asynchronous[index], self.thread)

    def __contains__(self, item: object) -> bool:
        return (item.asynchronous if isinstance(item, Node) else item) in self.asynchronous


class _Watch:
    """Not a generator, which would be over after an interrupt."""

    def __init__(
        self, config: Configuration, interval: float, derive: Callable[[Configuration], Configuration]
    ) -> None:
        self._config = config
        self._interval = interval
        self._derive = derive
        self._current: Configuration | None = None
        self._left = False

    def __iter__(self) -> Iterator[Configuration]:
        return self

    def __next__(self) -> Configuration:
        config = self._config
        while not self._left:
            if self._current is not None:
                self._left = config.thread.run(config.asynchronous.pool.closed_within, self._interval)
                if self._left:
                    break
            newest = self._derive(config)
            if newest != self._current:
                self._current = newest
                return newest
        raise StopIteration

    def close(self) -> None:
        """Stop watching."""
        self._left = True


def _listed(nodes: Iterable[str] | Mapping[int, str]) -> Iterable[str] | Mapping[int, str]:
    """A generator's addresses: it is the caller's code, which must not run on the event loop."""
    return list(nodes) if isinstance(nodes, Iterator) else nodes


def connect(
    nodes: Iterable[str] | Mapping[int, str],
    *,
    credentials: ssl.SSLContext | grpc.ChannelCredentials | None = None,
    transport: TransportName | None = None,
    metadata: StreamMetadataLike = None,
    server: Any = None,
    interceptors: Sequence[Any] = (),
    observers: Sequence[CallObserver] = (),
    send_buffer: int = 64 << 20,
    backoff: Backoff = Backoff(),  # noqa: B008 - it is immutable
    session: Session | None = DEFAULT_SESSION,
    suspect_after: float | None = None,
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
        transport=transport,
        metadata=metadata,
        server=None if server is None else server.asynchronous,
        interceptors=interceptors,
        observers=observers,
        send_buffer=send_buffer,
        backoff=backoff,
        session=session,
        suspect_after=suspect_after,
        channel_options=channel_options,
    )
    thread.close_at_exit(config.pool, Pool.close)
    return Configuration(config, thread)
