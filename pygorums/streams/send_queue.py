"""What leaves next over a stream, of what waits to be sent.

How it works. Frames wait (`FrameQueue`). When a write may begin, an envelope is cut off what waits, and its frames are
being written (`_writing`) until the transport has taken them.

What only tells something of the stream goes before all else, in a message of its own, or, if it is an acknowledgement
and the next message is small, at the beginning of that. In a session what was written is kept until the other side has
taken it (`kept`), to be written again if the stream breaks.

There is no clock here, and no event loop but for those who wait until it is `drained`: whoever drives frames out asks
for the `next_messages`, and says when the transport `wrote` them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from pygorums.sessions.credit import Credit
from pygorums.sessions.kept import MESSAGE_COST, Kept
from pygorums.streams.frame_queue import FrameQueue
from pygorums.streams.outgoing import CANCELLATION, Outgoing
from pygorums.wire.batching import MAX_ENVELOPE, envelope, envelope_end
from pygorums.wire.framing import ACK, ANNOUNCEMENT, encode_announcement
from pygorums.wire.handshake import NO_LIMIT, Agreement

__all__ = ["SendQueue"]

JOINED = 4096
"""Bytes; a message that is shorter is joined with an acknowledgement before it."""

LONGEST_SIGN = 32
"""Bytes that this makes it longer at the most."""


class SendQueue(FrameQueue):
    """A queue of frames that says what to write next.

    Args:
        node_id: The node's ID, for owners; it may become another.
        limit: How many bytes may wait.

    Attributes:
        drains: Whether the peer and this end tell each other when there are to be no more calls.
        announce_above: The length of a frame that is larger is told beforehand.
        kept: In a session, what was written and is not acknowledged; None without one.
        wrote_at: When the last write began, in seconds of the event loop's clock; told by whoever sends.
    """

    def __init__(self, node_id: int, limit: int) -> None:
        super().__init__(node_id, limit)
        self._writing: Sequence[Outgoing] = ()  # the owners of what is being written
        self._writing_bytes = 0
        self._announced: bytes | None = None  # the frame whose length was told
        self._first: dict[bytes, bytes] = {}  # what goes before all else, by its kind
        self.kept: Kept[Outgoing] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._batching = False
        self._envelope_limit = MAX_ENVELOPE
        self.drains = False
        self.announce_above = NO_LIMIT
        self.wrote_at = 0.0

    def keep(self, kept: Kept[Outgoing] | None, credit: Credit[Outgoing] | None = None) -> None:
        """From now on what is written is kept, or nothing is; and requests need credit, or nothing does."""
        self._give_back()
        self.kept = kept
        self._credit = credit
        self._unchecked = NO_LIMIT if credit is None else credit.room
        if self._frames and self.wake is not None:
            self.wake()

    def acknowledged(self, credit: int | None) -> None:
        """Less is kept than before, and the other side may have said how much room it has."""
        if self._credit is not None:
            if credit is not None:
                self._credit.tell(credit)
            if not self._credit:
                self._unchecked = self._credit.room
            # Who has looked at what waits for credit has put it back among the frames.
            if self.wake is not None and (self._credit or self._frames):
                self.wake()

    def agree(self, agreement: Agreement) -> None:
        """Keep to what was agreed on for the stream that is used now."""
        self._batching = agreement.batching
        self._envelope_limit = agreement.envelope_limit
        self.cancels = agreement.cancel
        self.drains = agreement.drain
        self.largest = agreement.largest

    def announce(self, above: int) -> None:
        """Tell the length of frames that are larger beforehand, and make no envelope that is."""
        self.announce_above = above
        self._envelope_limit = min(self._envelope_limit, above)

    def beat(self) -> None:
        """Send an empty message, if nothing else is sent."""
        if not self._first and self.empty:
            self.tell(b"")

    def tell(self, sign: bytes, *, now: bool = True) -> None:
        """Send what only tells something of the stream, instead of one of its kind that was not sent yet.

        It leaves before all else, but not by itself unless it is to leave `now`.
        """
        self._first[sign[:1]] = sign
        if now and self.wake is not None:
            self.wake()

    @property
    def telling(self) -> bool:
        """Whether something is to be told that has not left."""
        return bool(self._first)

    def discard(self, error: Exception) -> None:
        """Forget all that waits; one-way messages fail with `error`."""
        self._give_back()
        owners, self._owners = self._owners, []
        self._frames = []
        self.queued_bytes = 0
        self._one_ways = 0
        self._fail(owners, error)
        self._wake_drained()

    def detach(self) -> None:
        """The stream is over and its session is not: what was being written counts as written."""
        self._announced = None
        self._first.clear()
        self._give_back()
        writing, self._writing = self._writing, ()
        self._tell_sent(writing)
        self._recount()

    def stream_broke(self, error: Exception) -> None:
        """Fail the one-way messages that were being written when the stream broke; what waits goes on waiting."""
        self._batching = self.cancels = False
        self._announced = None
        self._first.clear()
        self._given_up.clear()
        self._give_back()
        # What was to follow calls of this stream means nothing on the next.
        self._keep([pair for pair in zip(self._frames, self._owners, strict=True) if pair[1] is not CANCELLATION])
        self._recount()
        writing, self._writing = self._writing, ()
        self._fail(writing, error)

    async def drained(self, limit: int, *, everything: bool = False) -> None:
        """Wait until no more than `limit` bytes are queued, and all is told that goes before them.

        Args:
            limit: Bytes.
            everything: Whether to wait also for what waits for credit, all of it.
        """
        while self.queued_bytes > limit or self._first or (everything and self.held_bytes):
            if self.wake is not None:
                self.wake()  # what is told with others waits for them no longer
            if self._drained is None or self._drained.done():
                self._drained = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drained)

    def next_messages(self, at_once: int) -> Sequence[bytes]:
        """What goes out next; nothing if nothing waits. Before it is called again there has to be a `wrote`.

        Args:
            at_once: Where there are no envelopes, how many bytes of frames go out together; one frame at least.
        """
        if self._first:
            return self._tell_first(at_once)
        if self._withdrawals:
            self._drop_withdrawn()
        if self._taken_end == len(self._taken):
            kept, count = self.kept, len(self._frames)
            if kept is not None and kept.size + self.queued_bytes + MESSAGE_COST * count > self._unchecked:
                if not self._sift(kept):
                    return ()
            elif count == 0:
                return ()
            elif count == 1:
                (frame,) = frames = self._frames
                size = len(frame)
                if size > self.announce_above and self._tells_length(frame):
                    return (encode_announcement(size),)
                self._writing, self._writing_bytes = self._owners, size
                self._frames, self._owners = [], []
                if kept is not None:
                    kept.wrote(frames, self._writing, size + MESSAGE_COST)
                return frames
            else:
                self._taken, self._frames = self._frames, []
                self._taken_owners, self._owners = self._owners, []
                self._taken_end = 0
        start = self._taken_end
        first = self._taken[start]
        if len(first) > self.announce_above and self._tells_length(first):
            return (encode_announcement(len(first)),)
        limit = self._envelope_limit if self._batching else min(at_once, self.announce_above)
        end = self._taken_end = envelope_end(self._taken, start, limit)
        whole = start == 0 and end == len(self._taken)
        frames = self._taken if whole else self._taken[start:end]
        self._writing = self._taken_owners if whole else self._taken_owners[start:end]
        if end == len(self._taken):
            # Or the calls of this write, and all that they hold, would stay until the next one.
            self._taken, self._taken_owners, self._taken_end = [], [], 0
        self._writing_bytes = sum(map(len, frames))
        if self.kept is not None:
            self.kept.wrote(frames, self._writing, self._writing_bytes + MESSAGE_COST * len(frames))
        return (envelope(frames),) if self._batching and len(frames) > 1 else frames

    def _sift(self, kept: Kept[Outgoing]) -> bool:
        """Take what there is credit for; whether there is any such."""
        credit = self._credit
        assert credit is not None
        self._taken, self._taken_owners = credit.sift(self._frames, self._owners, kept)
        self._taken_end = 0
        self._frames, self._owners = [], []
        self.queued_bytes = sum(map(len, self._taken))
        self._note_held(credit)
        return bool(self._taken)

    def _tell_first(self, at_once: int) -> Sequence[bytes]:
        told, self._first = self._first, {}
        self._writing = ()
        self._writing_bytes = 0
        messages = self.next_messages(at_once)
        first = messages[0] if messages and len(told) == 1 and ACK in told else ANNOUNCEMENT
        if len(first) < min(JOINED, self.largest - LONGEST_SIGN) and not first.startswith(ANNOUNCEMENT):
            # What a message costs is more than what it takes to put two into one.
            return (told[ACK] + first, *messages[1:])
        return (*told.values(), *messages)

    def _tells_length(self, frame: bytes) -> bool:
        """Whether what is written now is only the length of a frame, which is written next."""
        if frame is self._announced:
            self._announced = None
            return False
        self._announced = frame
        self._writing = ()
        self._writing_bytes = 0
        return True

    def wrote(self) -> None:
        """The transport has taken what `next_messages` gave."""
        owners, self._writing = self._writing, ()
        self.queued_bytes -= self._writing_bytes
        if self._one_ways:
            self._tell_sent(owners)
        if self._drained is not None:
            self._wake_drained()

    def _tell_sent(self, owners: Iterable[Outgoing]) -> None:
        node_id, told = self.node_id, 0
        for owner in owners:
            if owner.one_way:
                told += 1
                owner.sent(node_id)
        self._one_ways -= told

    def _wake_drained(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
