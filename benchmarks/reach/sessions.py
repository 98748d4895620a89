"""What a session costs: calls with one, beside calls without one to the same servers.

Both are measured in short turns, so that what else happens on the machine meets both alike. What is compared is what
changes little with that: calls for each second of processor time, that of the client and of all servers together, and
the median latency.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import pygorums as gorums
from benchmarks.loads.outcome import Load
from benchmarks.measuring.alternation import Servers, measure
from benchmarks.measuring.measurement import Measurement, latency_of, ratio_of, throughput_of
from benchmarks.measuring.options import Options, majority_of
from benchmarks.reach.cases import Figure, OwnCase
from benchmarks.servers.local import LocalServers
from benchmarks.subjects.asyncio_loads import (
    Cluster,
    async_quorum_call_load,
    multicast_load,
    quorum_call_load,
    rpc_load,
)
from benchmarks.subjects.targets import Targets

__all__ = ["SESSIONS", "in_turns", "judged"]

TURNS = 8
"""Into how many turns a run is divided."""

LEAST = 0.97
"""Of the calls for each second of processor time."""

MOST = 1.03
"""Times the median latency."""


def _rate(run: Measurement) -> float:
    """Calls for each second of processor time."""
    return 1 / (run.client_cpu + (run.servers_cpu or 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class _CostCase:
    """Calls in a session, beside such as are in none."""

    name: str
    description: str
    load: Callable[[Cluster], Load]
    waited_for: bool = True
    """Whether each call has somebody who waits for it, so that its latency is more than the length of a queue."""

    @property
    def target(self) -> str:
        """What has to be reached."""
        return f"≥ {LEAST:g} × in processor time" + f", ≤ {MOST:g} × latency" * self.waited_for

    async def measure(self, options: Options) -> Figure:
        """Measure in turns."""
        local = LocalServers(3, options.transport, uvloop=options.uvloop)
        async with local, Targets(local.addresses, options.send_buffer, options.transport) as targets:
            need = majority_of(len(targets.config))
            kept, unkept = (
                self.load(targets.cluster(config, need, options.payload))
                for config in [
                    await targets.connected(options.transport, session=session) for session in (gorums.Session(), None)
                ]
            )
            return judged(*await in_turns(kept, unkept, targets, options), waited_for=self.waited_for)


async def in_turns(
    ours: Load, other: Load, servers: Servers, options: Options
) -> tuple[Sequence[Measurement], Sequence[Measurement]]:
    """The runs of two loads; each is first as often as the other."""
    await ours(options.warmup or 0.1)
    await other(options.warmup or 0.1)
    seconds = options.seconds / TURNS
    found: tuple[list[Measurement], list[Measurement]] = [], []
    for turn in range(TURNS * options.rounds):
        for runs, load in ((found[0], ours), (found[1], other))[:: -1 if turn % 2 else 1]:
            runs.append(await measure(servers, load, seconds))
    return found


def judged(kept: Sequence[Measurement], unkept: Sequence[Measurement], *, waited_for: bool) -> Figure:
    """The figure that runs in sessions give, beside runs in none."""
    cpu, latency, throughput = (ratio_of(kept, unkept, figure) for figure in (_rate, latency_of, throughput_of))
    p50 = median(map(latency_of, unkept))
    return Figure(
        f"{cpu:.3f} in processor time; {latency:.3f} × {p50 * 1e6:,.0f} µs; {throughput:.2f} × calls/s",
        cpu >= LEAST and (latency <= MOST or not waited_for),
        {"processor": cpu, "latency": latency, "throughput": throughput, "p50": p50},
    )


SESSIONS: tuple[OwnCase, ...] = (
    _CostCase(
        "session-sequential", "one caller of quorum calls in sessions", lambda cluster: quorum_call_load(cluster, 1)
    ),
    _CostCase("session-rpc", "one caller of RPCs in a session", lambda cluster: rpc_load(cluster, 1)),
    _CostCase("session-50", "50 callers of quorum calls in sessions", lambda cluster: quorum_call_load(cluster, 50)),
    _CostCase(
        "session-async-1000",
        "1000 asynchronous quorum calls in flight in sessions",
        lambda cluster: async_quorum_call_load(cluster, 1000),
        False,
    ),
    _CostCase("session-multicast", "multicasts in sessions", lambda cluster: multicast_load(cluster, 1000), False),
)
"""In the order in which they are told."""
