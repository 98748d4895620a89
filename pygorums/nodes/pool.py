"""The connections that a configuration and all that are derived from it share."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import count
from typing import Any
from weakref import WeakMethod

import grpc

from pygorums.base.backoff import Backoff
from pygorums.base.errors import CallTimeoutError, NodeClosedError, counted
from pygorums.base.interceptors import listed_interceptors
from pygorums.nodes.node import Node, trouble
from pygorums.streams.channel import Channel, RequestServer
from pygorums.streams.grpc_transport import GrpcConnector
from pygorums.streams.joined import Joined
from pygorums.streams.local import LocalChannel
from pygorums.streams.options import StreamOptions
from pygorums.streams.outbound import OutboundChannel
from pygorums.streams.tls_check import check_tls
from pygorums.streams.transport import Connector
from pygorums.wire.handshake import NODE_ID_KEY, Pairs

__all__ = ["OutboundPool", "Pool"]


PING_TIMEOUT_MS = 20_000
"""How long a node may take to answer a ping: nodes that know no heartbeats are noticed by that alone."""


class Pool:
    """Nodes, the sequence numbers of calls to them, and the event loop they live in.

    Attributes:
        max_message: The largest message in bytes that is sent.
        interceptors: Wrapped around every call, inside of the call's own. Their type belongs to the calls, a
            floor above.
        next_seq_no: Gives a new sequence number at each call.
    """

    def __init__(self, *, max_message: int, interceptors: Sequence[Any] = (), first_seq_no: int = 1) -> None:
        self.max_message = max_message
        self.interceptors = listed_interceptors(interceptors)
        self._nodes: dict[int, Node] = {}
        self.next_seq_no = count(first_seq_no).__next__
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._closing = Joined(self._close, "pygorums close")
        self._changed: asyncio.Future[None] | None = None

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that its calls belong to: the one that was running when it was first used."""
        running = asyncio._get_running_loop()
        if running is None:
            raise RuntimeError(
                "no event loop is running: use asynchronous nodes and servers within an async function (in a server, "
                "make this handler async), or pygorums.sync in programs without"
            )
        return running

    def bind(self) -> None:
        """Its calls belong to the event loop that is running now."""
        _ = self.loop

    @property
    def nodes(self) -> Mapping[int, Node]:
        """All nodes by ID."""
        return self._nodes

    def put(self, node: Node) -> None:
        """Add a node."""
        self._nodes[node.id] = node

    def drop(self, node: Node) -> None:
        """Forget a node that is no more."""
        del self._nodes[node.id]

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Hold on to a task until it ends: the event loop does not."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def notify(self) -> None:
        """Wake those who wait for a change: a node was connected, lost or closed."""
        changed, self._changed = self._changed, None
        if changed is not None and not changed.done():
            changed.set_result(None)

    async def changed(self) -> None:
        """Wait for the next change."""
        if self._changed is None:
            self._changed = self.loop.create_future()
        await asyncio.shield(self._changed)

    async def closed_within(self, seconds: float) -> bool:
        """Wait so many seconds, or until `close` is called: whether it was."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._closed:
                    await self.changed()
        return self._closed

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
                    await self.changed()
        except TimeoutError:
            missing = [node for node in nodes if not node.connected]
            connected = len(nodes) - len(missing)
            lines = "".join(f"\n  node {node.id} ({node.address}): {trouble(node)}" for node in missing)
            needed = f"{connected} of {counted(len(nodes), 'node')} connected, {count} needed"
            text = f"after {timeout} s {needed}:{lines}"
            raise CallTimeoutError(text) from None

    async def close(self) -> None:
        """Close every node's channel; again, wait until that is done.

        A caller who is cancelled only stops waiting.
        """
        self._closed = True
        self.notify()
        await self._closing()

    async def _close(self) -> None:
        await asyncio.gather(*(node.channel.close() for node in self._nodes.values()))
        self.notify()


class OutboundPool(Pool):
    """Nodes that we connect to. Must be made, used and closed on one running event loop.

    What the engine runs does not hold on to it. Forgotten by all who have used it, it is collected with a
    ResourceWarning, and its connections are closed.

    Args:
        metadata: Sent when a stream is opened.
        credentials: TLS credentials, or None for plain text.
        send_buffer: How many bytes may wait for one node.
        backoff: The rhythm of reopening streams.
        channel_options: gRPC channel options, and ours.
        interceptors: Wrapped around every call.
        server: Answers calls that nodes make back to us; its own node is called in the process.
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
        server: RequestServer | None,
    ) -> None:
        options = StreamOptions.of(channel_options, least_ping_timeout_ms=PING_TIMEOUT_MS)
        check_tls(credentials)
        super().__init__(max_message=options.max_message, interceptors=interceptors)
        self.bind()
        identity = () if server is None else ((NODE_ID_KEY, str(server.node_id)),)
        self._user_metadata = (*metadata, *identity)
        self._metadata = (*self._user_metadata, *options.terms.offer())
        self._connector: Callable[[str], Connector] = lambda address: GrpcConnector(address, credentials, options.grpc)
        self._options = options
        self._send_buffer = send_buffer
        self._backoff = backoff
        self._server = server
        if server is not None:
            server.callers.add(self)

    def add(self, node_id: int, address: str) -> Node:
        """The node with an ID; if it is not there yet it is made, and connecting starts."""
        node = self._nodes.get(node_id)
        if node is None:
            node = Node(node_id, address, self._channel(node_id, address), self)
            self.put(node)
        return node

    def heard_from(self, node_id: int, /, *, new: bool) -> None:
        """A node has connected to our server, or called: if our own stream to it waits to be opened, it does so now."""
        node = self._nodes.get(node_id)
        if node is not None and isinstance(node.channel, OutboundChannel):
            node.channel.hasten(new=new)

    def _channel(self, node_id: int, address: str) -> OutboundChannel | LocalChannel:
        server = self._server
        if server is not None and node_id == server.node_id:
            return LocalChannel(node_id, server, metadata=self._user_metadata, limit=self._send_buffer)
        return OutboundChannel(
            node_id,
            address,
            self._connector(address),
            metadata=self._metadata if server is None else (*self._metadata, *server.introduction(node_id, address)),
            send_buffer=self._send_buffer,
            options=self._options,
            backoff=self._backoff,
            on_change=_weakly(self.notify),
            server=server,
        )

    def __del__(self) -> None:
        loop = vars(self).get("loop")  # it is not there if it could not be made
        if loop is None or self._closed or loop.is_closed():
            return
        channels = [node.channel for node in self._nodes.values()]
        if all(channel.ended for channel in channels if isinstance(channel, OutboundChannel)):
            return  # together with the loop, though that is not closed yet
        with suppress(RuntimeError):  # the loop is closed at this moment; for this may run in any thread
            loop.call_soon_threadsafe(_close, channels)
        addresses = ", ".join(node.address for node in self._nodes.values())
        text = f"unclosed configuration of {addresses}: use it in a with statement, or close it"
        warnings.warn(text, ResourceWarning, stacklevel=2, source=self)


def _weakly(method: Callable[[], None]) -> Callable[[], None]:
    """What calls a method as long as its object is there, and does not keep it there."""
    reference = WeakMethod(method)

    def call() -> None:
        bound = reference()
        if bound is not None:
            bound()

    return call


def _close(channels: Sequence[Channel]) -> None:
    """Close the channels of a pool that is gone."""

    async def close_all() -> None:
        await asyncio.gather(*(channel.close() for channel in channels))

    Joined(close_all, "pygorums close").begin()
