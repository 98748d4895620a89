"""Measuring loads, in turns, so that what else happens on the machine meets all of them alike."""

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, fields
from statistics import median
from typing import Any, Protocol, TypeVar

import grpc.aio

import pygorums as gorums
from benchmarks.latency import Latency
from benchmarks.loads import Load
from benchmarks.profiling import Profiler
from benchmarks.program import StartError
from benchmarks.targets import Targets
from benchmarks.usage import resident_bytes

__all__ = ["Measurement", "Progress", "Subject", "Timing", "alternate", "measure", "median_of"]


K = TypeVar("K")


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


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to measure.

    Attributes:
        name: What it is called while it runs.
        targets: The servers that it puts load on.
        load: What runs.
        profiled: Whether it belongs into the profile.
    """

    name: str
    targets: Targets
    load: Load
    profiled: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to measure.

    Attributes:
        seconds: Each run.
        warmup: Before the first run of each subject.
        rounds: How many runs of each.
    """

    seconds: float
    warmup: float
    rounds: int


class Progress(Protocol):
    """Is told how far the measurements are."""

    def begin(self, runs: int) -> None:
        """So many runs come."""

    def run(self, name: str) -> None:
        """One begins."""

    def ran(self, result: str) -> None:
        """It has ended."""


async def measure(targets: Targets, load: Load, seconds: float) -> Measurement:
    """Run a load once."""
    servers_before = await targets.usage() if targets.ours else None
    cpu_before = time.process_time()
    outcome = await load(seconds)
    cpu = time.process_time() - cpu_before
    servers_after = await targets.usage() if targets.ours else None
    ops = max(outcome.ops, 1)
    servers_cpu = None
    if servers_before is not None and servers_after is not None:
        servers_cpu = (sum(usage.cpu for usage in servers_after) - sum(usage.cpu for usage in servers_before)) / ops
    return Measurement(
        throughput=outcome.ops / outcome.elapsed,
        latency=outcome.latency,
        client_cpu=(cpu if outcome.client_cpu is None else outcome.client_cpu) / ops,
        servers_cpu=servers_cpu,
        client_memory=resident_bytes() if outcome.client_memory is None else outcome.client_memory,
        servers_memory=max(usage.memory for usage in servers_after) if servers_after else None,
        growth=outcome.growth,
    )


async def alternate(
    subjects: Mapping[K, Subject], timing: Timing, progress: Progress, profiler: Profiler
) -> dict[K, list[Measurement]]:
    """Run every subject in every round.

    Returns:
        The measurements of each subject, in the order of the rounds.

    Raises:
        StartError: A call has failed.
    """
    results: dict[K, list[Measurement]] = {key: [] for key in subjects}
    progress.begin(timing.rounds * len(subjects))
    for number in range(timing.rounds):
        for key, subject in subjects.items():
            progress.run(subject.name)
            try:
                if not number and timing.warmup:
                    await subject.load(timing.warmup)
                with profiler.running() if subject.profiled else nullcontext():
                    measured = await measure(subject.targets, subject.load, timing.seconds)
            except (gorums.GorumsError, grpc.aio.AioRpcError, ConnectionError) as error:
                text = error.details() if isinstance(error, grpc.aio.AioRpcError) else str(error)
                raise StartError(f"{subject.name}: {text}") from None
            results[key].append(measured)
            progress.ran(f"{measured.throughput:,.0f}/s")
    return results


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
