"""How many bytes are held for one stream, requests until they are answered and replies until written, and for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import grpc

from pygorums.base.errors import StatusError
from pygorums.serving.backlog import Backlog
from pygorums.serving.context import ServerContext
from pygorums.streams.channel import FrameSink

__all__ = ["Holder", "Holding", "Holdings"]

MAX_HANDLED = 64 << 20
"""Bytes of requests whose handlers run, above which no further one starts."""

COUNTED_EVERY = 64 << 10
"""Bytes more than before that are worth being counted with what other streams hold."""

LARGE = 64 << 10
"""Bytes of a request from which on it matters that its payload is held besides what it was parsed to."""

ENTRY_COST = 256
"""What one pair of metadata takes in memory, in bytes."""

FEW_ENTRIES = 32


class Holder(Protocol):
    """What is held for one stream.

    Attributes:
        counted: How much of it was counted last.
    """

    counted: int

    @property
    def held_bytes(self) -> int:
        """The bytes of its requests that wait or are handled, and of its replies that are not written."""


class Holdings:
    """Ends the streams for which most is held when all together are too much.

    Each stream has bounds of its own, at which its client is braked; but many clients, or one that opens many streams,
    could hold so much for each. Those for which little is held do not notice.

    Args:
        limit: Bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._streams: dict[Holder, tuple[int, Callable[[StatusError], object]]] = {}
        self._total = 0  # of what was last known of each

    def enter(self, stream: Holder, end: Callable[[StatusError], object]) -> None:
        """Count what is held for a stream, and call `end` if that is too much."""
        self._streams[stream] = (0, end)

    def leave(self, stream: Holder) -> None:
        """A stream has ended, and with it all that was held for it."""
        known, _ = self._streams.pop(stream, (0, None))
        self._total -= known

    def changed(self, stream: Holder) -> None:
        """More, or less, is held for a stream than when this was last called."""
        if stream not in self._streams:
            return  # it has been ended
        self._note(stream)
        if self._total <= self._limit:
            return
        for each in self._streams:
            self._note(each)  # some hold less meanwhile
        while self._total > self._limit and self._streams:
            greediest = max(self._streams, key=lambda each: self._streams[each][0])
            held, end = self._streams[greediest]
            self.leave(greediest)
            text = (
                f"{held} bytes were held for this stream, the most of all, and for all together more than {self._limit}"
            )
            end(StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text))

    def _note(self, stream: Holder) -> None:
        known, end = self._streams[stream]
        held = stream.counted = stream.held_bytes
        self._streams[stream] = (held, end)
        self._total += held - known


class Holding:
    """Counts for one stream.

    Args:
        backlog: The requests that wait.
        sink: Where replies wait to be written.

    Attributes:
        all: Where this is counted with what is held for other streams.
    """

    def __init__(self, backlog: Backlog, sink: FrameSink) -> None:
        self._backlog = backlog
        self._sink = sink
        self._handled = 0
        self.counted = 0
        self.all: Holdings | None = None
        self._kept = 0

    @property
    def held_bytes(self) -> int:
        """All bytes that are held."""
        return self._backlog.bytes + self._handled + self._sink.queued_bytes + self._kept

    @property
    def full(self) -> bool:
        """Whether the handlers that run hold so much that no further one should start."""
        return self._handled > MAX_HANDLED

    def begun(self, ctx: ServerContext, size: int) -> None:
        """The handler of a request of so many bytes starts."""
        ctx.held_bytes = size
        self._handled += size
        if size > LARGE:
            ctx._read_entries()  # which lets go of the message
            self.released(ctx)

    def released(self, ctx: ServerContext) -> None:
        """A handler holds no longer the message, but its metadata, which take far more in memory than on the wire."""
        entries = len(ctx._pairs)
        if entries > FEW_ENTRIES:
            size = max(ctx.held_bytes, entries * ENTRY_COST)
            self._handled += size - ctx.held_bytes
            ctx.held_bytes = size

    def ended(self, ctx: ServerContext) -> None:
        """A handler has ended."""
        self._handled -= ctx.held_bytes
        ctx.held_bytes = 0

    def kept(self, size: int) -> None:
        """So many bytes are kept by what carries the stream."""
        self._kept = size
        self.grew()

    def grew(self) -> None:
        """There may be more than before."""
        if self.held_bytes > self.counted + COUNTED_EVERY and self.all is not None:
            self.all.changed(self)
