"""The benchmarks side by side with the baselines."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.loads.outcome import Load
from benchmarks.measuring.alternation import Progress, Subject, alternate
from benchmarks.measuring.measurement import latency_of, ratio_of, throughput_of
from benchmarks.measuring.options import Options
from benchmarks.measuring.profiling import Profiler
from benchmarks.reports.table import Row
from benchmarks.subjects.blocking_work import BlockingKind, BlockingWork
from benchmarks.subjects.catalogue import CATALOGUE, Benchmark
from benchmarks.subjects.fan_out import fan_out_load
from benchmarks.subjects.targets import Targets

__all__ = ["FAN_OUT_CALLERS", "FAN_OUT_THREADS", "chosen_benchmarks", "compare"]

FAN_OUT_CALLERS = 50
"""Callers of baseline A where a benchmark has more calls in flight than that: further ones do not make it faster."""

FAN_OUT_THREADS = 32
"""The same for the threads of baseline C."""

_BY_NAME = {benchmark.name: benchmark for benchmark in CATALOGUE}


@dataclass(frozen=True, slots=True)
class _Key:
    """What was measured: pygorums' benchmark of that name, or baseline A, B, C or R."""

    name: str
    in_flight: int
    nodes: int
    quorum: int
    slow: bool = False

    @property
    def is_baseline(self) -> bool:
        return self.name not in _BY_NAME

    @property
    def label(self) -> str:
        notes = ["1 node"] if self.nodes == 1 else []
        if self.slow and self.name == "A":
            notes.append("slow servers")
        return f"{self.name} ({', '.join(notes)})" if notes and self.is_baseline else self.name


def chosen_benchmarks(options: Options) -> list[Benchmark]:
    """The benchmarks whose names match."""
    return [benchmark for benchmark in CATALOGUE if options.chosen.search(benchmark.name)]


async def compare(targets: Targets, options: Options, progress: Progress, profiler: Profiler) -> list[Row]:
    """Measure the chosen benchmarks, and what they are compared with."""
    compared: dict[_Key, dict[str, _Key]] = {}
    for benchmark in chosen_benchmarks(options):
        for in_flight in _numbers(benchmark, options):
            key = _key(benchmark.name, benchmark, in_flight, options)
            compared[key] = dict(_others(benchmark, in_flight, options, ours=targets.ours))
    keys = {*compared, *(other for others in compared.values() for other in others.values())}
    subjects = {key: await _subject(targets, key, options.payload) for key in sorted(keys, key=_order)}
    runs = await alternate(subjects, options.timing, progress, profiler)
    return [
        Row(
            key.label,
            key.in_flight,
            runs[key],
            {
                name: ratio_of(runs[key], runs[other], latency_of if name == "R" else throughput_of)
                for name, other in compared.get(key, {}).items()
            },
        )
        for key in subjects
    ]


def _numbers(benchmark: Benchmark, options: Options) -> tuple[int, ...]:
    """The numbers in flight that a benchmark is measured with."""
    if not benchmark.waits:
        return (options.max_async,)
    return options.threads if isinstance(benchmark.load, BlockingKind) else options.concurrent


def _key(name: str, benchmark: Benchmark, in_flight: int, options: Options) -> _Key:
    nodes, quorum = (1, 1) if benchmark.single else (options.config_size, options.quorum_size)
    return _Key(name, in_flight, nodes, quorum, benchmark.slow)


def _order(key: _Key) -> tuple[object, ...]:
    """The benchmarks as they are listed, then the baselines."""
    if key.is_baseline:
        return (len(CATALOGUE), key.name, -key.nodes, key.slow, key.in_flight)
    return (CATALOGUE.index(_BY_NAME[key.name]), key.in_flight)


def _others(benchmark: Benchmark, in_flight: int, options: Options, *, ours: bool) -> Iterator[tuple[str, _Key]]:
    """What a benchmark is compared with, by the names of the ratios.

    Args:
        benchmark: The benchmark.
        in_flight: How many calls are under way.
        options: How it is measured.
        ours: Whether the servers serve the baselines.
    """
    if not options.baselines:
        return
    if benchmark.counterpart:
        if ours:
            yield "C", _key("C", benchmark, min(in_flight, FAN_OUT_THREADS), options)
        yield "asyncio", _key(benchmark.counterpart, _BY_NAME[benchmark.counterpart], in_flight, options)
    elif ours:
        yield "A", _key("A", benchmark, min(in_flight, FAN_OUT_CALLERS), options)
        nodes, quorum = (1, 1) if benchmark.single else (options.config_size, options.quorum_size)
        # Its server handles one message after the other, so nothing could be slow side by side.
        yield "B", _Key("B", in_flight, nodes, quorum)
        # Its rounds have callers that wait, and the latency of anything else is queueing.
        if benchmark.waits and not benchmark.slow:
            yield "R", _Key("R", in_flight, nodes, quorum)


async def _subject(targets: Targets, key: _Key, payload: int) -> Subject:
    load = await _load(targets, key, payload)
    benchmark = _BY_NAME.get(key.name)
    profiled = benchmark is not None and not isinstance(benchmark.load, BlockingKind)
    return Subject(f"{key.label} with {key.in_flight} in flight", targets, load, profiled)


async def _load(targets: Targets, key: _Key, payload: int) -> Load:
    benchmark = _BY_NAME.get(key.name)
    if key.name == "A":
        return fan_out_load(targets.channels[: key.nodes], key.quorum, key.in_flight, payload, slow=key.slow)
    if key.name == "B":
        return targets.streams(key.nodes).load(key.quorum, key.in_flight, payload)
    if key.name == "R":
        return (await targets.raw()).load(key.nodes, key.quorum, key.in_flight, payload)
    make = BlockingKind.FAN_OUT if benchmark is None else benchmark.load
    if isinstance(make, BlockingKind):
        return (await targets.blocking()).load(BlockingWork(make, key.in_flight, key.quorum, payload))
    return make(targets.cluster(targets.config, key.quorum, payload), key.in_flight)
