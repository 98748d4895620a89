"""Configurations: immutable sequences of nodes that are called together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, overload

import grpc

from pygorums.base.backoff import Backoff
from pygorums.base.errors import ConfigurationError
from pygorums.base.metadata import MetadataLike, stream_pairs
from pygorums.nodes.address import numbered
from pygorums.nodes.node import Node
from pygorums.nodes.pool import Pool

__all__ = ["Configuration", "connect"]


class Configuration(Sequence[Node]):
    """An immutable sequence of nodes that multicasts and quorum calls go to.

    Slices are configurations too; all that come from one `connect` share its connections. Two
    configurations are equal if they have the same nodes in the same order. ``in`` takes a node or a node ID.

    As an asynchronous context manager it closes the connections at the end.
    """

    __slots__ = ("_nodes", "_pool")

    def __init__(self, nodes: Iterable[Node], pool: Pool) -> None:
        self._nodes = tuple(nodes)
        self._pool = pool

    @property
    def node_ids(self) -> tuple[int, ...]:
        """The nodes' IDs, in order."""
        return tuple(node.id for node in self._nodes)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, in order."""
        return self._nodes

    @property
    def pool(self) -> Pool:
        """The connections that it shares with others (for the call functions)."""
        return self._pool

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
        count = len(self._nodes) if n is None else n
        if not 0 <= count <= len(self._nodes):
            raise ValueError(f"cannot wait for {n} nodes of a configuration of {len(self._nodes)}")
        await self._pool.wait_connected(self._nodes, count, timeout)

    async def close(self) -> None:
        """Close the connections of this and of every configuration derived from the same `connect`.

        Messages that were sent already get a second at the most to reach their nodes; pending calls fail at
        once with `NodeClosedError`. To close again does nothing.
        """
        await self._pool.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes)

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> Configuration: ...
    def __getitem__(self, index: int | slice) -> Node | Configuration:
        if isinstance(index, slice):
            return Configuration(self._nodes[index], self._pool)
        return self._nodes[index]

    def __contains__(self, item: object) -> bool:
        if isinstance(item, int):
            return any(node.id == item for node in self._nodes)
        return item in self._nodes

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Configuration):
            return NotImplemented
        return self._nodes == other._nodes

    def __hash__(self) -> int:
        return hash(self._nodes)

    def __repr__(self) -> str:
        return f"<Configuration {', '.join(f'{node.id}={node.address}' for node in self._nodes) or 'empty'}>"


def connect(
    nodes: Iterable[str] | Mapping[int, str],
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: MetadataLike = None,
    interceptors: Sequence[Any] = (),
    send_buffer: int = 64 << 20,
    backoff: Backoff = Backoff(),  # noqa: B008 - it is immutable
    channel_options: Sequence[tuple[str, Any]] = (),
) -> Configuration:
    """Make a configuration and start to connect to its nodes, in the background.

    Returns at once; must be called while an event loop runs. Nodes that are down are tried again and again,
    without a call being needed. Names are looked up at each attempt.

    Args:
        nodes: Addresses ``host:port``, whose nodes get the IDs 1, 2, … in the given order; or a mapping
            from IDs to addresses.
        credentials: From `grpc.ssl_channel_credentials` for TLS; None for plain text.
        metadata: Sent to each node when a stream to it is opened; handlers see it.
        interceptors: Client interceptors for all calls to these nodes, inside of those that a call brings.
        send_buffer: How many bytes may wait to be sent to one node. A message that does not fit fails, at
            once and for that node alone, with `RESOURCE_EXHAUSTED`.
        backoff: How long to wait between attempts to reach a node.
        channel_options: gRPC channel options as pairs of name and value. Set ``grpc.max_send_message_length``
            here, and ``grpc.max_receive_message_length`` at the other end, for messages above 4 MiB.

    Raises:
        ConfigurationError: No addresses, a malformed or duplicate one, an ID that is 0, beyond uint32 or in
            use; a `send_buffer` that is not positive.
        RuntimeError: No event loop is running.
    """
    addresses = numbered(nodes)
    if send_buffer <= 0:
        raise ConfigurationError(f"send_buffer must be a positive number of bytes, not {send_buffer}")
    pool = Pool(
        metadata=stream_pairs(metadata),
        credentials=credentials,
        send_buffer=send_buffer,
        backoff=backoff,
        channel_options=channel_options,
        interceptors=interceptors,
    )
    return Configuration([pool.add(node_id, address) for node_id, address in addresses.items()], pool)
