"""Which numbers of an origin were seen: all up to one, and a few above that came early."""

from __future__ import annotations

__all__ = ["MOST_EARLY", "Seen"]

MOST_EARLY = 1 << 14
"""Numbers above a gap that are remembered. With more than that the gap's numbers count as seen, and are lost."""


class Seen:
    """Remembers every number it was told, in memory that does not grow with them.

    Attributes:
        upto: All numbers up to this one count as seen.
        lost: How many of them have not been.
    """

    __slots__ = ("_early", "lost", "upto")

    def __init__(self) -> None:
        self.upto = 0
        self.lost = 0
        self._early: set[int] = set()

    def add(self, number: int) -> bool:
        """Note a number; whether it is new."""
        if number <= self.upto or number in self._early:
            return False
        self._early.add(number)
        self._advance()
        if len(self._early) > MOST_EARLY:
            first = min(self._early)
            self.lost += first - self.upto - 1
            self.upto = first - 1
            self._advance()
        return True

    def _advance(self) -> None:
        while self.upto + 1 in self._early:
            self.upto += 1
            self._early.remove(self.upto)
