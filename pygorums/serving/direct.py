"""Requests that do not come over a stream that the server accepted: from the own process, or back from a node."""
# ruff: noqa: D102 - methods without a docstring are as RequestHandling says

from __future__ import annotations

from asyncio import Task
from collections.abc import Callable, Sequence

from pygorums.base.errors import NodeClosedError
from pygorums.serving.in_order import InOrder
from pygorums.serving.succession import Succession
from pygorums.wire.framing import Frame, Message

__all__ = ["DirectRequests"]


class DirectRequests:
    """Has requests handled in the order in which they are handed over, after those that came the same way before.

    Args:
        requests: Handles them.
        succession: What came the same way before.
        on_stop: Called when the source has ended and no handler runs any more.
    """

    def __init__(self, requests: InOrder, succession: Succession, on_stop: Callable[[DirectRequests], None]) -> None:
        self._requests = requests
        self._replies = requests.replies
        self.when_below = requests.backlog.when_below
        self._succession = succession
        self._on_stop = on_stop
        self._refusal: NodeClosedError | None = None
        self.gap = False
        """Whether there was no room for a one-way message, whose sender does not learn that from an answer."""
        succession.begin(requests)

    @property
    def tasks(self) -> Sequence[Task[None]]:
        """The tasks that run handlers."""
        return self._requests.tasks

    @property
    def waiting_bytes(self) -> int:
        return self._requests.backlog.bytes

    def take(self, messages: Sequence[Message | Frame], size: int, /) -> bool:
        if self._refusal is not None:
            self._replies.refuse_all(messages, self._refusal)
            return False
        refused = self._requests.put_soon(messages, size)
        for request in refused:
            self._replies.overloaded(request)
            self.gap = self.gap or self._requests.is_one_way(request.method)
        return not refused

    def stop(self) -> None:
        """The source has ended: cancel what is being handled and forget the rest."""
        self._requests.cancel()
        self._succession.ended(self._requests)
        self._requests.when_idle(lambda: self._on_stop(self))

    async def drained(self) -> None:
        """Wait until the requests that came before are handled; further ones are refused."""
        self._refusal = NodeClosedError("the server is stopping")
        await self._requests.finished()

    def shut_down(self) -> None:
        """The server stops: cancel what is being handled, and say so to those who wait, now and later."""
        self._refusal = NodeClosedError("the server has stopped")
        self._requests.cancel(self._refusal)
