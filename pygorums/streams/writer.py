"""The one place that writes to a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pygorums.streams.outgoing import CANCELLATION, UNOWNED, Outgoing
from pygorums.wire.batching import MAX_ENVELOPE, envelope, envelope_end
from pygorums.wire.framing import encode_announcement, encode_cancel

__all__ = ["NO_LIMIT", "UNOWNED", "Outgoing", "Send", "Writer"]

Send = Callable[[bytes], Coroutine[Any, Any, None]]
"""Writes one frame; done when the transport has taken it."""


NO_LIMIT = 1 << 62


class Writer:
    """A bounded first-in-first-out queue of frames, and what sends them.

    gRPC allows one write at a time and ends the stream if that is cancelled, so callers never write: they
    put frames here. Each time a write completes, all that has queued up meanwhile goes out, as one
    envelope if the peer takes envelopes. While nothing is being written a frame goes at once, with those that are put
    in the same turn of the event loop.
    No task is behind a write, which goes on in the very turn in which the transport is ready for it.
    The queue outlives a stream: what was not sent when a stream broke waits for the next one.

    Attributes:
        batching: Whether the peer takes envelopes.
        cancels: Whether the peer wants to be told of calls that were given up.
        largest: The largest frame in bytes that the peer takes.
        envelope_limit: An envelope stays under this many bytes.
        announce_above: The length of a frame that is larger is told beforehand.
        queued_bytes: The bytes of the frames that wait or are being written.
        wrote_at: When the last write began, in seconds of the event loop's clock.
    """

    def __init__(self, node_id: int, limit: int) -> None:
        self._node_id = node_id
        self._limit = limit
        self._frames: list[bytes] = []
        self._owners: list[Outgoing] = []  # of each frame
        self._taken: list[bytes] = []  # what is sent next; from `_taken_end` on no write has begun
        self._taken_owners: list[Outgoing] = []
        self._taken_end = 0
        self._writing: Sequence[Outgoing] = ()  # the owners of what is being written
        self._writing_bytes = 0
        self._send: Send | None = None  # while there is a stream
        self._write: Coroutine[Any, Any, None] | None = None  # that has begun
        self._awaited: asyncio.Future[Any] | None = None  # what it waits for
        self._over: asyncio.Future[None] | None = None  # gets the exception when a write fails
        self._idle = False  # whether a put has to begin a write
        self._one_ways = 0  # at least as many of the queued frames are one-way
        self._withdrawals = 0  # about as many of the frames need not be sent
        self._drained: asyncio.Future[None] | None = None
        self._announced: bytes | None = None  # the frame whose length was told
        self._given_up: list[tuple[Outgoing, bytes]] = []  # whose frame may have left, and what is to follow it then
        self.batching = False
        self.cancels = False
        self.largest = NO_LIMIT
        self.envelope_limit = MAX_ENVELOPE
        self.announce_above = NO_LIMIT
        self.queued_bytes = 0
        self.wrote_at = 0.0

    def put(self, frame: bytes, owner: Outgoing) -> bool:
        """Queue a frame; False, and nothing done, if it does not fit."""
        size = len(frame)
        if size > self.largest or (self.queued_bytes + size > self._limit and not self._make_room(size)):
            return False
        self.queued_bytes += size
        self._frames.append(frame)
        self._owners.append(owner)
        if self._idle:
            self._begin()
        return True

    def put_reply(self, frame: bytes, owner: Outgoing) -> None:
        """Queue a frame that somebody waits for, whether it fits or not; its owner wants to be told."""
        self._one_ways += 1
        self.queued_bytes += len(frame)
        self._frames.append(frame)
        self._owners.append(owner)
        if self._idle:
            self._begin()

    def _make_room(self, size: int) -> bool:
        # Looking for withdrawn frames costs as much as there are frames; it must be worth it.
        if 2 * self._withdrawals < len(self._frames) + len(self._taken):
            return False
        self._drop_withdrawn()
        return self.queued_bytes + size <= self._limit

    def put_one_way(self, frame: bytes, owner: Outgoing) -> bool:
        """Queue a frame whose owner wants to be told; False, and nothing done, if it does not fit."""
        if not self.put(frame, owner):
            return False
        self._one_ways += 1
        return True

    def why_not(self, frame: bytes, name: str, limit: int) -> str:
        """Why the node called `name` did not get a frame that `put` did not take."""
        if len(frame) > self.largest:
            return (
                f"{name} takes messages of up to {self.largest} bytes, this one has {len(frame)}; "
                "raise grpc.max_receive_message_length there"
            )
        return (
            f"{len(frame)} bytes do not fit into the send buffer of {name}: "
            f"{self.queued_bytes} of {limit} bytes are waiting to be sent"
        )

    def withdraw(self) -> None:
        """The owner of a frame, which may be waiting, says from now on that it is withdrawn."""
        self._withdrawals += 1

    def give_up(self, seq_no: int, owner: Outgoing) -> None:
        """Nobody waits any more for replies to a frame.

        If it is withdrawn and still waits it never leaves. Otherwise the peer is told, if it wants that.
        """
        self._withdrawals += 1
        if self.cancels:
            self._given_up.append((owner, encode_cancel(seq_no)))
            if self._idle:
                self._begin()

    @property
    def empty(self) -> bool:
        """Whether no frame waits; one may be being written."""
        return not self._frames and self._taken_end == len(self._taken)

    def waiting(self) -> Sequence[Outgoing]:
        """The owners of the frames that no write has begun for, oldest first."""
        self._give_back()
        return self._owners

    def resend(self, frames: Sequence[bytes], owners: Sequence[Outgoing]) -> None:
        """Put frames that a broken stream had taken before all that waits. They fitted once: no limit applies."""
        self._give_back()
        self._frames[:0] = frames
        self._owners[:0] = owners
        self.queued_bytes += sum(map(len, frames))

    def renew(self, frames: Mapping[int, bytes]) -> None:
        """Put other frames into the places of those that wait, by the identity of their owners."""
        if frames:
            self._give_back()
            self._frames = [frames.get(id(o), f) for f, o in zip(self._frames, self._owners, strict=True)]
            self.queued_bytes = sum(map(len, self._frames))

    def take_larger(self) -> list[tuple[bytes, Outgoing]]:
        """Take out the frames that are larger than the peer takes."""
        self._give_back()
        larger: list[tuple[bytes, Outgoing]] = []
        kept: list[tuple[bytes, Outgoing]] = []
        for pair in zip(self._frames, self._owners, strict=True):
            (larger if len(pair[0]) > self.largest else kept).append(pair)
        self._keep(kept)
        return larger

    def discard(self, error: Exception) -> None:
        """Forget all that waits; one-way messages fail with `error`."""
        self._give_back()
        owners, self._owners = self._owners, []
        self._frames = []
        self.queued_bytes = 0
        self._one_ways = 0
        self._fail(owners, error)
        self._wake_drained()

    def stream_broke(self, error: Exception) -> None:
        """Fail the one-way messages that were being written when the stream broke; what waits goes on waiting."""
        self.batching = self.cancels = False
        self._given_up.clear()
        self._give_back()
        # What was to follow calls of this stream means nothing on the next.
        self._keep([pair for pair in zip(self._frames, self._owners, strict=True) if pair[1] is not CANCELLATION])
        self.queued_bytes = sum(map(len, self._frames))
        writing, self._writing = self._writing, ()
        self._fail(writing, error)

    async def drained(self, limit: int) -> None:
        """Wait until no more than `limit` bytes are queued."""
        while self.queued_bytes > limit:
            if self._drained is None or self._drained.done():
                self._drained = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drained)

    async def run(self, send: Send) -> None:
        """Send what is queued, for ever, or until `send` raises.

        Then, and when this is cancelled, the frames of the last write are gone from the queue, and `stream_broke` has
        to be told.
        """
        self._loop = asyncio.get_running_loop()
        self._over = self._loop.create_future()
        self._send = send
        self._announced = None
        self._proceed(None)
        try:
            await self._over
        finally:
            self._stop()

    def _begin(self) -> None:
        self._idle = False
        # Callers whose replies came together have their turn in this round: a first one alone would part from them.
        self._loop.call_soon(self._proceed, None)

    def _proceed(self, awaited: asyncio.Future[Any] | None) -> None:
        """Go on with the write that has waited for `awaited`, and then with further ones until one has to wait."""
        if awaited is not self._awaited or self._send is None:
            return  # of a stream that is over
        try:
            while True:
                write = self._write
                if write is None:
                    write = self._write = self._next_write(self._send)
                    if write is None:
                        self._idle = True
                        return
                try:
                    self._awaited = write.send(None)
                except StopIteration:
                    self._write = self._awaited = None
                    self._wrote()
                else:
                    if self._awaited is not None:
                        self._awaited.add_done_callback(self._proceed)
                    else:  # it only lets others have their turn
                        self._loop.call_soon(self._proceed, None)
                    return
        except Exception as error:
            over = self._over
            if over is not None and not over.done():
                over.set_exception(error)
                over.exception()  # who runs this may be cancelled at this moment, and never see it

    def _next_write(self, send: Send) -> Coroutine[Any, Any, None] | None:
        """Start to write what goes out next; None if nothing waits."""
        if self._withdrawals:
            self._drop_withdrawn()
        if self._taken_end == len(self._taken):
            if not self._frames:
                return None
            self.wrote_at = self._loop.time()
            if len(self._frames) == 1:
                frame = self._frames[0]
                if len(frame) > self.announce_above and self._tells_length(frame):
                    return send(encode_announcement(len(frame)))
                self._frames.clear()
                self._writing = (self._owners.pop(),)
                self._writing_bytes = len(frame)
                return send(frame)
            self._taken, self._frames = self._frames, []
            self._taken_owners, self._owners = self._owners, []
            self._taken_end = 0
        else:
            self.wrote_at = self._loop.time()
        start = self._taken_end
        first = self._taken[start]
        if len(first) > self.announce_above and self._tells_length(first):
            return send(encode_announcement(len(first)))
        end = self._taken_end = envelope_end(self._taken, start, self.envelope_limit) if self.batching else start + 1
        whole = start == 0 and end == len(self._taken)
        frames = self._taken if whole else self._taken[start:end]
        self._writing = self._taken_owners if whole else self._taken_owners[start:end]
        if end == len(self._taken):
            # Or the calls of this write, and all that they hold, would stay until the next one.
            self._taken, self._taken_owners, self._taken_end = [], [], 0
        self._writing_bytes = sum(map(len, frames))
        return send(envelope(frames) if len(frames) > 1 else frames[0])

    def _tells_length(self, frame: bytes) -> bool:
        """Whether what is written now is only the length of a frame, which is written next."""
        if frame is self._announced:
            self._announced = None
            return False
        self._announced = frame
        self._writing = ()
        self._writing_bytes = 0
        return True

    def _wrote(self) -> None:
        owners, self._writing = self._writing, ()
        self.queued_bytes -= self._writing_bytes
        if self._one_ways:
            self._tell_sent(owners)
        if self._drained is not None:
            self._wake_drained()

    def _stop(self) -> None:
        write, self._write = self._write, None
        awaited, self._awaited = self._awaited, None
        self._send = None
        self._idle = False
        if awaited is not None and not awaited.cancel() and not awaited.cancelled():
            awaited.exception()  # or it would be said that nobody has asked for it
        if write is not None:
            with suppress(BaseException):
                write.throw(asyncio.CancelledError())
            write.close()

    def _tell_sent(self, owners: Iterable[Outgoing]) -> None:
        node_id, told = self._node_id, 0
        for owner in owners:
            if owner.one_way:
                told += 1
                owner.sent(node_id)
        self._one_ways -= told

    def _give_back(self) -> None:
        """Put what was taken and is not sent before all that waits."""
        if self._taken_end < len(self._taken):
            self._frames[:0] = self._taken[self._taken_end :]
            self._owners[:0] = self._taken_owners[self._taken_end :]
        self._taken, self._taken_owners, self._taken_end = [], [], 0

    def _drop_withdrawn(self) -> None:
        self._give_back()
        self._withdrawals = 0
        given_up, self._given_up = self._given_up, []
        if given_up:
            unsent = {id(owner) for owner in self._owners if owner.withdrawn}
            for owner, frame in given_up:
                if id(owner) not in unsent:
                    self.queued_bytes += len(frame)
                    self._frames.append(frame)
                    self._owners.append(CANCELLATION)
        self._keep([pair for pair in zip(self._frames, self._owners, strict=True) if not pair[1].withdrawn])

    def _keep(self, kept: Sequence[tuple[bytes, Outgoing]]) -> None:
        self.queued_bytes -= sum(map(len, self._frames)) - sum(len(frame) for frame, _ in kept)
        self._frames = [frame for frame, _ in kept]
        self._owners = [owner for _, owner in kept]

    def _fail(self, owners: Iterable[Outgoing], error: Exception) -> None:
        for owner in owners:
            if owner.one_way:
                owner.fail(self._node_id, error)

    def _wake_drained(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
