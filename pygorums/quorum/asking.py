"""Whom to ask, where not all nodes are asked at once: as few as can be a quorum, and then as few more as can be one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from pygorums.quorum.tally import Counting

__all__ = ["Asking"]

TRIES = 2000
"""How many sets are looked at to find the fewest nodes, before one from which no node can be spared is good enough."""


class Asking:
    """Which nodes one call has asked, and which it asks next.

    Orders are of nodes by ID, those that are rather asked first; nodes that are in none are never asked.

    Args:
        tally: Who has succeeded and who has failed.

    Attributes:
        asked: The mask of the nodes that were asked.
        silent: The mask of those that were asked, and not for the first time waited for in vain.
    """

    __slots__ = ("_tally", "asked", "silent")

    def __init__(self, tally: Counting) -> None:
        self._tally = tally
        self.asked = 0
        self.silent = 0

    def first(self, order: Sequence[int], chosen: Sequence[int] = ()) -> list[int]:
        """Whom to ask first: those who were chosen, if any, and who it takes to make them a quorum.

        Without any chosen, of all minimal quorums one whose last node in the order comes soonest.
        """
        rule = self._tally.rule
        mask = rule.mask(node_id for node_id in chosen if node_id in order)
        further = self._fewest(order, mask) if mask else self._soonest(order, 0)
        return self._ask(order, mask | (rule.mask(order) if further is None else further))

    def everyone(self, order: Sequence[int]) -> list[int]:
        """All who were not asked yet."""
        return self._ask(order, self._tally.rule.mask(order))

    def failed(self, order: Sequence[int]) -> list[int]:
        """Whom to ask because a node has failed: the fewest that could be a quorum with those that may still answer."""
        tally = self._tally
        waiting = self.asked & ~tally.failed & ~tally.succeeded
        for base in (tally.succeeded | waiting & ~self.silent, tally.succeeded | waiting):
            if (further := self._fewest(order, base)) is not None:
                return self._ask(order, further)
        return []

    def waited(self, order: Sequence[int]) -> list[int]:
        """Whom to ask after some time: the fewest that could be a quorum without those that are silent, or everyone."""
        tally = self._tally
        self.silent |= self.asked & ~tally.succeeded
        further = self._fewest(order, tally.succeeded)
        return self.everyone(order) if further is None else self._ask(order, further)

    def _ask(self, order: Sequence[int], mask: int) -> list[int]:
        new = mask & ~self.asked
        self.asked |= new
        bits = self._tally.rule.bits
        return [node_id for node_id in order if new & bits.get(node_id, 0)]

    def _candidates(self, order: Sequence[int], base: int) -> list[int]:
        bits, tally = self._tally.rule.bits, self._tally
        gone = self.asked | tally.failed | base
        return [bit for node_id in order if (bit := bits.get(node_id, 0)) and not bit & gone]

    def _fewest(self, order: Sequence[int], base: int) -> int | None:
        """The fewest nodes that are enough together with others, as a mask; None if there are not so many left."""
        rule = self._tally.rule
        if rule.enough(base):
            return 0
        candidates = self._candidates(order, base)
        if rule.number is not None:
            missing = rule.number - base.bit_count()
            return sum(candidates[:missing]) if missing <= len(candidates) else None
        if not rule.enough(base | sum(candidates)):
            return None
        tries = 0
        for size in range(1, len(candidates)):
            for chosen in combinations(candidates, size):
                if rule.enough(base | sum(chosen)):
                    return sum(chosen)
                if (tries := tries + 1) > TRIES:
                    return self._soonest(order, base)
        return sum(candidates)

    def _soonest(self, order: Sequence[int], base: int) -> int | None:
        """Nodes that are enough together with others and of which none can be spared, from as early as possible."""
        rule, taken = self._tally.rule, 0
        candidates = self._candidates(order, base)
        for bit in candidates:
            taken |= bit
            if rule.enough(base | taken):
                break
        else:
            return None
        for bit in reversed(candidates):  # the last ones rather than the first
            if taken & bit and rule.enough(base | taken ^ bit):
                taken ^= bit
        return taken
