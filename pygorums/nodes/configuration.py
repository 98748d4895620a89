"""Configurations: immutable sequences of nodes that are called together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self, overload

from pygorums.base.errors import ErrorKind, NodeClosedError, QuorumCallError
from pygorums.base.immutable import Immutable, setter
from pygorums.base.metadata import MetadataLike
from pygorums.base.timeout import sending_timeout
from pygorums.nodes.address import numbered
from pygorums.nodes.call_options import CallOptions
from pygorums.nodes.changes import Changes
from pygorums.nodes.known import check_known, check_shared, own_pool, still_known
from pygorums.nodes.lists import by_id, failed_in, listed, merged
from pygorums.nodes.node import Node, Pool
from pygorums.nodes.outbound_pool import OutboundPool
from pygorums.nodes.watch import Watch, check_watch
from pygorums.quorum.majority import majority_of
from pygorums.quorum.rule import Rule, number_rule

if TYPE_CHECKING:
    from pygorums.nodes.stats import ConfigurationStats  # at run time only for who asks

__all__ = ["Configuration"]


class Configuration(Immutable, Sequence[Node]):
    """An immutable sequence of nodes that multicasts and quorum calls go to.

    Slices are configurations too; all that come from one `connect` share its connections. Two
    configurations are equal if they have the same nodes in the same order. ``in`` takes a node or a node ID.

    As an asynchronous context manager it closes the connections at the end.

    Attributes:
        majority: The number of nodes that are a majority: ``size // 2 + 1``. Any two such sets of nodes share one.
        nodes: The nodes, in order.
        pool: The connections that it shares with others (for the call functions).
        options: What calls to it start from: the interceptors of `connect`, and what `with_defaults` has set.
        rules: What calls have needed so far, which is known to fit it (for the call functions).
    """

    # Not properties: every call reads them.
    __slots__ = ("majority", "nodes", "options", "pool", "rules")
    majority: int
    nodes: tuple[Node, ...]
    options: CallOptions
    pool: Pool
    rules: dict[int | Rule, Rule]

    def __init__(self, nodes: Iterable[Node], pool: Pool, options: CallOptions | None = None) -> None:
        _set_nodes(self, tuple(nodes))
        _set_pool(self, pool)
        _set_options(self, options or pool.options)
        _set_majority(self, majority_of(len(self.nodes)))
        _set_rules(self, {})

    @property
    def node_ids(self) -> tuple[int, ...]:
        """The nodes' IDs, in order."""
        return tuple(node.id for node in self.nodes)

    def rule(self, need: int) -> Rule:
        """What is met by `need` of the nodes, whichever they are (for the call functions)."""
        rule = self.rules.get(need)
        if rule is None:
            rule = number_rule(self.node_ids, need)
            if need <= len(self.nodes):
                self.rules[need] = rule
        return rule

    def node(self, node_id: int) -> Node:
        """The node with an ID.

        Raises:
            KeyError: The configuration has no such node; the text says which it has.
        """
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise KeyError(f"there is no node {node_id!r} in this configuration, which has {listed(self.node_ids)}")

    def with_defaults(
        self, *, timeout: float | None = None, metadata: MetadataLike = None, interceptors: Sequence[Any] = ()
    ) -> Configuration:
        """The same nodes, with defaults for multicasts and quorum calls to this configuration.

        Args:
            timeout: Seconds, for calls that bring none of their own.
            metadata: Sent with each call, before the call's own.
            interceptors: Wrapped around each call, inside of the call's own.

        Raises:
            TypeError, ValueError: As for the arguments of a call.
        """
        options = self.options.extended(timeout=timeout, metadata=metadata, interceptors=interceptors)
        return self._with(self.nodes, options)

    def extend(self, nodes: Iterable[str] | Mapping[int, str]) -> Configuration:
        """This configuration and further nodes, by ascending ID, to which connecting starts. Connections are shared.

        Nodes that `remove_node` has removed meanwhile are left out.

        Args:
            nodes: Addresses, which get the IDs after the highest in use, or a mapping from IDs to addresses,
                which may name nodes that are there already.

        Raises:
            ConfigurationError: As for `connect`; nothing has changed then. Configurations of a server cannot be
                extended: their nodes connect to it.
            NodeClosedError: The configuration was closed.
        """
        pool = own_pool(self.pool, "the configuration of a server cannot be extended: its nodes connect to the server")
        if pool.closed:
            raise NodeClosedError("the configuration was closed and cannot be extended; connect again")
        addresses = numbered(nodes, {node_id: node.address for node_id, node in pool.nodes.items()})
        return self._and([pool.add(*item) for item in addresses.items()])

    def add(self, *node_ids: int) -> Configuration:
        """This configuration and the nodes with these IDs from the same connections, by ascending ID.

        Raises:
            ConfigurationError: There is no node with such an ID.
        """
        check_known(self.pool, node_ids, "; use extend to connect to further nodes")
        return self._and([self.pool.nodes[node_id] for node_id in node_ids])

    def remove(self, *node_ids: int) -> Configuration:
        """This configuration without the nodes with these IDs; their connections stay.

        Raises:
            ConfigurationError: There is no node with such an ID. In the configuration of a server there may be none any
                more, so it is no error there.
        """
        if isinstance(self.pool, OutboundPool):
            check_known(self.pool, node_ids)
        return self._with(node for node in self.nodes if node.id not in node_ids)

    async def remove_node(self, node_id: int) -> None:
        """Forget a node for good, in this and in every configuration of the same connections.

        From this moment on calls to it fail with `NodeClosedError`, those that are pending too, wherever it still is
        in a configuration. What was sent to it just now gets a second to arrive, for which this waits. Its ID and its
        address may be given to others by `extend`. `remove` only makes a configuration without it.

        Raises:
            ConfigurationError: There is no node with such an ID, or it is a configuration of a server.
        """
        pool = own_pool(self.pool, "a server knows its peers until it is told of others: see Server.reconfigure")
        check_known(pool, (node_id,))
        node = pool.nodes[node_id]
        await pool.remove(node, f"{node.address} was removed from the configuration")()

    def union(self, other: Configuration) -> Configuration:
        """The nodes of both, by ascending ID.

        Raises:
            ConfigurationError: They share no connections, because they come from different calls of `connect`.
        """
        if self.nodes and other.nodes:  # an empty one may come from another `connect`
            check_shared(self.pool, other.pool)
        base = self if self.nodes else other
        return base._with(by_id(merged(self.nodes, other)))

    def difference(self, other: Configuration) -> Configuration:
        """The nodes of this one that are not in the other, in order."""
        return self._with(node for node in self.nodes if node not in other)

    def intersection(self, other: Configuration) -> Configuration:
        """The nodes of this one that are in the other too, in order."""
        return self._with(node for node in self.nodes if node in other)

    def __or__(self, other: object) -> Configuration:
        return self.union(other) if isinstance(other, Configuration) else NotImplemented

    def __sub__(self, other: object) -> Configuration:
        return self.difference(other) if isinstance(other, Configuration) else NotImplemented

    def __and__(self, other: object) -> Configuration:
        return self.intersection(other) if isinstance(other, Configuration) else NotImplemented

    def sort_by(self, *keys: Callable[[Node], Any]) -> Configuration:
        """The same nodes sorted by keys, the first one first; nodes that are equal in all keep their order.

        Args:
            keys: Functions such as `latency`, `last_error`, `node_id`, or any from a `Node` to something that
                can be compared.

        Raises:
            ValueError: There are no keys.
        """
        if not keys:
            raise ValueError("sort_by needs at least one key, such as pygorums.latency")
        return self._with(sorted(self.nodes, key=lambda node: tuple(key(node) for key in keys)))

    def without_errors(self, error: QuorumCallError, *kinds: ErrorKind) -> Configuration:
        """This configuration without the nodes that failed in a call.

        Args:
            error: What the call raised.
            kinds: Exception classes or status codes: only nodes whose error is one of these are left out. Without
                any, all nodes that failed.
        """
        failed = failed_in(error, kinds)
        return self._with(node for node in self.nodes if node.id not in failed)

    def watch(self, interval: float, derive: Callable[[Configuration], Configuration]) -> AsyncIterator[Configuration]:
        """Derive a configuration from this one again and again, and tell when it has changed.

        The first result comes at once, further ones when they differ from the one before, in nodes or in their
        order. A slow reader misses what came and went, but never the newest. To be cancelled while waiting for the
        next one loses none. It ends when the reader leaves the loop, or with the configuration.

        Args:
            interval: Seconds between looks.
            derive: Makes the configuration, for instance ``lambda c: c.sort_by(pygorums.latency)[:3]``.

        Raises:
            ValueError: `interval` is not a positive number.
            TypeError: `derive` cannot be called.
        """
        check_watch(interval, derive)
        return Watch(self, self.pool, interval, derive)

    def changes(self) -> Changes[Node]:
        """What happens to these nodes, and to those that are connected to with `extend` later, as it happens.

        An asynchronous iterator of `NodeUp`, `NodeDown`, `NodeAdded` and `NodeRemoved`, beginning with this call: what
        `Node.connected` says at this moment and what is told later add up. A reader that is very slow misses some,
        which `Changes.missed` counts, but never the newest of each node. It ends with the configuration.

        In a configuration of a server only these nodes are told of: see `Server.changes`.
        """
        return self.pool.changes(self.nodes)

    def tree(self, fanout: int = 4, root: int | None = None) -> Any:
        """These nodes as a `pygorums.broadcast.Tree`, to send along it; of a `System`'s ``outbound``.

        That package is above this one, which knows nothing of it before somebody asks.

        Args:
            fanout: How many children a node has, at most.
            root: The ID of the node that begins; by default the own one.

        Raises:
            ConfigurationError: The root, or the own node, is not among them.
        """
        return import_module("pygorums.broadcast").Tree(self, fanout=fanout, root=root)

    def stats(self) -> ConfigurationStats:
        """Nodes and calls in figures: state, latencies and errors of each node, calls by method and status. A snapshot.

        Counting calls begins with the first call of this, so that programs that never ask pay nothing: ask once at the
        start. May be called in any thread.
        """
        from pygorums.nodes.stats import stats_of

        return stats_of(self.nodes, self.pool.observers)

    def _and(self, further: Iterable[Node]) -> Configuration:
        return self._with(by_id(merged(still_known(self.pool, self.nodes), further)))

    def _with(self, nodes: Iterable[Node], options: CallOptions | None = None) -> Configuration:
        return Configuration(nodes, self.pool, options or self.options)

    async def wait_connected(self, n: int | None = None, timeout: float | None = None) -> None:
        """Wait until `n` of the nodes are connected.

        Args:
            n: How many nodes; all by default.
            timeout: Seconds to wait at most; None waits as long as it takes.

        Raises:
            TimeoutError: They were not in time. The text names the missing nodes and what kept them away.
            NodeClosedError: The configuration was closed.
            ValueError: `n` is negative or more than there are nodes.
        """
        count = len(self.nodes) if n is None else n
        if not 0 <= count <= len(self.nodes):
            raise ValueError(f"cannot wait for {n} nodes of a configuration of {len(self.nodes)}")
        timeout = sending_timeout(timeout)
        await self.pool.wait_connected(self.nodes, count, timeout)

    async def close(self) -> None:
        """Close the connections of this and of every configuration derived from the same `connect`.

        Messages that were sent already get a second at the most to reach their nodes; pending calls fail at
        once with `NodeClosedError`. To close again does nothing.

        Raises:
            ConfigurationError: It is the configuration of a server, which ends with the server.
        """
        await own_pool(self.pool, "the configuration of a server cannot be closed: stop the server instead").close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> Configuration: ...
    def __getitem__(self, index: int | slice) -> Node | Configuration:
        if isinstance(index, slice):
            return self._with(self.nodes[index])
        return self.nodes[index]

    def __contains__(self, item: object) -> bool:
        if isinstance(item, int):
            return any(node.id == item for node in self.nodes)
        return item in self.nodes

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Configuration):
            return NotImplemented
        return self.nodes == other.nodes

    def __hash__(self) -> int:
        return hash(self.nodes)

    def __repr__(self) -> str:
        return f"<Configuration {', '.join(f'{node.id}={node.address}' for node in self.nodes) or 'empty'}>"


_set_nodes, _set_pool, _set_options, _set_majority, _set_rules = (
    setter(Configuration, slot) for slot in ("nodes", "pool", "options", "majority", "rules")
)
