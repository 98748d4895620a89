"""The two ends of a session as an engine would be, without streams: what is queued, what runs, whom to tell what.

Time is not passed by clocks but by what the schedule does next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from tests.unit.sessions.schedules.network import Conn

__all__ = ["Call", "End", "Item", "Weight"]


class Weight(bytes):
    """A frame that is as long as it says, and empty."""

    length: int

    def __new__(cls, length: int) -> Self:
        weight = super().__new__(cls)
        weight.length = length
        return weight

    def __len__(self) -> int:
        return self.length


@dataclass(eq=False)
class Call:
    """A call, and what its caller was told.

    Attributes:
        outcome: reply, down (certainly not handled), unknown, lost (a one-way call that had returned), closed.
        returned: whether a one-way call has returned, because it was written.
        written: whether it was written, and the other end is not known not to have taken it.
        got: the numbers of the replies that came.
        handled: at which ends it was handled.
    """

    number: int
    up: bool
    kind: str
    idempotent: bool = False
    size: int = 1
    outcome: str | None = None
    gave_up: bool = False
    returned: bool = False
    written: bool = False
    got: list[int] = field(default_factory=list)
    handled: list[int] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether its caller waits."""
        return self.outcome is None and not self.gave_up and not self.returned

    def settle(self, outcome: str) -> None:
        """Tell the caller, who listens once."""
        if self.outcome is None and (self.open or (outcome == "lost" and self.returned)):
            self.outcome = outcome


@dataclass(eq=False)
class Item:
    """A message that counts: a request, a reply, a last reply, or a cancel."""

    kind: str
    call: Call
    size: int = 1
    number: int = 0  # of a reply among those to its call
    withdrawn: bool = False
    nested: Call | None = None  # that its handler waits for

    @property
    def request(self) -> bool:
        """Whether it needs credit."""
        return self.kind == "request"


