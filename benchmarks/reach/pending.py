"""The case of very many calls that wait for their replies: what each takes of memory and time."""

import asyncio
import gc
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter

import pygorums as gorums
from benchmarks.benchmark_gorums import quorum_call
from benchmarks.benchmark_pb2 import Echo
from benchmarks.measuring.options import Options
from benchmarks.measuring.usage import resident_bytes
from benchmarks.reach.cases import Figure
from benchmarks.servers.local import LocalServers
from benchmarks.subjects.targets import Targets

__all__ = ["PENDING"]

CALLS = 100_000
FEWER = CALLS // 10

MOST_BYTES = 1500

MOST_GROWTH = 2.0
"""How many times longer a step may take for each of the calls than for each of a tenth of them.

It would be ten times if the step were quadratic."""


@dataclass(frozen=True, slots=True, eq=False)
class _PendingCase:
    """100,000 quorum calls to servers that stand still, which then answer them, or which are cancelled."""

    name = "pending"
    description = f"{CALLS:,} quorum calls in flight"
    target = "≤ 1.5 KB each, no quadratic step"

    async def measure(self, options: Options) -> Figure:
        """Measure memory and the time of each step."""
        local = LocalServers(3, options.transport, uvloop=options.uvloop)
        async with local, Targets(local.addresses, options.send_buffer, options.transport) as targets:
            await quorum_call(targets.config, Echo()).all()
            few = await _steps(local, targets.config, FEWER)
            gc.collect()
            before = resident_bytes()
            many = await _steps(local, targets.config, CALLS)
        size = (many.resident - before) / CALLS
        growth = {step: seconds / few.seconds[step] for step, seconds in many.seconds.items()}
        times = ", ".join(f"{step} {seconds * 1e6:.1f} µs" for step, seconds in many.seconds.items())
        slowest = max(growth.values())
        return Figure(
            f"{size:,.0f} bytes each; {times}; at most {slowest:.2f} × as long as with {FEWER:,}",
            size <= MOST_BYTES and slowest <= MOST_GROWTH,
            {"bytes": size, "seconds": many.seconds, "growth": growth},
        )


PENDING = _PendingCase()


@dataclass(frozen=True, slots=True)
class _Steps:
    """Seconds for each call in each step, and the memory in use while all were pending."""

    seconds: Mapping[str, float]
    resident: int


async def _steps(servers: LocalServers, config: gorums.Configuration, count: int) -> _Steps:
    seconds = {}
    resident = 0
    for end in ("cancel", "answer"):
        for process in range(3):
            servers.freeze(process)
        begun = perf_counter()
        calls = [quorum_call(config, Echo()).async_majority() for _ in range(count)]
        seconds["start"] = (perf_counter() - begun) / count
        resident = resident_bytes()
        await asyncio.sleep(0.1)  # let the writers send what the streams take
        begun = perf_counter()
        if end == "cancel":
            for call in calls:
                call.cancel()
            await asyncio.sleep(0)
            seconds[end] = (perf_counter() - begun) / count
        for process in range(3):
            servers.thaw(process)
        if end == "answer":
            await asyncio.gather(*calls)
            seconds[end] = (perf_counter() - begun) / count
        del calls
        # Nothing of this is under way any more when the next step begins.
        await quorum_call(config, Echo()).all()
    return _Steps(seconds, resident)
