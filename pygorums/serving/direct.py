"""Requests that do not come over a stream that the server accepted: from the own process, or back from a node."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from pygorums.base.errors import NodeClosedError
from pygorums.serving.context import StreamContext
from pygorums.serving.handlers import Handler
from pygorums.serving.in_order import InOrder
from pygorums.serving.inbox import Inbox
from pygorums.serving.replies import ReplyWriter
from pygorums.wire.framing import Frame, Message

__all__ = ["DirectRequests"]


class DirectRequests:
    """Handles requests in the order in which they are handed over.

    Args:
        context: What is known of the caller.
        handlers: The handlers by method name.
        replies: Where replies go.
        on_stop: Called when the source has ended.
    """

    def __init__(
        self,
        context: StreamContext,
        handlers: Mapping[str, Handler],
        replies: ReplyWriter,
        on_stop: Callable[[DirectRequests], None],
    ) -> None:
        self._inbox = Inbox()
        self._replies = replies
        self._on_stop = on_stop
        self._refusal: NodeClosedError | None = None
        self._requests = InOrder(context, handlers, replies, self._inbox.receive)
        self._requests.start()

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """The tasks that run handlers."""
        return self._requests.tasks

    @property
    def waiting_bytes(self) -> int:
        """The bytes of the requests whose turn has not come."""
        return self._inbox.bytes

    def take(self, messages: Sequence[Message | Frame], /) -> bool:
        """Handle requests after those that were taken before.

        Returns:
            Whether there was room for all; those for which there was none have been answered so.
        """
        if self._refusal is not None:
            self._replies.refuse_all(messages, self._refusal)
            return False
        refused = self._inbox.put(messages)
        for request in refused:
            self._replies.overloaded(request)
        return not refused

    def when_taken(self, callback: Callable[[], None], /) -> None:
        """Have `callback` called when the turn of the requests that wait now has come, or never will."""
        self._inbox.when_taken(callback)

    def stop(self) -> None:
        """The source has ended: cancel what is being handled and forget the rest."""
        self._on_stop(self)
        self._inbox.clear()
        self._requests.cancel(receiving=True)

    async def drained(self) -> None:
        """Wait until the requests that came before are handled; further ones are refused."""
        self._refusal = NodeClosedError("the server is stopping")
        self._inbox.end()
        await self._requests.finished()

    def shut_down(self) -> None:
        """The server stops: cancel what is being handled, and say so to those who wait, now and later."""
        self._refusal = NodeClosedError("the server has stopped")
        waiting = self._inbox.clear()
        self._requests.cancel(receiving=True, refusal=self._refusal)
        self._replies.refuse_all(waiting, self._refusal)
