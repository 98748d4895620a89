"""The benchmarks by name, and what each is compared with."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.loads.outcome import Load
from benchmarks.subjects.asyncio_loads import (
    Cluster,
    async_quorum_call_load,
    correctable_load,
    multicast_load,
    quorum_call_load,
    rpc_load,
)
from benchmarks.subjects.blocking_work import BlockingKind

__all__ = ["CATALOGUE", "Benchmark"]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark of pygorums.

    Attributes:
        name: As users choose it.
        description: What it measures, in a line.
        load: Makes its load for some nodes and a number of calls in flight; or what the blocking client does for it.
        waits: Whether the calls in flight are those of callers who wait; else one sender keeps them in flight.
        slow: Whether the servers take a while for each call.
        single: Whether it calls one node.
        counterpart: The benchmark that does the same with asyncio; empty for those that do so themselves.
    """

    name: str
    description: str
    load: Callable[[Cluster, int], Load] | BlockingKind
    waits: bool = True
    slow: bool = False
    single: bool = False
    counterpart: str = ""


def _slow_server_load(cluster: Cluster, callers: int) -> Load:
    return quorum_call_load(cluster, callers, slow=True)


CATALOGUE = (
    Benchmark("QuorumCall", "callers that make quorum calls", quorum_call_load),
    Benchmark("AsyncQuorumCall", "quorum calls kept in flight by futures", async_quorum_call_load, waits=False),
    Benchmark("SlowServer", "quorum calls to servers that take 10 ms each", _slow_server_load, slow=True),
    Benchmark("Multicast", "one-way messages, measured at the servers", multicast_load, waits=False),
    Benchmark("RPC", "calls to a single node", rpc_load, single=True),
    Benchmark("Correctable", "quorum calls that are watched as their replies come", correctable_load),
    Benchmark(
        "SyncQuorumCall",
        "threads that make quorum calls with pygorums.sync",
        BlockingKind.QUORUM_CALL,
        counterpart="QuorumCall",
    ),
    Benchmark(
        "SyncAsyncQuorumCall",
        "quorum calls of pygorums.sync kept in flight by futures",
        BlockingKind.ASYNC_QUORUM_CALL,
        waits=False,
        counterpart="AsyncQuorumCall",
    ),
)
