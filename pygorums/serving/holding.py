"""How many bytes are held for one stream: requests until they are answered, replies until they are written."""

from __future__ import annotations

from pygorums.serving.backlog import Backlog
from pygorums.serving.context import ServerContext
from pygorums.serving.holdings import Holdings
from pygorums.streams.channel import FrameSink

__all__ = ["Holding"]

MAX_HANDLED = 64 << 20
"""Bytes of requests whose handlers run, above which no further one starts."""

COUNTED_EVERY = 64 << 10
"""Bytes more than before that are worth being counted with what other streams hold."""

LARGE = 64 << 10
"""Bytes of a request from which on it matters that its payload is held besides what it was parsed to."""

ENTRY_COST = 256
"""What one pair of metadata takes in memory, in bytes."""

FEW_ENTRIES = 32


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
        self._known = COUNTED_EVERY
        self.all: Holdings | None = None

    @property
    def held_bytes(self) -> int:
        """All bytes that are held."""
        return self._backlog.bytes + self._handled + self._sink.queued_bytes

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

    def grew(self) -> None:
        """There may be more than before."""
        held = self.held_bytes
        if held > self._known:
            self._known = held + COUNTED_EVERY
            if self.all is not None:
                self.all.changed(self)
