"""The latency estimate of a node."""

from __future__ import annotations

__all__ = ["SMOOTHING", "smoothed"]

SMOOTHING = 0.2
"""The weight of a new sample, the same as in Gorums."""


def smoothed(estimate: float | None, sample: float) -> float:
    """The exponentially weighted moving average after one more sample; the first sample is the estimate."""
    return sample if estimate is None else estimate + SMOOTHING * (sample - estimate)
