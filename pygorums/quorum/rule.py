"""When a call has enough: a predicate on sets of nodes, which are masks of bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable

__all__ = ["Rule", "number_rule"]

REMEMBERED = 12
"""Up to how many nodes answers are remembered: there are few sets of these, and calls ask for the same ones."""


class _Known(dict[int, bool]):
    """Which masks are enough, as far as anybody has asked."""

    def __init__(self, enough: Callable[[int], bool]) -> None:
        self._enough = enough

    def __missing__(self, mask: int) -> bool:
        answer = self[mask] = self._enough(mask)
        return answer


class Rule:
    """What a call needs. Never changed, and shared by all calls that need the same.

    Attributes:
        bits: The bit of each node that counts, by ID.
        everyone: The mask of them all.
        enough: Whether the nodes of a mask are. More nodes are never less.
        number: How many nodes it needs, if that is all that it asks of them; otherwise None.
        possible: Whether all together are enough.
    """

    __slots__ = ("bits", "enough", "everyone", "number", "possible")

    def __init__(self, bits: dict[int, int], enough: Callable[[int], bool], number: int | None = None) -> None:
        self.bits = bits
        self.everyone = sum(bits.values())
        self.enough: Callable[[int], bool] = enough if len(bits) > REMEMBERED else _Known(enough).__getitem__
        self.number = number
        self.possible = enough(self.everyone)

    def mask(self, nodes: Iterable[int]) -> int:
        """The mask of nodes by ID. Those that do not count have no bit."""
        bits, mask = self.bits, 0
        for node_id in nodes:
            mask |= bits.get(node_id, 0)
        return mask

    def nodes(self, mask: int) -> list[int]:
        """The IDs of the nodes of a mask."""
        return [node_id for node_id, bit in self.bits.items() if mask & bit]


def number_rule(nodes: Iterable[int], need: int) -> Rule:
    """So many of the nodes, whichever they are."""

    def enough(mask: int) -> bool:
        return mask.bit_count() >= need

    return Rule({node_id: 1 << place for place, node_id in enumerate(nodes)}, enough, need)
