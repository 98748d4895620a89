"""The latency estimate of a node: an exponentially weighted moving average."""

__all__ = ["SMOOTHING"]

SMOOTHING = 0.2
"""The weight of a new sample, the same as in Gorums; the first sample is the estimate."""
