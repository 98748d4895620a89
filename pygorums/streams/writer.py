"""The one place that writes to a stream."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from pygorums.wire.batching import envelope, envelope_end

__all__ = ["Receipt", "Writer"]


class Receipt(Protocol):
    """Told what became of a one-way message."""

    def sent(self, node_id: int, /) -> None:
        """The transport has taken it."""

    def fail(self, node_id: int, error: Exception, /) -> None:
        """It was not sent."""


class Writer:
    """A bounded first-in-first-out queue of frames and the loop that sends them.

    gRPC allows one write at a time and ends the stream if that is cancelled, so callers never write: they
    put frames here. Each time a write completes, all that has queued up meanwhile goes out, as one
    envelope if the peer takes envelopes.

    The queue outlives a stream: what was not sent when a stream broke waits for the next one.

    Attributes:
        batching: Whether the peer takes envelopes.
        queued_bytes: The bytes of the frames that wait or are being written.
    """

    def __init__(self, node_id: int, limit: int) -> None:
        self._node_id = node_id
        self._limit = limit
        self._frames: list[bytes] = []
        self._receipts: deque[tuple[int, Receipt]] = deque()  # by the number of the frame they are for
        self._put_count = 0  # frames ever put, which numbers them
        self._wakeup: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self.batching = False
        self.queued_bytes = 0

    def put(self, frame: bytes) -> bool:
        """Queue a frame; False, and nothing done, if it does not fit."""
        queued = self.queued_bytes + len(frame)
        if queued > self._limit:
            return False
        self.queued_bytes = queued
        self._put_count += 1
        self._frames.append(frame)
        wakeup = self._wakeup
        if wakeup is not None:
            self._wakeup = None
            if not wakeup.done():
                wakeup.set_result(None)
        return True

    def put_with_receipt(self, frame: bytes, receipt: Receipt) -> bool:
        """Queue a frame and tell `receipt` what becomes of it; False, and nothing done, if it does not fit."""
        if not self.put(frame):
            return False
        self._receipts.append((self._put_count, receipt))
        return True

    def waiting(self) -> list[bytes]:
        """The frames that no write has begun for, oldest first."""
        return self._frames

    def resend(self, frames: list[bytes]) -> None:
        """Put frames that a stream which broke had taken before all that waits. They fitted once, so no limit applies."""
        self._frames[:0] = frames
        self.queued_bytes += sum(map(len, frames))
        # Frames are numbered by how many were put after them, so the numbers of waiting frames still hold.

    def discard(self, error: Exception) -> None:
        """Forget all that waits; their receipts fail with `error`."""
        self._frames.clear()
        self.queued_bytes = 0
        receipts, self._receipts = self._receipts, deque()
        for _, receipt in receipts:
            receipt.fail(self._node_id, error)
        self._wake_drained()

    async def drained(self, limit: int) -> None:
        """Wait until no more than `limit` bytes are queued."""
        while self.queued_bytes > limit:
            if self._drained is None or self._drained.done():
                self._drained = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drained)

    async def run(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Send what is queued, for ever, or until `send` raises.

        Then the frames of the failed write are gone from the queue, and their receipts have not been told:
        `fail_unsent` tells them.
        """
        loop = asyncio.get_running_loop()
        while True:
            if not self._frames:
                self._wakeup = loop.create_future()
                await self._wakeup
            frames, self._frames = self._frames, []
            start = 0
            try:
                while start < len(frames):
                    end = envelope_end(frames, start) if self.batching else start + 1
                    part = frames[start:end] if start or end < len(frames) else frames
                    start = end
                    await send(envelope(part) if len(part) > 1 else part[0])
                    self.queued_bytes -= sum(map(len, part))
                    if self._receipts:
                        self._tell_sent(len(frames) - start)
                    if self._drained is not None:
                        self._wake_drained()
            finally:
                if start < len(frames):
                    self._frames[:0] = frames[start:]

    def _tell_sent(self, unsent: int) -> None:
        """Tell the receipts of sent frames, given how many frames of the batch at hand are still unsent."""
        sent_count = self._put_count - len(self._frames) - unsent
        receipts = self._receipts
        while receipts and receipts[0][0] <= sent_count:
            receipts.popleft()[1].sent(self._node_id)

    def stream_broke(self, error: Exception) -> None:
        """Fail the receipts of frames that were being written when the stream broke; waiting frames keep theirs."""
        self.queued_bytes = sum(map(len, self._frames))
        begun_count = self._put_count - len(self._frames)
        receipts = self._receipts
        while receipts and receipts[0][0] <= begun_count:
            receipts.popleft()[1].fail(self._node_id, error)
        self.batching = False

    def _wake_drained(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
