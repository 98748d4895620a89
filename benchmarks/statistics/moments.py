"""Means and variances that are kept up to date, and combined, without keeping the samples."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

__all__ = ["Moments", "Welford", "combined"]


@dataclass(frozen=True, slots=True)
class Moments:
    """What is known of some samples.

    Attributes:
        count: How many there are.
        mean: Their mean; 0 without any.
        variance: Their unbiased variance; 0 of fewer than two.
    """

    count: int
    mean: float
    variance: float

    @property
    def deviation(self) -> float:
        """The standard deviation."""
        return sqrt(self.variance)


class Welford:
    """The moments of samples that come one by one, by Welford's method, which does not lose precision."""

    __slots__ = ("_count", "_mean", "_squares")

    def __init__(self, samples: Iterable[float] = ()) -> None:
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0  # of the distances from the mean
        for sample in samples:
            self.add(sample)

    def add(self, sample: float) -> None:
        """One more sample."""
        self._count += 1
        distance = sample - self._mean
        self._mean += distance / self._count
        self._squares += distance * (sample - self._mean)

    @property
    def moments(self) -> Moments:
        """Of all samples so far."""
        variance = self._squares / (self._count - 1) if self._count > 1 else 0.0
        return Moments(self._count, self._mean, variance)


def combined(parts: Iterable[Moments]) -> Moments:
    """The moments of what several servers have measured: the mean of all samples, and the pooled variance.

    As in Gorums: pooled variance weighs each server's own variance by its degrees of freedom. That the servers'
    means differ from each other does not count.
    """
    known = [part for part in parts if part.count]
    count = sum(part.count for part in known)
    if not count:
        return Moments(0, 0.0, 0.0)
    mean = sum(part.count * part.mean for part in known) / count
    freedom = count - len(known)
    squares = sum((part.count - 1) * part.variance for part in known)
    return Moments(count, mean, squares / freedom if freedom else 0.0)
