"""What was written in a session and is not acknowledged yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

__all__ = ["Budget", "Kept"]

T = TypeVar("T")

COUNTED_EVERY = 16 << 10
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

    Args:
        limit: How many bytes are kept.
        budget: What all sessions together may keep, if that has a bound.

    Attributes:
        limit: The same.
        size: The bytes that are kept.
        owners: The owners of what is kept, oldest first.
    """

    __slots__ = ("_acknowledged", "_base", "_budget", "_frames", "_mark", "_noted", "limit", "owners", "size")

    def __init__(self, limit: int, budget: Budget | None = None) -> None:
        self.limit = limit
        self._budget = budget
        self._frames: list[bytes] = []
        self.owners: list[T] = []
        self._base = 0  # the number of the one before the first that is kept
        self._acknowledged = 0
        self.size = 0
        self._noted = 0  # what the budget knows of that
        self._mark = limit if budget is None else min(limit, COUNTED_EVERY)  # at which it is to be looked at again

    @property
    def written(self) -> int:
        """How many messages were written."""
        return self._base + len(self._frames)

    @property
    def acknowledged(self) -> int:
        """How many of them the other side has taken, as it said last."""
        return self._acknowledged

    @property
    def resumable(self) -> bool:
        """Whether all that is not acknowledged is there."""
        return self._acknowledged >= self._base

    def wrote_one(self, frame: bytes, owner: T, size: int) -> None:
        """A message was written, which has so many bytes."""
        self._frames.append(frame)
        self.owners.append(owner)
        self.size = size = self.size + size
        if size > self._mark:
            self._note()

    def wrote(self, frames: Sequence[bytes], owners: Sequence[T], size: int) -> None:
        """Messages were written, which have so many bytes together."""
        self._frames += frames
        self.owners += owners
        self.size += size
        if self.size > self._mark:
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
        count = dropped = 0
        while dropped < excess:
            dropped += len(self._frames[count])
            count += 1
        if count:
            self._forget(count)

    def _tell_budget(self) -> None:
        if self._budget is not None:
            self._budget.size += self.size - self._noted
            self._noted = self.size
            self._mark = min(self.limit, self._noted + COUNTED_EVERY)

    def _forget(self, count: int) -> None:
        """Keep so many fewer."""
        self.size -= sum(map(len, self._frames[:count]))
        del self._frames[:count]
        del self.owners[:count]
        self._base += count
        if self._noted > self.size:
            self._tell_budget()

    def acknowledge(self, taken: int) -> bool:
        """The other side has taken so many. False, and nothing done, if there are not that many."""
        if taken > self.written:
            return False
        if taken > self._acknowledged:
            self._acknowledged = taken
            if taken > self._base:
                self._forget(taken - self._base)
        return True

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
        kept = self._frames, self.owners
        self._frames, self.owners = [], []
        self.size = 0
        self._tell_budget()
        return kept
