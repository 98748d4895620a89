"""When a call has enough: a predicate on sets of nodes, which are masks of bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable

__all__ = ["Rule", "number_rule"]


class Rule:
    """What a call needs. Never changed, and shared by all calls that need the same.

    Attributes:
        bits: The bit of each node that counts, by ID.
        everyone: The mask of them all.
        enough: Whether the nodes of a mask are. More nodes are never less.
        number: How many nodes it needs, if that is all that it asks of them; otherwise None.
    """

    __slots__ = ("bits", "enough", "everyone", "number")

    def __init__(self, bits: dict[int, int], enough: Callable[[int], bool], number: int | None = None) -> None:
        self.bits = bits
        self.everyone = sum(bits.values())
        self.enough = enough
        self.number = number

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
