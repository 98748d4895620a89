"""How what was measured of one subject compares with another, round by round."""

from collections.abc import Callable, Sequence
from statistics import median

from benchmarks.measuring import Measurement

__all__ = ["latency_of", "ratio_of", "throughput_of"]


def throughput_of(run: Measurement) -> float:
    """Calls a second; next to nothing if there were none."""
    return max(run.throughput, 1e-9)


def latency_of(run: Measurement) -> float:
    """The median latency in seconds; infinite if it is not known."""
    return run.latency.p50 if run.latency is not None and run.latency.p50 is not None else float("inf")


def ratio_of(
    ours: Sequence[Measurement], theirs: Sequence[Measurement], figure: Callable[[Measurement], float] = throughput_of
) -> float:
    """The median of what one subject has more than another in the same round."""
    return median(figure(our) / figure(their) for our, their in zip(ours, theirs, strict=True))
