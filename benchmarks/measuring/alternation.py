"""Measuring loads, in turns, so that what else happens on the machine meets all of them alike."""

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Protocol, TypeVar

import grpc.aio

import pygorums as gorums
from benchmarks.loads.outcome import Load
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.options import Timing
from benchmarks.measuring.profiling import Profiler
from benchmarks.measuring.usage import Usage, resident_bytes
from benchmarks.program import StartError

__all__ = ["Progress", "Servers", "Subject", "alternate", "measure"]


K = TypeVar("K")


class Servers(Protocol):
    """Those under load."""

    @property
    def ours(self) -> bool:
        """Whether all of them tell what they use."""

    async def usage(self) -> list[Usage]:
        """What each process of theirs has used so far, if they tell."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to measure.

    Attributes:
        name: What it is called while it runs.
        servers: Those that it puts load on.
        load: What runs.
        profiled: Whether it belongs into the profile.
    """

    name: str
    servers: Servers
    load: Load
    profiled: bool = False


class Progress(Protocol):
    """Is told how far the measurements are."""

    def begin(self, runs: int) -> None:
        """So many runs come."""

    def run(self, name: str) -> None:
        """One begins."""

    def ran(self, result: str) -> None:
        """It has ended."""


async def measure(servers: Servers, load: Load, seconds: float) -> Measurement:
    """Run a load once."""
    servers_before = await servers.usage() if servers.ours else None
    cpu_before = time.process_time()
    outcome = await load(seconds)
    cpu = time.process_time() - cpu_before
    servers_after = await servers.usage() if servers.ours else None
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
                    measured = await measure(subject.servers, subject.load, timing.seconds)
            except (gorums.GorumsError, grpc.aio.AioRpcError, ConnectionError) as error:
                text = error.details() if isinstance(error, grpc.aio.AioRpcError) else str(error)
                raise StartError(f"{subject.name}: {text}") from None
            results[key].append(measured)
            progress.ran(f"{measured.throughput:,.0f}/s")
    return results
