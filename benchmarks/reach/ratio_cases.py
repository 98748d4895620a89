"""The cases that compare throughput, latency or cost with those of something else measured in turn."""

from collections.abc import Callable
from statistics import median

from benchmarks.loads.outcome import Load
from benchmarks.measuring.alternation import Subject
from benchmarks.measuring.measurement import Measurement, latency_of, ratio_of
from benchmarks.measuring.options import majority_of
from benchmarks.reach.cases import Figure, RatioCase, Runs
from benchmarks.subjects.asyncio_loads import async_quorum_call_load, multicast_load, quorum_call_load
from benchmarks.subjects.blocking_work import BlockingKind, BlockingWork
from benchmarks.subjects.fan_out import fan_out_load
from benchmarks.subjects.targets import Targets

__all__ = ["RATIO_CASES", "subject_of"]

LARGE = 64 << 10
"""Bytes of the payload that counts as large."""

LARGE_CALLERS = 16

IN_FLIGHT = 1000
"""Asynchronous calls."""

THREADS = 32

_BLOCKING = {
    "C": BlockingKind.FAN_OUT,
    "sync": BlockingKind.QUORUM_CALL,
    "sync-async": BlockingKind.ASYNC_QUORUM_CALL,
}
"""The kinds that run in the blocking client."""


async def subject_of(name: str, few: Targets, many: Targets) -> Subject:
    """What is measured under a name: kind and number of callers, such as ``quorum 50`` or ``A 50``.

    Args:
        name: The name.
        few: Three nodes.
        many: Many nodes in a few processes.
    """
    kind, _, number = name.partition(" ")
    callers = int(number)
    if kind in _BLOCKING:
        client = await few.blocking()
        work = BlockingWork(_BLOCKING[kind], callers, majority_of(len(few.config)), payload=0)
        return Subject(name, few, client.load(work))
    targets = many if kind == "many" else few
    config = await targets.unbatched() if kind == "unbatched" else targets.config
    quorum = majority_of(len(config))
    cluster = targets.cluster(config, quorum, LARGE if kind == "large" else 0)
    loads: dict[str, Callable[[], Load]] = {
        "A": lambda: fan_out_load(targets.channels, quorum, callers, 0),
        "B": lambda: targets.streams(len(config)).load(quorum, callers, 0),
        "B-large": lambda: targets.streams(len(config)).load(quorum, callers, LARGE),
        "async": lambda: async_quorum_call_load(cluster, callers),
        "multicast": lambda: multicast_load(cluster, callers),
    }
    load = loads.get(kind, lambda: quorum_call_load(cluster, callers))()
    return Subject(name, targets, load, profiled=kind[0] not in "AB")


def _times_throughput(ours: str, baseline: str, least: float) -> Callable[[Runs], Figure]:
    def judge(runs: Runs) -> Figure:
        ratio = ratio_of(runs[ours], runs[baseline])
        rate = median(run.throughput for run in runs[ours])
        return Figure(f"{ratio:.2f} ({rate:,.0f}/s)", ratio >= least, {"ratio": ratio, "throughput": rate})

    return judge


def _sequential(runs: Runs) -> Figure:
    ratio = ratio_of(runs["quorum 1"], runs["A 1"])
    latency = ratio_of(runs["quorum 1"], runs["B 1"], latency_of)
    p50 = median(map(latency_of, runs["quorum 1"]))
    return Figure(
        f"{ratio:.2f}; {latency:.2f} ({p50 * 1e6:,.0f} µs)",
        ratio >= 1.7 and latency <= 1.15,
        {"ratio": ratio, "latency_ratio": latency, "p50": p50},
    )


def _times_latency(ours: str, baseline: str, most: float) -> Callable[[Runs], Figure]:
    def judge(runs: Runs) -> Figure:
        ratio = ratio_of(runs[ours], runs[baseline], latency_of)
        p50 = median(map(latency_of, runs[ours]))
        return Figure(f"{ratio:.2f} ({p50 * 1e6:,.0f} µs)", ratio <= most, {"latency_ratio": ratio, "p50": p50})

    return judge


def _cost(nodes: int) -> Callable[[Measurement], float]:
    return lambda run: (run.client_cpu + (run.servers_cpu or 0.0)) / nodes


