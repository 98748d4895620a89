"""When is a quorum call decided?"""

from __future__ import annotations

import enum

__all__ = ["Outcome", "Tally", "majority_of"]


class Outcome(enum.Enum):
    """Where a call stands."""

    PENDING = "pending"
    """Neither is certain yet."""
    WON = "won"
    """Enough nodes have succeeded."""
    LOST = "lost"
    """Too few nodes are left to succeed."""


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
        self.outcome = Outcome.PENDING if need <= size else Outcome.LOST

    def succeeded(self) -> Outcome:
        """One more node succeeded."""
        self.left -= 1
        self.successes += 1
        if self.outcome is Outcome.PENDING and self.successes >= self.need:
            self.outcome = Outcome.WON
        return self.outcome

    def failed(self) -> Outcome:
        """One more node failed."""
        self.left -= 1
        if self.outcome is Outcome.PENDING and self.successes + self.left < self.need:
            self.outcome = Outcome.LOST
        return self.outcome
