"""What a load is, and what it achieves, whatever is called and however."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from benchmarks.statistics.latency import Latency

__all__ = ["Load", "Outcome", "ThreadLoad"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a load has achieved.

    Attributes:
        ops: How many calls were completed.
        elapsed: Seconds from the first one's start to the last one's end.
        latency: Of the calls; None if there were none.
        growth: By how many bytes all servers together have grown; None if they were not asked.
        client_cpu: Seconds on the processors of the process that made the calls; None if that was this one.
        client_memory: The bytes that it occupied at the end; None likewise.
    """

    ops: int
    elapsed: float
    latency: Latency | None
    growth: int | None = None
    client_cpu: float | None = None
    client_memory: int | None = None

    @classmethod
    def of(cls, samples: Sequence[float], elapsed: float) -> "Outcome":
        """Of calls that have each taken so many seconds."""
        return cls(len(samples), elapsed, Latency.of(samples))


Load = Callable[[float], Awaitable[Outcome]]
"""Puts load on the servers for a number of seconds. No call is left under way at the end."""

ThreadLoad = Callable[[float], Outcome]
"""The same for threads: blocks meanwhile."""