class End:
    """One end of a session, whichever: it writes what it may in order, and handles what it takes in order."""

    def __init__(self, number: int, up: bool, counted: Any, unit: int) -> None:
        self.number = number
        self.up = up  # whether its requests travel up
        self.counted = counted  # a half
        self.unit = unit  # bytes in which sizes are told
        self.queue: list[Item] = []  # not written yet
        self.waiting: deque[Item] = deque()  # taken, and not begun
        self.turn: Item | None = None
        self.released: list[Item] = []  # begun, and let the next one in
        self.conn: Conn | None = None
        self.ready = False  # what counts may be written
        self.ended = False  # neither side of it counts any more
        self.calls: list[Call] = []  # ours
        self.handled: list[Call] = []  # theirs, in the order in which they had their turn

    def pipe(self, conn: Conn) -> deque[Any]:
        """Where it writes."""
        return conn.up if self.up else conn.down

    # What is written

    def call(self, call: Call) -> None:
        """Begin a call of ours."""
        self.calls.append(call)
        self.queue.append(Item("request", call, call.size))

    def give_up(self, call: Call) -> None:
        """Its caller does not wait any more."""
        call.gave_up = True
        for item in self.queue:
            if item.call is call and item.request:
                self.queue.remove(item)
                return
        for item in self.counted.kept.owners:
            if item.call is call and item.request:
                item.withdrawn = True
        if call.kind != "oneway" and not self.ended:
            self.queue.append(Item("cancel", call))

    def write(self) -> bool:
        """Write one message, if there is one that may be written."""
        conn = self.conn
        # An acceptor that has ended the session still calls back: its handlers may need the replies.
        item = next((item for item in self.queue if not (item.request and self.ended and self.up)), None)
        if conn is None or not self.ready or item is None:
            return False
        self.queue.remove(item)
        if not self.ended:
            frame = Weight(item.size * self.unit)
            self.counted.kept.wrote([frame], [item], len(frame))
        if item.request:
            item.call.written = True
            if item.call.kind == "oneway":
                item.call.returned = True
        self.pipe(conn).append(item)
        return True

    def resume(self, again: Iterable[Item]) -> None:
        """The stream is another, and the other side has taken what is not in `again`."""
        unwritten = [item for item in again if item.request]
        kept = [item for item in again if not item.withdrawn]
        withdrawn = {item.call for item in unwritten if item.withdrawn}
        for item in unwritten:
            item.call.written = False
        self.queue[:0] = kept
        self.queue = [item for item in self.queue if not (item.kind == "cancel" and item.call in withdrawn)]

    # What comes

    def take(self, item: Item) -> None:
        """Put what came into the order in which it is handled, or give it to its call."""
        self.counted.taken += 1
        call = item.call
        if item.kind == "request":
            self.waiting.append(item)
        elif item.kind == "cancel":
            for waiting in self.waiting:
                if waiting.call is call:
                    waiting.withdrawn = True
        else:
            call.got.append(item.number)
            if item.kind == "last":
                call.settle("reply")

    def begin(self) -> Item | None:
        """Have the next one handled, if it is its turn."""
        if self.turn is not None or not self.waiting:
            return None
        self.turn = item = self.waiting.popleft()
        self.handled.append(item.call)
        item.call.handled.append(self.number)
        return item

    @property
    def running(self) -> list[Item]:
        """Those whose handlers run, and could end."""
        every = (*(() if self.turn is None else (self.turn,)), *self.released)
        return [item for item in every if item.nested is None or not item.nested.open]

    def reply(self, item: Item, *, last: bool) -> None:
        """A handler gives a reply, which in the end is its last."""
        if item.call.kind != "oneway":
            self.queue.append(Item("last" if last else "reply", item.call, number=item.number))
            item.number += 1

    def finish(self, item: Item) -> None:
        """A handler has ended."""
        self.reply(item, last=True)
        if self.turn is item:
            self.turn = None
        else:
            self.released.remove(item)

    def release(self) -> None:
        """Whose turn it is lets the next one in."""
        if self.turn is not None:
            self.released.append(self.turn)
            self.turn = None

    @property
    def idle(self) -> bool:
        """Whether everything that was taken is answered."""
        return not (self.waiting or self.turn or self.released or self.queue or any(self.unsettled()))

    def forget_work(self) -> None:
        """Handle nothing more of what was taken: handlers are cancelled."""
        self.waiting.clear()
        self.released.clear()
        self.turn = None

    # Whom to tell what

    def unsettled(self) -> Iterator[Call]:
        """Our calls for which somebody waits, in order."""
        return (call for call in list(self.calls) if call.open)

    def fail(self) -> None:
        """The other end cannot be reached: what was written is unknown, the rest certainly not handled."""
        for call in self.unsettled():
            call.settle("unknown" if call.written else "down")
        for item in self.counted.kept.owners:
            item.withdrawn = item.withdrawn or (item.request and item.call.kind != "oneway")
        self.queue = [item for item in self.queue if not (item.request and item.call.outcome)]

    def lose(self, kept: Iterable[Item]) -> int:
        """The other half is gone, with all that it had taken. How many one-way calls were lost that had returned.

        Args:
            kept: What was written and is not known to be taken.
        """
        kept = [item for item in kept if item.request]
        again = {item.call: item for item in kept if item.call.idempotent and not item.withdrawn and item.call.open}
        lost = 0
        for item in kept:
            if item.call.returned and item.call.outcome is None:
                if item.call.idempotent:
                    again[item.call] = item
                else:
                    item.call.settle("lost")
                    lost += 1
        waiting = [item for item in self.queue if item.request]
        queued = {item.call for item in waiting}
        for call in self.unsettled():
            if call.written and call not in again and call not in queued:
                if call.idempotent and call.kind == "rpc":
                    again[call] = Item("request", call, call.size)
                else:
                    call.settle("unknown")
        self.queue = sorted([*again.values(), *waiting], key=lambda item: item.call.number)
        # They count as written all the same: the half that is gone may have handled them.
        self.forget_work()
        return lost
