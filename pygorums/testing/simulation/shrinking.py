"""Which of the faults of a run that fails it takes to make it fail, or which others would do."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator, Sequence

from pygorums.testing.simulation.faults import Fault

__all__ = ["Fails", "shrunk"]

MOST_TRIES = 300

MOST_STEPS = 150_000
"""Steps that all tries together may take, which is a few seconds. It is not counted in seconds, so that a failure is
shrunk to the same everywhere."""

VARIANTS = 12
"""Networks with which fewer faults are tried: what a fault did may have been to delay something, as chance can."""

OTHERS = 30
"""How many other faults of the same kinds are tried in the place of more."""

Fails = Callable[[Sequence[Fault], int], tuple[bool, int]]
"""Whether a run fails with some faults and a variant of the network, and how many steps it takes."""


class _Search:
    """What has been found so far: the faults that are kept, and the variant with which they make it fail."""

    def __init__(self, faults: Sequence[Fault], fails: Fails) -> None:
        self.kept = list(faults)
        self.variant = 0
        self._fails = fails
        self._tries = 0
        self._steps = 0

    def fails(self, candidate: Sequence[Fault], variant: int) -> bool:
        """Whether it does with these faults; then they are kept."""
        if self._tries >= MOST_TRIES or self._steps >= MOST_STEPS:
            return False
        failed, steps = self._fails(candidate, variant)
        self._tries += 1
        self._steps += steps
        if failed:
            self.kept, self.variant = list(candidate), variant
        return failed

    def fails_in_any(self, candidate: Sequence[Fault], variants: int) -> bool:
        """The same, with so many variants."""
        variant = self.variant
        return self.fails(candidate, variant) or any(
            self.fails(candidate, other) for other in range(variants) if other != variant
        )


def shrunk(faults: Sequence[Fault], fails: Fails, chance: random.Random) -> tuple[list[Fault], int]:
    """As few faults as can be found with which a run still fails, and those as short and early as can be.

    Args:
        faults: All with which it fails.
        fails: Whether it fails with others, and a variant of the network; that in which it failed is 0.
        chance: For other faults that are tried.

    Returns:
        The faults, and the variant.
    """
    search = _Search(faults, fails)
    if not faults or search.fails_in_any([], VARIANTS):
        return search.kept, search.variant
    any(search.fails_in_any([fault], VARIANTS // 3) for fault in faults if len(search.kept) > 1)
    _leave_out(search)
    _find_others(search, faults, chance)
    for index in range(len(search.kept)):
        kept = search.kept
        any(
            search.fails([*kept[:index], simpler, *kept[index + 1 :]], search.variant)
            for simpler in _simpler(kept[index])
        )
    return search.kept, search.variant


def _leave_out(search: _Search) -> None:
    """Leave out chunks, from halves to single ones, for as long as that makes a difference."""
    size = len(search.kept) // 2
    while size >= 1 and len(search.kept) > 1:
        index = 0
        before = len(search.kept)
        while index < len(kept := search.kept) and len(kept) > 1:
            if not search.fails_in_any(kept[:index] + kept[index + size :], VARIANTS // 3):
                index += size
        if size > 1 or len(search.kept) == before:
            size //= 2  # single ones are tried until none can be left out


def _find_others(search: _Search, faults: Sequence[Fault], chance: random.Random) -> None:
    """Look for fewer faults of the same kinds that hit others, or at other times: one may do what took two."""
    for count in range(1, len(search.kept)):
        for _ in range(OTHERS):
            others = [
                dataclasses.replace(fault, at=fault.at * 2 ** chance.uniform(-2, 1), choice=chance.getrandbits(32))
                for fault in chance.sample(faults, count)
            ]
            if search.fails(others, chance.randrange(VARIANTS)):
                return


def _simpler(fault: Fault) -> Iterator[Fault]:
    for change in ({"lasts": 0.0}, {"lasts": fault.lasts / 8}, {"lasts": fault.lasts / 2}, {"at": 0.0}):
        simpler = dataclasses.replace(fault, **change)  # type: ignore[arg-type]  # they are numbers
        if simpler != fault:
            yield simpler
