"""How often values of which size came, small enough to be sent, and to be added to another one."""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import ceil

__all__ = ["Histogram"]

_PRECISION_BITS = 7
"""Buckets are no wider than a 64th of the values in them."""

_HALF = 1 << (_PRECISION_BITS - 1)


def _bucket(value: int) -> int:
    shift = max(value.bit_length() - _PRECISION_BITS, 0)
    return shift * _HALF + (value >> shift)


def _middle(bucket: int) -> float:
    shift = max(bucket // _HALF - 1, 0)
    low = (bucket - shift * _HALF) << shift
    return low + ((1 << shift) - 1) / 2


class Histogram:
    """Counts of non-negative integers, in buckets that grow with the values."""

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._counts = Counter(map(_bucket, values))

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> "Histogram":
        """The histogram that `counts` was made of."""
        histogram = cls()
        histogram._counts.update({int(bucket): count for bucket, count in counts.items()})
        return histogram

    @property
    def counts(self) -> dict[str, int]:
        """The counts in a form that JSON can hold."""
        return {str(bucket): count for bucket, count in self._counts.items()}

    @property
    def total(self) -> int:
        """How many values there are."""
        return self._counts.total()

    def add(self, other: "Histogram") -> None:
        """Count the values of another one too."""
        self._counts.update(other._counts)

    def percentile(self, fraction: float) -> float | None:
        """The value that `fraction` of all values do not exceed, within 1 %; None without values."""
        wanted = max(ceil(fraction * self.total), 1)
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= wanted:
                return _middle(bucket)
        return None