def _scaling(runs: Runs) -> Figure:
    ratio = median(
        _cost(50)(many) / _cost(3)(few) for many, few in zip(runs["many 50"], runs["quorum 50"], strict=True)
    )
    wall = median(
        few.throughput * 3 / (many.throughput * 50)
        for many, few in zip(runs["many 50"], runs["quorum 50"], strict=True)
    )
    cost = median(map(_cost(50), runs["many 50"]))
    return Figure(
        f"{ratio:.2f} in processor time ({cost * 1e6:.1f} µs), {wall:.2f} in time",
        max(ratio, wall) <= 1.3,
        {"cpu_ratio": ratio, "time_ratio": wall, "cpu": cost},
    )


def _unbatched(runs: Runs) -> Figure:
    ratios = {n: ratio_of(runs[f"unbatched {n}"], runs[f"B {n}"]) for n in (1, 50, 200)}
    return Figure(
        ", ".join(f"{ratio:.2f} at {callers}" for callers, ratio in ratios.items()),
        min(ratios.values()) >= 0.9,
        {"ratios": ratios},
    )


RATIO_CASES = (
    RatioCase(
        "sequential",
        "one caller of quorum calls",
        "≥ 1.7 × A; ≤ 1.15 × latency of B",
        ("A 1", "B 1", "quorum 1"),
        _sequential,
    ),
    RatioCase(
        "callers-50",
        "50 callers of quorum calls",
        "≥ 24 × A",
        ("A 50", "quorum 50"),
        _times_throughput("quorum 50", "A 50", 24),
    ),
    RatioCase(
        "callers-200",
        "200 callers of quorum calls",
        "≥ 38 × A at 50",
        ("A 50", "quorum 200"),
        _times_throughput("quorum 200", "A 50", 38),
    ),
    RatioCase(
        "async-1000",
        "1000 asynchronous quorum calls in flight",
        "≥ 38 × A at 50",
        ("A 50", f"async {IN_FLIGHT}"),
        _times_throughput(f"async {IN_FLIGHT}", "A 50", 38),
    ),
    RatioCase(
        "multicast",
        "multicasts, each received by all three nodes",
        "≥ 80 × A at 50, per delivery",
        ("A 50", f"multicast {IN_FLIGHT}"),
        _times_throughput(f"multicast {IN_FLIGHT}", "A 50", 80),
    ),
    RatioCase(
        "nodes-50",
        "cost per node and call with 50 nodes in 2 processes, 50 callers",
        "≤ 1.3 × that with 3 nodes",
        ("quorum 50", "many 50"),
        _scaling,
    ),
    RatioCase(
        "payload-64k",
        f"payloads of 64 KiB, {LARGE_CALLERS} callers",
        "≥ 0.9 × bytes/s of B",
        (f"B-large {LARGE_CALLERS}", f"large {LARGE_CALLERS}"),
        _times_throughput(f"large {LARGE_CALLERS}", f"B-large {LARGE_CALLERS}", 0.9),
    ),
    RatioCase(
        "unbatched",
        "quorum calls to peers that do not batch",
        "≥ 0.9 × B at any concurrency",
        tuple(f"{kind} {callers}" for callers in (1, 50, 200) for kind in ("B", "unbatched")),
        _unbatched,
    ),
    RatioCase(
        "sync-sequential",
        "one thread of blocking quorum calls",
        "≤ 1.5 × latency with asyncio",
        ("quorum 1", "sync 1"),
        _times_latency("sync 1", "quorum 1", 1.5),
    ),
    RatioCase(
        f"sync-threads-{THREADS}",
        f"{THREADS} threads of blocking quorum calls",
        "≥ 8 × C",
        (f"C {THREADS}", f"sync {THREADS}"),
        _times_throughput(f"sync {THREADS}", f"C {THREADS}", 8),
    ),
    RatioCase(
        f"sync-async-{IN_FLIGHT}",
        f"{IN_FLIGHT} asynchronous quorum calls of one thread in flight",
        "≥ 0.5 × that with asyncio",
        (f"async {IN_FLIGHT}", f"sync-async {IN_FLIGHT}"),
        _times_throughput(f"sync-async {IN_FLIGHT}", f"async {IN_FLIGHT}", 0.5),
    ),
)
