"""What is told of the latencies of a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from benchmarks.statistics.histogram import Histogram
from benchmarks.statistics.moments import Moments, Welford

__all__ = ["Latency"]

_NS = 1e-9


@dataclass(frozen=True, slots=True)
class Latency:
    """Latencies in seconds.

    Attributes:
        mean: The mean.
        deviation: The standard deviation.
        p50: The median; None where it is not known, and so for the others.
        p99: What 99 of 100 do not exceed.
        p999: What 999 of 1000 do not exceed.
    """

    mean: float
    deviation: float
    p50: float | None
    p99: float | None
    p999: float | None

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Latency | None":
        """Of latencies in seconds; None without any."""
        if not samples:
            return None
        moments = Welford(samples).moments
        ordered = sorted(samples)

        def percentile(fraction: float) -> float:
            return ordered[max(ceil(fraction * len(ordered)), 1) - 1]

        return cls(moments.mean, moments.deviation, percentile(0.5), percentile(0.99), percentile(0.999))

    @classmethod
    def measured_by_servers(cls, moments: Moments, histogram: Histogram) -> "Latency | None":
        """Of what servers have measured in nanoseconds; the histogram is empty if they do not keep one."""
        if not moments.count:
            return None
        percentiles = [histogram.percentile(fraction) for fraction in (0.5, 0.99, 0.999)]
        p50, p99, p999 = [None if value is None else value * _NS for value in percentiles]
        return cls(moments.mean * _NS, moments.deviation * _NS, p50, p99, p999)
