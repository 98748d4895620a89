"""From how long a silence on a node is suspected: the accrual failure detector of Hayashibara and others (2004).

What is judged is not whether a node has been silent for some fixed time, but how unlikely its silence is, by how its
signs of life came before. That is told as a level, φ: at φ = 1 one silence in ten as long as this ends by itself, at
φ = 8 one in a hundred million.
"""

from __future__ import annotations

import math
from collections import deque

__all__ = ["Accrual"]

SAMPLES = 200
"""How many of the last signs of life count."""

LEAST_DEVIATION = 0.1
"""Seconds, at least, by which the distances of signs of life vary: any program may be held up for so long."""


class Accrual:
    """Learns how far apart signs of life come.

    Args:
        level: From which φ on a silence is suspicious.
        expected: How far apart they are to come, in seconds, as long as little is known.

    Attributes:
        patience: The seconds of silence from which on φ is `level`.
    """

    def __init__(self, level: float, expected: float) -> None:
        from statistics import NormalDist  # not before anybody needs it: it takes its time

        self._deviations = -NormalDist().inv_cdf(10**-level)
        self._samples: deque[float] = deque(maxlen=SAMPLES)
        # As two samples, which are forgotten like any other.
        for sample in (expected * 0.75, expected * 1.25):
            self._samples.append(sample)
        self._sum = sum(self._samples)
        self._squares = sum(sample * sample for sample in self._samples)
        self.patience = self._patience()

    def heard(self, after: float) -> None:
        """A sign of life has come, so many seconds after the one before."""
        samples = self._samples
        if len(samples) == SAMPLES:
            oldest = samples[0]
            self._sum -= oldest
            self._squares -= oldest * oldest
        samples.append(after)
        self._sum += after
        self._squares += after * after
        self.patience = self._patience()

    def level(self, silence: float) -> float:
        """φ of a silence of so many seconds."""
        mean, deviation = self._distribution()
        later = 0.5 * math.erfc((silence - mean) / (deviation * math.sqrt(2)))
        return math.inf if later <= 0 else -math.log10(later)

    def _patience(self) -> float:
        mean, deviation = self._distribution()
        return mean + self._deviations * deviation

    def _distribution(self) -> tuple[float, float]:
        count = len(self._samples)
        mean = self._sum / count
        variance = max(self._squares / count - mean * mean, 0.0)
        return mean, max(math.sqrt(variance), LEAST_DEVIATION)
