"""Do every read quorum and every write quorum meet? If not: two that do not."""

from __future__ import annotations

from collections.abc import Iterable

from pygorums.base.errors import ConfigurationError
from pygorums.quorum.minimal import minimal_masks
from pygorums.quorum.quorums import Quorums

__all__ = ["check_meeting", "disjoint", "shown"]

Pair = tuple[list[int], list[int]]


def shown(nodes: Iterable[int]) -> str:
    """A set of nodes as errors and tables write it."""
    return "{" + ", ".join(map(str, sorted(nodes))) + "}"


def check_meeting(reads: Quorums, writes: Quorums) -> None:
    """Refuse quorums that need not meet.

    Raises:
        ConfigurationError: A read quorum and a write quorum share no node; the text names both.
    """
    if (pair := disjoint(reads, writes)) is not None:
        text = f"a read could miss a write: {shown(pair[0])} is a read quorum, {shown(pair[1])} a write quorum"
        raise ConfigurationError(f"{text}, and no node is in both")


def disjoint(reads: Quorums, writes: Quorums) -> Pair | None:
    """A read quorum and a write quorum without a common node; None if all meet.

    Raises:
        ConfigurationError: There are too many quorums on either side to tell.
    """
    if writes == reads.dual:
        return None
    if reads.flat and writes.flat:
        return _disjoint_weights(reads, writes)
    try:
        return _disjoint_sets(reads, writes)
    except ConfigurationError:
        pair = _disjoint_sets(writes, reads)
        return pair and pair[::-1]


def _disjoint_sets(listed: Quorums, other: Quorums) -> Pair | None:
    """Such a pair, by way of all minimal quorums of one side."""
    rule, others = listed.rule, other.rule
    for mask in minimal_masks(listed):
        ids = rule.nodes(mask)
        if others.enough(rest := others.everyone & ~others.mask(ids)):
            return ids, _minimized(other, rest)
    return None


def _minimized(quorums: Quorums, mask: int) -> list[int]:
    rule = quorums.rule
    for bit in reversed(rule.bits.values()):
        if mask & bit and rule.enough(mask ^ bit):
            mask ^= bit
    return rule.nodes(mask)


def _disjoint_weights(reads: Quorums, writes: Quorums) -> Pair | None:
    """Such a pair where nodes have weights: each goes to one side, for the most weight that is left to the other."""
    read_weights = {part: weight for weight, part in reads.parts if isinstance(part, int)}
    write_weights = {part: weight for weight, part in writes.parts if isinstance(part, int)}
    # By what the reading side weighs, as far as it counts: the most that the writing side can, and who is where.
    best: dict[int, tuple[int, tuple[int, ...]]] = {0: (0, ())}
    for node_id in sorted(read_weights.keys() | write_weights.keys()):
        found: dict[int, tuple[int, tuple[int, ...]]] = {}
        for weight, (rest, ids) in best.items():
            heavier = min(weight + read_weights.get(node_id, 0), reads.need)
            for total, left, side in (
                (heavier, rest, (*ids, node_id)),
                (weight, rest + write_weights.get(node_id, 0), ids),
            ):
                if total not in found or found[total][0] < left:
                    found[total] = left, side
        best = found
    most, reading = best.get(reads.need, (0, ()))
    if most < writes.need:
        return None
    rest_mask = writes.rule.everyone & ~writes.rule.mask(reading)
    return _minimized(reads, reads.rule.mask(reading)), _minimized(writes, rest_mask)
