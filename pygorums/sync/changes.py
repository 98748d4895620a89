"""Changes of nodes, for the blocking facade."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Generic, TypeVar, cast

from pygorums.base.pickling import Local
from pygorums.nodes.changes import Changes as AsyncChanges
from pygorums.nodes.changes import HasId, NodeChange
from pygorums.nodes.node import Node as AsyncNode
from pygorums.sync.loop_thread import LoopThread

__all__ = ["Changes"]

N = TypeVar("N", bound=HasId)


class Changes(Local, Generic[N]):
    """`pygorums.Changes` for the blocking facade: an iterator, whose changes have nodes of the facade.

    It may be read by several threads, each of which gets some. An interrupt while it waits for the next one loses none.

    Args:
        make: Begins to take note of what happens; called on the loop.
        thread: The event loop's thread.
        facade: Makes a node of the facade.
    """

    def __init__(
        self,
        make: Callable[[], AsyncChanges[AsyncNode]],
        thread: LoopThread,
        facade: Callable[[AsyncNode, LoopThread], N],
    ) -> None:
        self._changes = thread.call(make)
        self._facade = facade
        self._thread = thread

    @property
    def missed(self) -> int:
        """As `pygorums.Changes.missed`."""
        return self._changes.missed

    def __iter__(self) -> Iterator[NodeChange[N]]:
        return self

    def __next__(self) -> NodeChange[N]:
        while self._thread.run(self._changes.ready):
            change = self._thread.call(self._changes.take)
            if change is not None:  # or another thread has taken it
                return cast("NodeChange[N]", replace(cast("Any", change), node=self._facade(change.node, self._thread)))
        raise StopIteration

    def close(self) -> None:
        """Be told no more. A thread that waits for the next one is told that it is over."""
        self._thread.run(self._changes.aclose)
