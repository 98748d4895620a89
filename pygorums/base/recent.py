"""How long a node took for its latest replies."""

from __future__ import annotations

from collections import deque

__all__ = ["RecentSamples"]

KEPT = 256
"""How many of the newest samples are kept."""

ENOUGH = 8
"""How many there must be before a quantile says anything."""

OFTEN = 16
"""How often a quantile is given before it is worked out anew: to sort takes as long as to make a call."""


class RecentSamples(deque[float]):
    """The newest of many numbers, and their quantiles."""

    def __init__(self) -> None:
        super().__init__(maxlen=KEPT)
        self._known: dict[float, tuple[float, int]] = {}  # the quantile, and how often it was given

    def quantile(self, part: float) -> float | None:
        """What so large a part of the samples, from 0 to 1, does not exceed; None as long as there are few.

        It may be the one of a few samples before.
        """
        value, times = self._known.get(part, (0.0, 0))
        if times % OFTEN == 0:
            if len(self) < ENOUGH:
                return None
            samples = sorted(self)
            value = samples[min(int(part * len(samples)), len(samples) - 1)]
        self._known[part] = value, times + 1
        return value
