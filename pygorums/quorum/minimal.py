"""The minimal quorums of an expression, and how few nodes make one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, islice, product

from pygorums.base.errors import ConfigurationError
from pygorums.quorum.quorums import Quorums

__all__ = ["MAX_MINIMAL", "fewest", "minimal_masks", "minimal_quorums", "resilience"]

MAX_MINIMAL = 200_000
"""How many minimal quorums are listed, at the most."""


def minimal_masks(quorums: Quorums, limit: int = MAX_MINIMAL) -> list[int]:
    """The quorums that contain no smaller one, as masks of the expression's rule.

    Raises:
        ConfigurationError: There are more than `limit`.
    """
    rule = quorums.rule
    found = list(dict.fromkeys(islice(_choices(quorums, rule.bits), limit + 1)))
    if len(found) > limit:
        raise ConfigurationError(f"there are more than {limit} minimal quorums of these {len(quorums.nodes)} nodes")
    if quorums.simple:
        return found
    # A node that occurs more than once may make parts of a choice superfluous.
    bits = list(rule.bits.values())
    return [mask for mask in found if not any(mask & bit and rule.enough(mask ^ bit) for bit in bits)]


def minimal_quorums(quorums: Quorums) -> list[frozenset[int]]:
    """The quorums that contain no smaller one, by their IDs, the smallest first.

    Raises:
        ConfigurationError: There are more than `MAX_MINIMAL`.
    """
    rule = quorums.rule
    found = sorted((rule.nodes(mask) for mask in minimal_masks(quorums)), key=lambda ids: (len(ids), ids))
    return [frozenset(ids) for ids in found]


def _choices(quorums: Quorums, bits: dict[int, int]) -> Iterator[int]:
    """The masks of all choices of parts that suffice without any to spare, and of choices within these."""
    if quorums.flat and quorums.unweighted:
        yield from map(
            sum, combinations([bits[part] for _, part in quorums.parts if isinstance(part, int)], quorums.need)
        )
        return
    for chosen in _sufficient(quorums):
        inner = [(bits[part],) if isinstance(part, int) else tuple(_choices(part, bits)) for part in chosen]
        for masks in product(*inner):
            mask = 0
            for each in masks:
                mask |= each
            yield mask


def _sufficient(quorums: Quorums) -> Iterator[tuple[int | Quorums, ...]]:
    """The choices of parts whose weight suffices, and would not without any of them."""
    parts = sorted(((weight, part) for weight, part in quorums.parts if weight), key=lambda pair: -pair[0])
    rest = [0]
    for weight, _ in reversed(parts):
        rest.append(rest[-1] + weight)
    rest.reverse()  # the weight of what comes from a place on

    def chosen(place: int, missing: int) -> Iterator[tuple[int | Quorums, ...]]:
        # By descending weight, so the last one that is added is the least, and none before it can be spared.
        for index in range(place, len(parts)):
            if rest[index] < missing:
                return
            weight, part = parts[index]
            if weight >= missing:
                yield (part,)
            else:
                for further in chosen(index + 1, missing - weight):
                    yield (part, *further)

    return chosen(0, quorums.need)


def fewest(quorums: Quorums) -> int:
    """How many nodes the smallest quorum has."""
    if quorums.need == 1 and quorums.unweighted:  # also where nodes occur more than once: one part is enough
        return min(1 if isinstance(part, int) else fewest(part) for _, part in quorums.parts)
    if not quorums.simple:
        return min(mask.bit_count() for mask in minimal_masks(quorums))
    sizes = [(weight, 1 if isinstance(part, int) else fewest(part)) for weight, part in quorums.parts if weight]
    if quorums.unweighted:
        return sum(sorted(size for _, size in sizes)[: quorums.need])
    cheapest = {0: 0}  # by the weight that is reached, as far as it counts
    for weight, size in sizes:
        for reached, cost in list(cheapest.items()):
            total = min(reached + weight, quorums.need)
            cheapest[total] = min(cheapest.get(total, cost + size), cost + size)
    return cheapest[quorums.need]


def resilience(quorums: Quorums) -> int:
    """How many nodes may fail, whichever they are, so that there is still a quorum."""
    return fewest(quorums.dual) - 1
