"""The connections that a configuration and all that are derived from it share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc

from pygorums.base.backoff import Backoff
from pygorums.base.errors import CallTimeoutError, NodeClosedError
from pygorums.nodes.node import Node
from pygorums.streams.grpc_transport import GrpcConnector
from pygorums.streams.heartbeat import HEARTBEAT_KEY
from pygorums.streams.options import StreamOptions
from pygorums.streams.outbound import OutboundChannel
from pygorums.streams.transport import Connector, Pairs

__all__ = ["Pool"]


class Pool:
    """Nodes and their channels, the sequence numbers of calls to them, and the event loop they live in.

    Must be made, used and closed on one running event loop.

    Args:
        metadata: Sent when a stream is opened.
        credentials: TLS credentials, or None for plain text.
        send_buffer: How many bytes may wait for one node.
        backoff: The rhythm of reopening streams.
        channel_options: gRPC channel options, and ours.
        interceptors: Wrapped around every call, inside of the call's own. Their type belongs to the calls, a
            floor above.
    """

    def __init__(
        self,
        *,
        metadata: Pairs,
        credentials: grpc.ChannelCredentials | None,
        send_buffer: int,
        backoff: Backoff,
        channel_options: Sequence[tuple[str, Any]],
        interceptors: Sequence[Any],
    ) -> None:
        options = StreamOptions.of(channel_options)
        self.loop = asyncio.get_running_loop()
        self.max_message = options.max_message
        self.interceptors = tuple(interceptors)
        heartbeat = (HEARTBEAT_KEY, str(round(options.keepalive * 1000)))
        self._metadata = (*metadata, *options.extensions, heartbeat)
        self._connector: Callable[[str], Connector] = lambda address: GrpcConnector(address, credentials, options.grpc)
        self._send_buffer = send_buffer
        self._backoff = backoff
        self._nodes: dict[int, Node] = {}
        self._last_seq_no = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._changed = self.loop.create_future()

    @property
    def nodes(self) -> Mapping[int, Node]:
        """All nodes by ID."""
        return self._nodes

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def add(self, node_id: int, address: str) -> Node:
        """Make a node and start to connect to it."""
        channel = OutboundChannel(
            node_id,
            address,
            self._connector(address),
            metadata=self._metadata,
            send_buffer=self._send_buffer,
            backoff=self._backoff,
            on_change=self._notify,
        )
        node = self._nodes[node_id] = Node(node_id, address, channel, self)
        return node

    def next_seq_no(self) -> int:
        """A new sequence number; the first one is 1."""
        self._last_seq_no += 1
        return self._last_seq_no

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Hold on to a task until it ends: the event loop does not."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait_connected(self, nodes: Sequence[Node], count: int, timeout: float | None) -> None:
        """Wait until `count` of `nodes` are connected.

        Raises:
            CallTimeoutError: They were not in time; the text names the missing ones and why.
            NodeClosedError: The pool was closed.
        """
        try:
            async with asyncio.timeout(timeout):
                while sum(node.connected for node in nodes) < count:
                    if self._closed:
                        raise NodeClosedError("the configuration was closed before its nodes were connected")
                    await asyncio.shield(self._changed)
        except TimeoutError:
            missing = [node for node in nodes if not node.connected]
            connected = len(nodes) - len(missing)
            lines = "".join(
                f"\n  node {node.id} ({node.address}): {node.last_error or 'no answer yet'}" for node in missing
            )
            text = f"after {timeout} s {connected} of {len(nodes)} nodes are connected, {count} are needed:{lines}"
            raise CallTimeoutError(text) from None

    def _notify(self) -> None:
        if not self._changed.done():
            self._changed.set_result(None)
        self._changed = self.loop.create_future()

    async def close(self) -> None:
        """Close every node's channel; once is enough, again does nothing."""
        self._closed = True
        await asyncio.gather(*(node.channel.close() for node in self._nodes.values()))
        self._notify()
