"""How much may be sent to somebody who handles it more slowly: only as much as there is room for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from pygorums.sessions.kept import MESSAGE_COST, Kept

__all__ = ["Credit"]


class Owner(Protocol):
    """Whose a message is."""

    @property
    def withdrawn(self) -> bool:
        """Whether it need not be sent any more."""


T = TypeVar("T", bound=Owner)


class Credit(Generic[T]):
    """Holds requests back while too much is not acknowledged, and lets them go in order.

    What is not acknowledged is what is kept, so nothing is counted here, and nothing can be counted wrongly. Replies,
    and what tells that calls are over, need no credit and pass the requests that wait: a handler may wait for just
    that, and until it ends there may be no more credit. They use room all the same, but are taken as they come.

    So that requests can neither starve behind replies nor be too large for good, the first one that waits may go when
    all that was written before is acknowledged, if there is room for it as such, or as much as there ever is.

    Args:
        limit: How many bytes this end wants to be unacknowledged at the most.
        told: How much room the other side has to begin with; None if it does not say.
        passes: Whether a message needs no credit.
        renewed: Gives what to send of a message that had to wait.

    Attributes:
        room: How many bytes may be unacknowledged: the same, or what the other side says, if that is less.
        size: The bytes of what waits.
        waiting: The identities of its owners.
    """

    def __init__(
        self,
        limit: int,
        told: int | None,
        passes: Callable[[bytes, T], bool],
        renewed: Callable[[bytes, T], bytes] = lambda frame, _: frame,
    ) -> None:
        self._limit = limit
        self._passes = passes
        self._renewed = renewed
        self._held: deque[tuple[bytes, T]] = deque()
        self._full = 0  # the most that was told
        self.tell(told)
        self._before = 0  # as many messages were written when the last request was
        self.size = 0
        self.waiting: set[int] = set()

    def __len__(self) -> int:
        return len(self._held)

    def tell(self, told: int | None) -> None:
        """The other side has room for so many bytes beyond what it has acknowledged; None if it does not say."""
        self.room = self._limit if told is None else min(told, self._limit)
        if told is not None:
            self._full = max(self._full, self.room)

    def sift(self, frames: Sequence[bytes], owners: Sequence[T], kept: Kept[T]) -> tuple[list[bytes], list[T]]:
        """What may leave now, of what waits here and then of these messages; the others wait."""
        held, passes = self._held, self._passes
        go: list[bytes] = []
        going: list[T] = []
        used, written = kept.size, kept.written
        if not held:
            self._before = written
        alone = kept.acknowledged >= self._before
        while held:
            frame, owner = held[0]
            cost = MESSAGE_COST + len(frame)
            if not owner.withdrawn:
                if not self._fits(used, cost, alone=alone):
                    break
                used += cost
                alone = False
                go.append(self._renewed(frame, owner))
                going.append(owner)
                self._before = written + len(go)
            self._let_go()
        for frame, owner in zip(frames, owners, strict=True):
            if not passes(frame, owner):
                if held or not self._fits(used, MESSAGE_COST + len(frame), alone=alone):
                    self._hold(frame, owner)
                    continue
                alone = False
                self._before = written + len(go) + 1
            used += MESSAGE_COST + len(frame)
            go.append(frame)
            going.append(owner)
        return go, going

    def _fits(self, used: int, cost: int, *, alone: bool) -> bool:
        return used + cost <= self.room or (alone and (cost <= self.room or self.room >= self._full))

    def _hold(self, frame: bytes, owner: T) -> None:
        self._held.append((frame, owner))
        self.waiting.add(id(owner))
        self.size += len(frame)

    def _let_go(self) -> None:
        frame, owner = self._held.popleft()
        self.waiting.discard(id(owner))
        self.size -= len(frame)

    def take_back(self) -> tuple[list[bytes], list[T]]:
        """All that waits, in order; it waits elsewhere now."""
        held, self._held = self._held, deque()
        self.waiting.clear()
        self.size = 0
        return [frame for frame, _ in held], [owner for _, owner in held]
