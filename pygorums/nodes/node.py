"""Nodes as a caller sees them, keys to sort them by, and the pool that all nodes of one `connect` share."""

from __future__ import annotations

import asyncio
import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import count
from typing import Any

from pygorums.base.errors import CallTimeoutError, ConfigurationError, NodeClosedError, counted
from pygorums.base.observers import Observers
from pygorums.base.pickling import Shared
from pygorums.base.timeout import sending_timeout
from pygorums.nodes.call_options import NO_OPTIONS
from pygorums.nodes.changes import Changes, Happenings
from pygorums.streams.channel import Channel
from pygorums.tasks.joined import Joined, resolve
from pygorums.transports.address import split_address

__all__ = ["Node", "Pool", "last_error", "latency", "node_id", "trouble"]


class Node(Shared):
    """A server that can be called. Configurations make nodes; they compare by identity.

    Attributes:
        id: The node's ID: unique in its pool, from 1 to 2**32 - 1.
        address: ``host:port`` as it was given.
        host: The host of the address.
        port: The port of the address.
        channel: What carries calls to it (for the call functions).
        pool: The connections that it belongs to (for the call functions).
    """

    __slots__ = ("address", "channel", "host", "id", "pool", "port")

    def __init__(self, node_id: int, address: str, channel: Channel, pool: Pool) -> None:
        self.id = node_id
        self.channel = channel
        self.pool = pool
        self.address = address
        try:
            self.host, self.port = split_address(address)
        except ConfigurationError:  # a client that connected to us, by other means than TCP
            self.host, self.port = address, 0

    @property
    def latency(self) -> float | None:
        """The time from sending a request to its successful reply, in seconds; None before the first one.

        An exponentially weighted moving average in which a new sample has the weight 0.2. A request that had to
        wait, as for its stream to be opened, is measured with that time: see `Configuration.wait_connected`.
        """
        return self.channel.pending.latency

    def quantile(self, part: float) -> float | None:
        """The seconds within which so large a part of the latest replies have come; None as long as there were few.

        Args:
            part: From 0 to 1: 0.5 for the median, 0.95 for what one reply of twenty exceeds.

        Raises:
            ValueError: `part` is not from 0 to 1.
        """
        if not 0 <= part <= 1:
            raise ValueError(f"a quantile is for a part from 0 to 1, not {part!r}")
        return self.channel.pending.recent.quantile(part)

    @property
    def last_error(self) -> Exception | None:
        """Why the stream to the node broke or could not be opened last; None while it stands, and at first."""
        error = None if self.channel.connected else self.channel.last_error
        # A copy, for whoever raises one adds its traceback to it.
        return copy.copy(error)

    @property
    def pending(self) -> int:
        """How many calls wait for this node's reply."""
        return self.channel.waiting

    @property
    def connected(self) -> bool:
        """Whether there is a stream to the node at this moment."""
        return self.channel.connected

    @property
    def suspected(self) -> bool:
        """Whether it is connected, but silent for longer than it used to be; only with `suspect_after` of `connect`."""
        return self.channel.suspected

    @property
    def is_inbound(self) -> bool:
        """Whether the node opens the stream, so that calls to it travel back over that."""
        return self.channel.inbound

    async def wait_connected(self, timeout: float | None = None) -> None:
        """Wait until there is a stream to the node.

        Args:
            timeout: Seconds to wait at most; None waits as long as it takes.

        Raises:
            TimeoutError: It was not in time. The text says what kept it away.
            NodeClosedError: Its configuration was closed.
        """
        timeout = sending_timeout(timeout)
        await self.pool.wait_connected((self,), 1, timeout)

    def __eq__(self, other: object) -> bool:
        # As without it, but it tells type checkers that a comparison with an ID, as `in` makes it, is no mistake.
        return self is other

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        state = "connected" if self.connected else "closed" if self.channel.closed else "not connected"
        return f"<Node {self.id} {self.address} {state}>"


def latency(node: Node) -> float:
    """The node's latency estimate in seconds; nodes without one come last."""
    return math.inf if node.latency is None else node.latency


def last_error(node: Node) -> bool:
    """Healthy nodes first: whether the node has an error."""
    return node.last_error is not None


def node_id(node: Node) -> int:
    """The node's ID."""
    return node.id


class Pool:
    """Nodes, the sequence numbers of calls to them, and the event loop they live in.

    Attributes:
        max_message: The largest message in bytes that is sent.
        options: What calls to its nodes start from.
        next_seq_no: Gives a new sequence number at each call.
        happenings: Tells what happens to its nodes.
        observers: Who observes calls to its nodes.
    """

    def __init__(
        self,
        *,
        max_message: int,
        interceptors: Sequence[Any] = (),
        first_seq_no: int = 1,
        observers: Observers | None = None,
    ) -> None:
        self.max_message = max_message
        self.options = NO_OPTIONS.extended(interceptors=interceptors)
        self.observers = Observers() if observers is None else observers
        self._nodes: dict[int, Node] = {}
        self.next_seq_no = count(first_seq_no).__next__
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._closing = Joined(self._close, "pygorums close")
        self._changed: asyncio.Future[None] | None = None
        self.happenings: Happenings[Node] = Happenings(lambda: self._closed)

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
        resolve(changed)

    async def changed(self) -> None:
        """Wait for the next change."""
        if self._changed is None:
            self._changed = self.loop.create_future()
        await asyncio.shield(self._changed)

    def changes(self, nodes: Iterable[Node]) -> Changes[Node]:
        """What happens to these nodes from now on."""
        return self.happenings.read(frozenset(nodes).__contains__)

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
            NodeClosedError: The pool was closed, or too many of the nodes were removed.
        """
        try:
            async with asyncio.timeout(timeout):
                while sum(node.connected for node in nodes) < count:
                    if self._closed:
                        raise NodeClosedError("the configuration was closed before its nodes were connected")
                    if sum(not node.channel.closed for node in nodes) < count:
                        gone = ", ".join(str(node.id) for node in nodes if node.channel.closed)
                        raise NodeClosedError(f"{count} nodes cannot be connected: of {len(nodes)}, {gone} was removed")
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
        self.happenings.wake()
        await self._closing()

    async def _close(self) -> None:
        await asyncio.gather(*(node.channel.close() for node in self._nodes.values()))
        self.notify()


def trouble(node: Node) -> str:
    """Why there is no stream to a node, in words that follow its name and address."""
    error = node.last_error
    if error is None:
        return "no answer yet"
    return str(error).removeprefix(f"node {node.id}: ").replace(f" {node.address}: ", " ", 1)
