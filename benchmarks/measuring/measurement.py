"""What one run of a subject has given, the median of several, and how those of two subjects compare."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import median
from typing import Any

from benchmarks.statistics.latency import Latency

__all__ = ["Measurement", "latency_of", "median_of", "ratio_of", "throughput_of"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run, or the median of several.

    Attributes:
        throughput: Calls a second.
        latency: Of the calls, in seconds; None if there were none.
        client_cpu: Seconds on the processors for each call, in the process that makes it.
        servers_cpu: The same in all server processes together; None if they do not tell.
        client_memory: Bytes that that process occupied at the end.
        servers_memory: Bytes that the largest server process occupied at the end; None if they do not tell.
        growth: By how many bytes all servers together have grown; None if they were not asked.
    """

    throughput: float
    latency: Latency | None
    client_cpu: float
    servers_cpu: float | None
    client_memory: int
    servers_memory: int | None
    growth: int | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def median_of(runs: Sequence[Measurement]) -> Measurement:
    """The median of each figure, of the runs that have it."""
    latencies = [run.latency for run in runs if run.latency is not None]
    latency = None
    if latencies:
        latency = Latency(**{field.name: _median(latencies, field.name) for field in fields(Latency)})
    figures = {field.name: _median(runs, field.name) for field in fields(Measurement) if field.name != "latency"}
    return Measurement(latency=latency, **figures)


def _median(runs: Sequence[Any], name: str) -> Any:
    known = [value for run in runs if (value := getattr(run, name)) is not None]
    return median(known) if known else None


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
