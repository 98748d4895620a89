"""What waits to be sent over a stream: in what order, and how much of it.

How it works. Frames are bytes that are encoded already, each with its owner, the call that it belongs to; both stand in
two lists side by side. A frame goes through three stages:

- it waits (`_frames`). Here it can be withdrawn, replaced, refused, or overtaken by what is sent again;
- it is taken (`_taken`): when a write may begin, all that waits is taken at once, and an index then cuts one envelope
  after the other off it, since to take some frames off the front of a long list would move all others each time. What
  no write has begun for is given back (`_give_back`) before anything is done to those that wait, which is rare;
- it is being written, which is `SendQueue`'s.

Owners are asked only when there is reason to. Who is one-way wants to be told that its frame was sent, so these are
counted, and a write without any looks at no owner. Who gives up says so to its own `withdrawn`, and here it is only
counted: such frames are dropped all together before the next write, or when there is no room and they may be half of
all. So a withdrawal costs a constant amount however long the queue is. If the frame had left before that, and the
peer wants to know, a message that says so follows.

In a session in which so much is kept that the other side has no room for all that waits, requests wait elsewhere
(`Credit`), behind what is taken and before what waits, and what needs no credit passes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from pygorums.sessions.credit import Credit
from pygorums.streams.outgoing import CANCELLATION, Outgoing
from pygorums.wire.framing import encode_cancel
from pygorums.wire.handshake import NO_LIMIT

__all__ = ["FrameQueue"]


class FrameQueue:
    """A bounded first-in-first-out queue of frames. It outlives a stream: what was not sent waits for the next one.

    Args:
        node_id: The node's ID, for owners; it may become another.
        limit: How many bytes may wait.

    Attributes:
        node_id: The same.
        cancels: Whether the peer wants to be told of calls that were given up.
        largest: The largest frame in bytes that the peer takes.
        queued_bytes: The bytes of the frames that wait or are being written, but not of those that wait for credit.
        held_bytes: The bytes of those that wait for credit.
        wake: Called when there is something to send again. Whoever sends sets it when there was nothing left.
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
        self._one_ways = 0  # no fewer than the queued frames that are one-way
        self._withdrawals = 0  # about as many of the frames need not be sent
        self._given_up: list[tuple[Outgoing, bytes]] = []  # whose frame may have left, and what is to follow it then
        self._credit: Credit[Outgoing] | None = None
        self._unchecked = NO_LIMIT  # if no more than this is kept, with all that waits, there is credit for all
        self.cancels = False
        self.largest = NO_LIMIT
        self.queued_bytes = self.held_bytes = 0
        self.wake: Callable[[], None] | None = None

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

    def _note_held(self, credit: Credit[Outgoing]) -> None:
        self.held_bytes = credit.size
        self._room = self._limit - credit.size
        self._unchecked = -1 if credit else credit.room

    def _recount(self) -> None:
        self.queued_bytes = sum(map(len, self._frames))

    def _fail(self, owners: Iterable[Outgoing], error: Exception) -> None:
        for owner in owners:
            if owner.one_way:
                owner.fail(self.node_id, error)
