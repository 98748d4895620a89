"""Where requests come from: the streams that were accepted, those that we opened, and the own process."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakSet

from pygorums.serving.context import Host, StreamContext
from pygorums.serving.handlers import Handler
from pygorums.serving.in_order import InOrder
from pygorums.serving.replies import ReplyWriter
from pygorums.serving.slow_handlers import SlowHandlers
from pygorums.serving.surroundings import Surroundings
from pygorums.streams.channel import FrameSink
from pygorums.streams.options import StreamOptions
from pygorums.wire.handshake import NO_LIMIT, Pairs

__all__ = ["Sources"]


class Sources:
    """Has requests handled, in the same way wherever they come from.

    Args:
        host: The server, for contexts.
        handlers: The handlers by method name; may grow.
        options: How large replies may be, and how many handlers may run.
        surroundings: What handlers run in.
        cancel_abandoned: Whether handlers are cancelled whose callers do not wait any more.
    """

    def __init__(
        self,
        host: Host,
        handlers: Mapping[str, Handler],
        options: StreamOptions,
        surroundings: Surroundings,
        *,
        cancel_abandoned: bool,
    ) -> None:
        self._host = host
        self._handlers = handlers
        self._options = options
        self._surroundings = surroundings
        self._cancel_abandoned = cancel_abandoned
        self._slow_handlers = SlowHandlers(options.slow_handler, host.failures)
        self.stop = self._slow_handlers.stop
        self._all: WeakSet[InOrder] = WeakSet()

    @property
    def running(self) -> int:
        """How many handlers run."""
        return sum(len(source.tasks) for source in list(self._all))

    @property
    def held_bytes(self) -> int:
        """The bytes of requests that wait or are handled, and of replies that are not written."""
        return sum(source.holding.held_bytes for source in list(self._all))

    def add(
        self,
        sink: FrameSink,
        *,
        metadata: Pairs,
        peer: str,
        peer_id: int | None,
        auth_context: Mapping[str, list[bytes]],
        mark_end: bool,
        max_waiting: int,
        largest: int = NO_LIMIT,
        handlers: Mapping[str, Handler] | None = None,
    ) -> InOrder:
        """Handle the requests of one more source, of which handlers see what `StreamContext` has.

        Args:
            sink: Where replies go.
            metadata: What the other side has sent.
            peer: Its address.
            peer_id: Its node ID, if it has one.
            auth_context: What TLS says of it.
            mark_end: Whether it wants to be told the end of a streaming call's replies.
            max_waiting: Bytes of requests that may wait; further ones are refused.
            largest: The largest reply in bytes that it takes.
            handlers: What handles them, by method name, if that is not what handles all others.
        """
        options = self._options
        requests = InOrder(
            StreamContext(self._host, metadata, peer, peer_id, auth_context),
            self._handlers if handlers is None else handlers,
            ReplyWriter(sink, min(options.max_message, largest), self._host.failures, mark_end=mark_end),
            self._surroundings,
            max_released=options.max_released,
            max_waiting=max_waiting,
            cancel_abandoned=self._cancel_abandoned,
        )
        self._all.add(requests)
        self._slow_handlers.watch(requests)
        return requests
