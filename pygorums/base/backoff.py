"""How long to wait before a stream is opened again."""

from __future__ import annotations

from dataclasses import dataclass

from pygorums.base.timeout import check_timeout

__all__ = ["Backoff"]


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with jitter for reopening the stream to a node. Times are seconds.

    Attributes:
        initial: The wait after the first failed attempt.
        maximum: The longest wait, before jitter.
        multiplier: How much longer each wait is than the one before.
        jitter: Each wait is varied by up to this fraction in both directions, so that the
            clients of a restarted server do not all come back at the same moment.
    """

    initial: float = 0.1
    maximum: float = 5.0
    multiplier: float = 1.6
    jitter: float = 0.2

    def __post_init__(self) -> None:
        for name in ("initial", "maximum", "multiplier", "jitter"):
            check_timeout(getattr(self, name), f"{name} of a backoff")
        if not 0 < self.initial <= self.maximum:
            raise ValueError(f"backoff needs 0 < initial <= maximum: {self}")
        if self.multiplier < 1 or not 0 <= self.jitter < 1:
            raise ValueError(f"backoff needs multiplier >= 1 and 0 <= jitter < 1: {self}")

    def delay(self, attempt: int, chance: float) -> float:
        """The wait after failed attempt number `attempt` (from 0), with `chance` drawn from [0, 1)."""
        # Beyond this exponent the wait is `maximum` anyhow, and the power would overflow.
        exponent = min(attempt, 1000)
        try:
            wait = min(self.initial * self.multiplier**exponent, self.maximum)
        except OverflowError:
            wait = self.maximum
        return wait * (1 + self.jitter * (2 * chance - 1))
