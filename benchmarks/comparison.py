"""The benchmarks side by side with the baselines."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks.catalogue import CATALOGUE, Benchmark
from benchmarks.fan_out import fan_out_load
from benchmarks.measuring import Measurement, Progress, Subject, alternate
from benchmarks.options import Options
from benchmarks.profiling import Profiler
from benchmarks.targets import Targets

__all__ = ["FAN_OUT_CALLERS", "Row", "chosen_benchmarks", "compare"]

FAN_OUT_CALLERS = 50
"""Callers of baseline A where a benchmark has more calls in flight than that: further ones do not make it faster."""


@dataclass(frozen=True, slots=True)
class _Key:
    """What was measured: pygorums' benchmark of that name, or baseline A or B."""

    name: str
    in_flight: int
    nodes: int
    quorum: int
    slow: bool = False

    @property
    def label(self) -> str:
        notes = ["1 node"] if self.nodes == 1 else []
        if self.slow and self.name == "A":
            notes.append("slow servers")
        return f"{self.name} ({', '.join(notes)})" if notes and self.name in ("A", "B") else self.name


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table.

    Attributes:
        name: The benchmark, or the baseline.
        in_flight: How many calls were under way.
        runs: The measurements, in the order of the rounds.
        ratios: How many times the throughput of baselines A and B this is, the median of all rounds.
    """

    name: str
    in_flight: int
    runs: list[Measurement]
    ratios: dict[str, float]


def chosen_benchmarks(options: Options) -> list[Benchmark]:
    """The benchmarks whose names match."""
    return [benchmark for benchmark in CATALOGUE if options.chosen.search(benchmark.name)]


async def compare(targets: Targets, options: Options, progress: Progress, profiler: Profiler) -> list[Row]:
    """Measure the chosen benchmarks, and the baselines that they need."""
    subjects: dict[_Key, Subject] = {}
    compared: dict[_Key, list[_Key]] = {}
    for benchmark in chosen_benchmarks(options):
        cluster = targets.cluster(targets.config, options.quorum_size, options.payload)
        for in_flight in options.concurrent if benchmark.waits else (options.max_async,):
            key = _key(benchmark.name, benchmark, in_flight, options)
            subjects[key] = Subject(
                f"{benchmark.name} with {in_flight} in flight",
                targets,
                benchmark.load(cluster, in_flight),
                profiled=True,
            )
            compared[key] = list(_baselines(benchmark, in_flight, options)) if targets.ours else []
    baselines = {baseline for others in compared.values() for baseline in others}
    for key in sorted(baselines, key=lambda key: (key.name, -key.nodes, key.slow, key.in_flight)):
        subjects[key] = _baseline(targets, key, options.payload)
    runs = await alternate(subjects, options.timing, progress, profiler)
    return [
        Row(
            key.label,
            key.in_flight,
            runs[key],
            {other.name: _ratio(runs[key], runs[other]) for other in compared.get(key, ())},
        )
        for key in subjects
    ]


def _key(name: str, benchmark: Benchmark, in_flight: int, options: Options) -> _Key:
    nodes, quorum = (1, 1) if benchmark.single else (options.config_size, options.quorum_size)
    return _Key(name, in_flight, nodes, quorum, benchmark.slow)


def _baselines(benchmark: Benchmark, in_flight: int, options: Options) -> Iterator[_Key]:
    if options.baselines:
        yield _key("A", benchmark, min(in_flight, FAN_OUT_CALLERS), options)
        nodes, quorum = (1, 1) if benchmark.single else (options.config_size, options.quorum_size)
        # Its server handles one message after the other, so nothing could be slow side by side.
        yield _Key("B", in_flight, nodes, quorum)


def _baseline(targets: Targets, key: _Key, payload: int) -> Subject:
    name = f"{key.label} with {key.in_flight} in flight"
    if key.name == "A":
        channels = targets.channels[: key.nodes]
        return Subject(name, targets, fan_out_load(channels, key.quorum, key.in_flight, payload, slow=key.slow))
    return Subject(name, targets, targets.streams(key.nodes).load(key.quorum, key.in_flight, payload))


def _ratio(runs: list[Measurement], baseline: list[Measurement]) -> float:
    return median(ours.throughput / max(theirs.throughput, 1e-9) for ours, theirs in zip(runs, baseline, strict=True))
