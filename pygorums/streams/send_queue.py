"""What waits to be sent over a stream: in what order, how much of it, and what leaves next.

How it works. Frames are bytes that are encoded already, each with its owner, the call that it belongs to; both stand in
two lists side by side. A frame goes through three stages:

- it waits (`_frames`). Here it can be withdrawn, replaced, refused, or overtaken by what is sent again;
- it is taken (`_taken`): when a write may begin, all that waits is taken at once, and an index then cuts one envelope
  after the other off it, since to take some frames off the front of a long list would move all others each time. What
  no write has begun for is given back (`_give_back`) before anything is done to those that wait, which is rare;
- it is being written (`_writing`), and counts until the transport has taken it.

Owners are asked only when there is reason to. Who is one-way wants to be told that its frame was sent, so these are
counted, and a write without any looks at no owner. Who gives up says so to its own `withdrawn`, and here it is only
counted: such frames are dropped all together before the next write, or when there is no room and they may be half of
all. So a withdrawal costs a constant amount however long the queue is. If the frame had left before that, and the
peer wants to know, a message that says so follows.

What only tells something of the stream goes before all else, in a message of its own, or, if it is an acknowledgement
and the next message is small, at the beginning of that. In a session what was written is kept until the other side has
taken it (`kept`), to be written again if the stream breaks. Where so much is kept that the other side has no room for
all that waits, requests wait elsewhere (`Credit`), behind what is taken and before what waits, and what needs no credit
passes them.

There is no clock here, and no event loop but for those who wait until it is `drained`: whoever drives frames out asks
for the `next_messages`, and says when the transport `wrote` them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from pygorums.sessions.credit import Credit
from pygorums.sessions.kept import MESSAGE_COST, Kept
from pygorums.streams.outgoing import CANCELLATION, Outgoing
from pygorums.wire.batching import MAX_ENVELOPE, envelope, envelope_end
from pygorums.wire.framing import ACK, ANNOUNCEMENT, encode_announcement, encode_cancel
from pygorums.wire.handshake import NO_LIMIT, Agreement

__all__ = ["SendQueue"]

JOINED = 4096
"""Bytes; a message that is shorter is joined with an acknowledgement before it."""

LONGEST_SIGN = 32
"""Bytes that this makes it longer at the most."""


class SendQueue:
    """A bounded first-in-first-out queue of frames. It outlives a stream: what was not sent waits for the next one.

    Args:
        node_id: The node's ID, for owners; it may become another.
        limit: How many bytes may wait.

    Attributes:
        node_id: The same.
        cancels: Whether the peer wants to be told of calls that were given up.
        drains: Whether the peer and this end tell each other when there are to be no more calls.
        largest: The largest frame in bytes that the peer takes.
        announce_above: The length of a frame that is larger is told beforehand.
        queued_bytes: The bytes of the frames that wait or are being written, but not of those that wait for credit.
        held_bytes: The bytes of those that wait for credit.
        kept: In a session, what was written and is not acknowledged; None without one.
        wake: Called when there is something to send again. Whoever sends sets it when there was nothing left.
        wrote_at: When the last write began, in seconds of the event loop's clock; told by whoever sends.
    """

    def __init__(self, node_id: int, limit: int) -> None:
        self.node_id = node_id
        self._limit = limit
        self._room = limit  # the same, less what waits for credit
        self._frames: list[bytes] = []
        self._owners: list[Outgoing] = []  # of each frame
        self._taken: list[bytes] = []  # what is sent next; from `_taken_end` on no write has begun
        self._taken_owners: list[Outgoing] = []
        self._taken_end = 0
        self._writing: Sequence[Outgoing] = ()  # the owners of what is being written
        self._writing_bytes = 0
        self._one_ways = 0  # no fewer than the queued frames that are one-way
        self._withdrawals = 0  # about as many of the frames need not be sent
        self._given_up: list[tuple[Outgoing, bytes]] = []  # whose frame may have left, and what is to follow it then
        self._announced: bytes | None = None  # the frame whose length was told
        self._first: dict[bytes, bytes] = {}  # what goes before all else, by its kind
        self.kept: Kept[Outgoing] | None = None
        self._credit: Credit[Outgoing] | None = None
        self._unchecked = NO_LIMIT  # if no more than this is kept, with all that waits, there is credit for all
        self._drained: asyncio.Future[None] | None = None
        self._batching = False
        self._envelope_limit = MAX_ENVELOPE
        self.cancels = self.drains = False
        self.largest = NO_LIMIT
        self.announce_above = NO_LIMIT
        self.queued_bytes = self.held_bytes = 0
        self.wake: Callable[[], None] | None = None
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
            elif self.wake is not None:
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

    def put(self, frame: bytes, owner: Outgoing) -> bool:
        """Queue a frame; False, and nothing done, if it does not fit."""
        size = len(frame)
        if size > self.largest or (self.queued_bytes + size > self._room and not self._make_room(size)):
            return False
        self.queued_bytes += size
        self._frames.append(frame)
        self._owners.append(owner)
        if self.wake is not None:
            self.wake()
        return True

    def put_reply(self, frame: bytes, owner: Outgoing) -> None:
        """Queue a frame that somebody waits for, whether it fits or not; its owner wants to be told."""
        self._one_ways += 1
        self.put_anyway(frame, owner)

    def put_anyway(self, frame: bytes, owner: Outgoing) -> None:
        """Queue a frame, whether it fits or not; its owner does not want to be told."""
        self.queued_bytes += len(frame)
        self._frames.append(frame)
        self._owners.append(owner)
        if self.wake is not None:
            self.wake()

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

    def _make_room(self, size: int) -> bool:
        # Looking for withdrawn frames costs as much as there are frames; it must be worth it.
        held = 0 if self._credit is None else len(self._credit)
        if 2 * self._withdrawals < len(self._frames) + len(self._taken) + held:
            return False
        self._give_back()
        self._drop_withdrawn()
        return self.queued_bytes + size <= self._room

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
            f"{self.queued_bytes + self.held_bytes} of {limit} bytes are waiting to be sent"
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
            if self.wake is not None:
                self.wake()

    @property
    def empty(self) -> bool:
        """Whether no frame waits; one may be being written, and some may wait for credit."""
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

    def take_out(self, gone: Callable[[bytes, Outgoing], bool]) -> list[tuple[bytes, Outgoing]]:
        """Take out some frames, so that they never leave; those, with their owners."""
        self._give_back()
        pairs = list(zip(self._frames, self._owners, strict=True))
        taken = [pair for pair in pairs if gone(*pair)]
        if taken:
            self._keep([pair for pair in pairs if not gone(*pair)])
        return taken

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

    def _note_held(self, credit: Credit[Outgoing]) -> None:
        self.held_bytes = credit.size
        self._room = self._limit - credit.size
        self._unchecked = -1 if credit else credit.room

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

    def _recount(self) -> None:
        self.queued_bytes = sum(map(len, self._frames))

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

    def _give_back(self) -> None:
        """Put what was taken and is not sent, and what waits for credit, before all that waits."""
        if self._credit:
            self.queued_bytes += self._credit.size
            frames, owners = self._credit.take_back()
            self._frames[:0] = frames
            self._owners[:0] = owners
            self._note_held(self._credit)
        if self._taken_end < len(self._taken):
            self._frames[:0] = self._taken[self._taken_end :]
            self._owners[:0] = self._taken_owners[self._taken_end :]
        self._taken, self._taken_owners, self._taken_end = [], [], 0

    def _drop_withdrawn(self) -> None:
        credit = self._credit
        if not credit or self._taken_end < len(self._taken) or 2 * self._withdrawals > len(credit):
            self._give_back()
            self._withdrawals = 0
        # Or else the few of those that wait for credit are dropped when they have it.
        given_up, self._given_up = self._given_up, []
        if given_up:
            unsent = set(map(id, self._owners))
            if credit:
                unsent |= credit.waiting
            for owner, frame in given_up:
                if id(owner) not in unsent:
                    self.queued_bytes += len(frame)
                    self._frames.append(frame)
                    self._owners.append(CANCELLATION)
                elif not owner.withdrawn:
                    # It must not pass its request, which is sent all the same: when that has left.
                    self._given_up.append((owner, frame))
                    self._withdrawals = max(self._withdrawals, 1)
        self._keep([pair for pair in zip(self._frames, self._owners, strict=True) if not pair[1].withdrawn])

    def _keep(self, kept: Sequence[tuple[bytes, Outgoing]]) -> None:
        self.queued_bytes -= sum(map(len, self._frames)) - sum(len(frame) for frame, _ in kept)
        self._frames = [frame for frame, _ in kept]
        self._owners = [owner for _, owner in kept]

    def _fail(self, owners: Iterable[Outgoing], error: Exception) -> None:
        for owner in owners:
            if owner.one_way:
                owner.fail(self.node_id, error)

    def _wake_drained(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
