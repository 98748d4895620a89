"""Requests that do not come over a stream that the server accepted: from the own process, or back from a node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

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
        on_stop: Called when it is stopped.
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
        self._requests = InOrder(context, handlers, replies, self._inbox.receive)

    def take(self, messages: Sequence[Message | Frame], /) -> None:
        """Handle requests after those that were taken before. Those that find no room are refused."""
        for refused in self._inbox.put(messages):
            self._replies.overloaded(refused)

    def stop(self) -> None:
        """Cancel what is being handled and forget the rest."""
        self._on_stop(self)
        self._requests.cancel(receiving=True)
