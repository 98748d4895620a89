"""Durations in buckets: cheap to add to, and good enough to read quantiles from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import sqrt

__all__ = ["BOUNDS", "Histogram", "Quantiles", "quantiles_of"]

# The preferred numbers R20: twenty in a decade, each an eighth above the one before, and 1, 2 and 5 among them.
_STEPS = (100, 112, 125, 140, 160, 180, 200, 224, 250, 280, 315, 355, 400, 450, 500, 560, 630, 710, 800, 900)

BOUNDS: tuple[float, ...] = tuple(float(f"{step}e{power}") for power in range(-8, 1) for step in _STEPS)
"""Where buckets begin, in seconds: from a microsecond to a quarter of an hour, twenty to a decade."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """How long something took, in seconds.

    Attributes:
        count: How many times it was measured.
        mean: The average.
        p50: Half of the times it took no longer.
        p90: Nine times in ten it took no longer.
        p99: Ninety-nine times in a hundred it took no longer.
    """

    count: int
    mean: float
    p50: float
    p90: float
    p99: float


class Histogram:
    """Durations by size.

    Attributes:
        buckets: How many there are below the first bound, between each two, and from the last one on.
        sum: All of them together, in seconds.
    """

    __slots__ = ("buckets", "sum")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        """Count a duration."""
        self.buckets[bisect_right(BOUNDS, seconds)] += 1
        self.sum += seconds

    @property
    def count(self) -> int:
        """How many durations there are."""
        return sum(self.buckets)

    @staticmethod
    def merged(histograms: Iterable[Histogram]) -> Histogram:
        """All durations of several."""
        whole = Histogram()
        for each in histograms:
            whole.buckets = [a + b for a, b in zip(whole.buckets, each.buckets, strict=True)]
            whole.sum += each.sum
        return whole

    def quantiles(self) -> Quantiles | None:
        """Quantiles, each with an error of a sixteenth at the most; None if there are no durations."""
        totals = list(accumulate(self.buckets))
        count = totals[-1]
        if not count:
            return None

        def at(share: float) -> float:
            return _middle(bisect_right(totals, min(share * count, count - 1)))

        return Quantiles(count, self.sum / count, at(0.5), at(0.9), at(0.99))


def _middle(bucket: int) -> float:
    if bucket == 0:
        return BOUNDS[0] / 2
    return BOUNDS[-1] if bucket == len(BOUNDS) else sqrt(BOUNDS[bucket - 1] * BOUNDS[bucket])


def quantiles_of(durations: Sequence[float]) -> Quantiles | None:
    """Exact quantiles of some durations, in seconds; None if there are none."""
    ordered = sorted(durations)
    count = len(ordered)
    if not count:
        return None
    p50, p90, p99 = (ordered[min(int(share * count), count - 1)] for share in (0.5, 0.9, 0.99))
    return Quantiles(count, sum(ordered) / count, p50, p90, p99)
