"""What was written in a session and is not acknowledged yet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Generic, TypeVar

__all__ = ["MESSAGE_COST", "Budget", "Kept"]

T = TypeVar("T")

MESSAGE_COST = 512
"""Bytes for which each message counts besides its own, at both ends."""

COUNTED_EVERY = 64 << 10
"""Bytes more than before that are worth being counted with what other sessions keep."""


class Budget:
    """The bytes that many sessions keep together.

    Attributes:
        size: How many they are.

    Args:
        limit: Bytes.
    """

    __slots__ = ("limit", "size")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0


class Kept(Generic[T]):
    """Keeps messages, each with its owner, until the other side says that it has taken them.

    Messages have no numbers but their positions: the first that was ever written is 1. Nothing waits for an
    acknowledgement, since that could be behind what waits. If there is too much the oldest are dropped instead, and
    until they are acknowledged the session cannot go on on another stream (`resumable`).

    What was written together is kept together, and let go of when all of it is acknowledged: so keeping costs nothing
    for each message.

    Args:
        limit: How many bytes are kept.
        budget: What all sessions together may keep, if that has a bound.

    Attributes:
        limit: The same.
        size: The bytes that are kept, as those have said who wrote them.
    """

    __slots__ = (
        "_acknowledged",
        "_base",
        "_budget",
        "_counted",
        "_counted_writes",
        "_mark",
        "_noted",
        "_writes",
        "limit",
        "size",
    )

    def __init__(self, limit: int, budget: Budget | None = None) -> None:
        self.limit = limit
        self._budget = budget
        self._writes: list[tuple[Sequence[bytes], Sequence[T], int]] = []  # messages, owners, bytes
        self._counted_writes = 0  # so many writes were counted
        self._counted = 0  # and so many messages they have
        self._base = 0  # the number of the one before the first that is kept
        self._acknowledged = 0
        self.size = 0
        self._noted = 0  # what the budget knows of that
        self._mark = limit if budget is None else min(limit, COUNTED_EVERY)  # at which it is to be looked at again

    @property
    def written(self) -> int:
        """How many messages were written."""
        for frames, _, _ in self._writes[self._counted_writes :]:
            self._counted += len(frames)
        self._counted_writes = len(self._writes)
        return self._base + self._counted

    @property
    def acknowledged(self) -> int:
        """How many of them the other side has taken, as it said last."""
        return self._acknowledged

    @property
    def resumable(self) -> bool:
        """Whether all that is not acknowledged is there."""
        return self._acknowledged >= self._base

    @property
    def owners(self) -> Sequence[T]:
        """The owners of what is not acknowledged and is kept, oldest first."""
        return list(chain.from_iterable(owners for _, owners, _ in self._writes))[self._surplus :]

    @property
    def _surplus(self) -> int:
        """How many of the first write are acknowledged."""
        return max(self._acknowledged - self._base, 0)

    def wrote(self, frames: Sequence[bytes], owners: Sequence[T], size: int) -> None:
        """Messages were written together, one at least, which count for so many bytes. The lists change no more."""
        self._writes.append((frames, owners, size))
        self.size = size = self.size + size
        if size > self._mark:
            self._note()

    def _note(self) -> None:
        """Notably more is kept. If that is too much, drop the oldest."""
        budget = self._budget
        self._tell_budget()
        excess = 0
        if self.size > self.limit:
            # Down to the half, so that it costs a constant amount for each message.
            excess = self.size - self.limit // 2
        if budget is not None:
            excess = max(excess, min(budget.size - budget.limit, self.size))
        count = 0
        while excess > 0:
            excess -= self._writes[count][2]
            count += 1
        if count:
            self._forget(count)

    def _tell_budget(self) -> None:
        if self._budget is not None:
            self._budget.size += self.size - self._noted
            self._noted = self.size
            self._mark = min(self.limit, self._noted + COUNTED_EVERY)

    def _forget(self, count: int) -> None:
        """Keep so many writes fewer."""
        messages = 0
        for frames, _, size in self._writes[:count]:
            messages += len(frames)
            self.size -= size
        del self._writes[:count]
        self._base += messages
        if count > self._counted_writes:
            self._counted_writes = self._counted = 0
        else:
            self._counted_writes -= count
            self._counted -= messages
        if self._noted > self.size:
            self._tell_budget()

    def acknowledge(self, taken: int) -> bool:
        """The other side has taken so many. False, and nothing done, if there are not that many."""
        if taken <= self._acknowledged:
            return True
        left, count = taken - self._base, 0
        for frames, _, _ in self._writes:
            if left < len(frames):
                break
            left -= len(frames)
            count += 1
        else:
            if left > 0:
                return False
        if count:
            self._forget(count)
        if left > 0:
            self._shrink(left)
        self._acknowledged = taken
        return True

    def _shrink(self, taken: int) -> None:
        """So many of the first write are taken: its bytes become fewer in proportion."""
        frames, owners, size = self._writes[0]
        before = self._surplus
        part = size * (taken - before) // (len(frames) - before)
        self._writes[0] = frames, owners, size - part
        self.size -= part
        if self._noted > self.size:
            self._tell_budget()

    def resume(self, taken: int) -> tuple[list[bytes], list[T]] | None:
        """Take out what has to be written again, since the other side has taken so many on streams that are over.

        Returns:
            The messages and their owners; None if some of those are not there, or the number cannot be.
        """
        if taken < self._acknowledged or not self.acknowledge(taken) or not self.resumable:
            return None
        return self._take_out()

    def restart(self) -> tuple[list[bytes], list[T]]:
        """Count from zero again; what was kept."""
        kept = self._take_out()
        self._base = self._acknowledged = 0
        return kept

    def _take_out(self) -> tuple[list[bytes], list[T]]:
        surplus, writes = self._surplus, self._writes
        self._writes = []
        self._counted_writes = self._counted = 0
        self._base += surplus
        self.size = 0
        self._tell_budget()
        frames = list(chain.from_iterable(frames for frames, _, _ in writes))
        owners = list(chain.from_iterable(owners for _, owners, _ in writes))
        return frames[surplus:], owners[surplus:]
