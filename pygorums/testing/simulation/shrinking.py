"""Which of the faults of a run that fails it takes to make it fail."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from pygorums.testing.simulation.faults import Fault

__all__ = ["shrunk"]

MOST_TRIES = 250

VARIANTS = 12
"""Networks with which fewer faults are tried: what a fault did may have been to delay something, as chance can."""

Fails = Callable[[Sequence[Fault], int], bool]


def shrunk(faults: Sequence[Fault], fails: Fails) -> tuple[list[Fault], int]:
    """As few of the faults as can be found with which a run still fails, and those as short and early as can be.

    Args:
        faults: All with which it fails.
        fails: Whether it fails with others, and a variant of the network; that in which it failed is 0.

    Returns:
        The faults, and the variant.
    """
    tries = 0
    kept, variant = list(faults), 0

    def still(candidate: Sequence[Fault], variants: int) -> bool:
        nonlocal tries, kept, variant
        for each in (variant, *(other for other in range(variants) if other != variant)):
            tries += 1
            if tries > MOST_TRIES:
                return False
            if fails(candidate, each):
                kept, variant = list(candidate), each
                return True
        return False

    if not kept or still([], VARIANTS):
        return kept, variant
    for fault in faults:
        if len(kept) > 1 and still([fault], VARIANTS // 3):
            break
    # Leave out chunks, from halves to single ones, for as long as that makes a difference.
    size = len(kept) // 2
    while size >= 1 and len(kept) > 1:
        index = 0
        before = len(kept)
        while index < len(kept) and len(kept) > 1:
            if not still(kept[:index] + kept[index + size :], VARIANTS // 3):
                index += size
        if size > 1 or len(kept) == before:
            size //= 2  # single ones are tried until none can be left out
    for index in range(len(kept)):
        for simpler in _simpler(kept[index]):
            if still([*kept[:index], simpler, *kept[index + 1 :]], 1):
                break
    return kept, variant


def _simpler(fault: Fault) -> Iterator[Fault]:
    for change in ({"lasts": 0.0}, {"lasts": fault.lasts / 8}, {"lasts": fault.lasts / 2}, {"at": 0.0}):
        simpler = dataclasses.replace(fault, **change)  # type: ignore[arg-type]  # they are numbers
        if simpler != fault:
            yield simpler
