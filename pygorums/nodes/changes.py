"""Changes of nodes, as they happen: who gets connected or lost, comes or goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from pygorums.base.errors import StreamDownError
from pygorums.nodes.unread import Unread
from pygorums.tasks.joined import resolve

__all__ = ["Changes", "Happenings", "NodeAdded", "NodeChange", "NodeDown", "NodeRemoved", "NodeSuspected", "NodeUp"]


class HasId(Protocol):
    """A node of either world."""

    @property
    def id(self) -> int:
        """Its ID."""


class Watched(HasId, Protocol):
    """A node that things happen to."""

    @property
    def connected(self) -> bool:
        """Whether there is a stream to it."""

    @property
    def suspected(self) -> bool:
        """Whether it is silent for longer than it used to be."""

    @property
    def last_error(self) -> Exception | None:
        """Why there is none."""


N = TypeVar("N", bound=HasId)
W = TypeVar("W", bound=Watched)


@dataclass(frozen=True, slots=True)
class NodeChange(Generic[N]):
    """Something has happened to a node. What it was is its class.

    Attributes:
        node: The node.
    """

    node: N

    @property
    def node_id(self) -> int:
        """The node's ID."""
        return self.node.id


@dataclass(frozen=True, slots=True)
class NodeUp(NodeChange[N]):
    """There is a stream to the node now: what is sent to it is on its way."""


@dataclass(frozen=True, slots=True)
class NodeDown(NodeChange[N]):
    """There is no stream to the node any more, or the first attempt to reach it has failed.

    Attributes:
        reason: Why, as `Node.last_error`.
    """

    reason: Exception


@dataclass(frozen=True, slots=True)
class NodeSuspected(NodeChange[N]):
    """The node, which there is a stream to, is silent for longer than it used to be: it may be down.

    `NodeUp` follows when it is heard again, `NodeDown` when its stream is given up. Only with `suspect_after`.
    """


@dataclass(frozen=True, slots=True)
class NodeAdded(NodeChange[N]):
    """There is one more node."""


@dataclass(frozen=True, slots=True)
class NodeRemoved(NodeChange[N]):
    """The node is no more: calls to it fail for good. Nothing follows of it, and its ID may become another node's."""


State = type[NodeChange[Any]]


class Changes(Generic[W]):
    """What happens to the nodes of a configuration, from now on and in order: an asynchronous iterator.

    Everything that happened is told, unless the reader is slow: then it may be that only the newest of each node is,
    and nothing that it knows already. To be cancelled while waiting for the next one loses none. It ends with the
    configuration, once all is told, and by `aclose`. A reader that leaves its loop may just forget it.

    Of one node no two of a kind follow each other. At first a node is as it was when this was made: see
    `Node.connected`.
    """

    def __init__(self, owner: Happenings[W], known: dict[W, State], wanted: Callable[[W], bool]) -> None:
        self._owner = owner
        self._unread: Unread[W, State, NodeChange[W]] = Unread(known, first=NodeAdded, last=NodeRemoved)
        self._wanted = wanted
        self._news: asyncio.Future[None] | None = None  # while somebody waits
        self._left = False

    @property
    def missed(self) -> int:
        """How many changes were left out, because newer ones of the same nodes came before they were read."""
        return self._unread.missed

    def put(self, change: NodeChange[W], node: W) -> None:
        """Something has happened (for those who make it happen)."""
        if not self._left and self._wanted(node):
            self._unread.put(node, type(change), change)
            self.wake()

    def wake(self) -> None:
        """Have a reader that waits look again."""
        news, self._news = self._news, None
        resolve(news)

    async def ready(self) -> bool:
        """Wait until there is something to `take`; False if there will not be."""
        while not self._unread:
            if self._left or self._owner.over:
                return False
            if self._news is None:
                self._news = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._news)
        return not self._left

    def take(self) -> NodeChange[W] | None:
        """The next change, without waiting; None if there is none yet."""
        return self._unread.take() if self._unread else None

    def __aiter__(self) -> AsyncIterator[NodeChange[W]]:
        return self

    async def __anext__(self) -> NodeChange[W]:
        if not await self.ready():
            raise StopAsyncIteration
        return self._unread.take()

    async def aclose(self) -> None:
        """Be told no more."""
        self._left = True
        self.wake()


class Happenings(Generic[W]):
    """Tells readers what happens to the nodes of a pool. What it tells is as the nodes are at that moment.

    Args:
        over: Whether nothing will happen any more.
    """

    def __init__(self, over: Callable[[], bool]) -> None:
        self._over = over
        self._states: dict[W, State] = {}
        self._readers: WeakKeyDictionary[Changes[W], None] = WeakKeyDictionary()  # in the order in which they came

    @property
    def over(self) -> bool:
        """Whether nothing will happen any more."""
        return self._over()

    def read(self, wanted: Callable[[W], bool]) -> Changes[W]:
        """A reader of what happens from now on to nodes that are wanted."""
        reader: Changes[W] = Changes(self, dict(self._states), wanted)
        self._readers[reader] = None
        return reader

    def added(self, node: W) -> None:
        """There is one more node."""
        self._tell(NodeAdded(node), node)
        self.look(node)

    def removed(self, node: W) -> None:
        """A node is no more."""
        self._states.pop(node, None)
        self._tell(NodeRemoved(node), node)

    def look(self, node: W) -> None:
        """A node may have been connected, or lost."""
        before = self._states.get(node)
        change: NodeChange[W]
        if node.connected:
            change = NodeSuspected(node) if node.suspected else NodeUp(node)
        elif before is None and node.last_error is None:
            return  # it is not known yet
        else:
            change = NodeDown(node, node.last_error or StreamDownError("the stream is gone", node_id=node.id))
        if type(change) is not before:
            self._states[node] = type(change)
            self._tell(change, node)

    def _tell(self, change: NodeChange[W], node: W) -> None:
        if not self.over:
            for reader in list(self._readers):
                reader.put(change, node)

    def wake(self) -> None:
        """Have all readers look whether it is over."""
        for reader in list(self._readers):
            reader.wake()
