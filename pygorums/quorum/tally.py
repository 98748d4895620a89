"""When is a quorum call decided?"""

from __future__ import annotations

import enum

__all__ = ["LOST", "PENDING", "WON", "Outcome", "Tally", "majority_of"]


class Outcome(enum.Enum):
    """Where a call stands."""

    PENDING = "pending"
    """Neither is certain yet."""
    WON = "won"
    """Enough nodes have succeeded."""
    LOST = "lost"
    """Too few nodes are left to succeed."""


PENDING, WON, LOST = Outcome.PENDING, Outcome.WON, Outcome.LOST  # looking them up there costs time


def majority_of(size: int) -> int:
    """The smallest number of nodes of which any two such sets share one."""
    return size // 2 + 1


class Tally:
    """Counts the successes and failures of `size` nodes, of which `need` must succeed.

    Each node counts once; the caller sees to that. Once won or lost the outcome never changes.
    """

    __slots__ = ("left", "need", "outcome", "successes")

    def __init__(self, size: int, need: int) -> None:
        self.need = need
        self.left = size
        self.successes = 0
        self.outcome = PENDING if need <= size else LOST

    def succeeded(self) -> Outcome:
        """One more node succeeded."""
        self.left -= 1
        self.successes += 1
        if self.successes >= self.need and self.outcome is PENDING:
            self.outcome = WON
        return self.outcome

    def failed(self) -> Outcome:
        """One more node failed."""
        self.left -= 1
        if self.successes + self.left < self.need and self.outcome is PENDING:
            self.outcome = LOST
        return self.outcome
