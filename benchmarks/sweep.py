"""Throughput over concurrency, configuration size and payload, as JSON, Markdown and plots."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring.alternation import Progress, Subject, alternate
from benchmarks.measuring.measurement import Measurement, median_of
from benchmarks.measuring.options import Options, majority_of
from benchmarks.measuring.profiling import Profiler
from benchmarks.program import StartError
from benchmarks.reports.files import settings, write_json, write_text
from benchmarks.reports.machine import describe, machine
from benchmarks.reports.plots import plot
from benchmarks.reports.progress import progress_display
from benchmarks.reports.table import markdown
from benchmarks.servers.local import LocalServers
from benchmarks.subjects.asyncio_loads import quorum_call_load
from benchmarks.subjects.fan_out import fan_out_load
from benchmarks.subjects.targets import Targets

__all__ = ["AXES", "SUBJECTS", "Axis", "sweep"]

SUBJECTS = ("pygorums", "A", "B", "R")

CALLERS = 50
NODES = 3


@dataclass(frozen=True, slots=True)
class Axis:
    """What is varied; the rest stays at 50 callers, 3 nodes and no payload.

    Attributes:
        name: Of the files.
        title: For people.
        values: What it is varied over.
        processes: In how many processes the servers are; None for one each.
    """

    name: str
    title: str
    values: tuple[int, ...]
    processes: int | None = None

    @property
    def nodes(self) -> int:
        """How many servers it needs."""
        return max(self.values) if self.name == "config-size" else NODES


AXES = (
    Axis("concurrency", "callers", (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
    Axis("config-size", "nodes, in 2 processes", (1, 3, 5, 10, 20, 50), processes=2),
    Axis("payload", "bytes of payload", (0, 64, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20)),
)


async def sweep(options: Options) -> None:
    """Measure the chosen axes and write the files.

    Raises:
        StartError: It cannot be measured, or not be written.
    """
    axes = [axis for axis in AXES if options.chosen.search(axis.name)]
    if not axes:
        raise StartError(
            f"nothing to vary matches {options.chosen.pattern!r}: there are {', '.join(axis.name for axis in AXES)}"
        )
    folder = _folder(options.output)
    facts = machine()
    profiler = Profiler(options.profile)
    results = {}
    with progress_display() as progress:
        for axis in axes:
            results[axis] = await _measure(axis, options, progress, profiler)
    profiler.write()
    figures = {
        axis.name: [
            {"value": value, "subject": name, "median": median_of(runs).as_dict(), "runs": [r.as_dict() for r in runs]}
            for (value, name), runs in measured.items()
        ]
        for axis, measured in results.items()
    }
    write_json(str(folder / "sweep.json"), {"machine": facts, "options": settings(options), "axes": figures})
    text = "\n\n".join(_section(axis, measured) for axis, measured in results.items())
    write_text(folder / "sweep.md", f"{describe(facts)}\n\n{text}\n")
    print(text)
    for axis, measured in results.items():
        medians = {key: median_of(runs) for key, runs in measured.items()}
        problem = plot(folder / f"{axis.name}.svg", axis.title, axis.values, SUBJECTS, medians)
        if problem:
            print(f"\n{problem}")
            break
    print(f"\nWritten to {folder}")


def _folder(path: str) -> Path:
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"cannot write to {folder}: {error.strerror}") from None
    return folder


async def _measure(
    axis: Axis, options: Options, progress: Progress, profiler: Profiler
) -> dict[tuple[int, str], list[Measurement]]:
    local = LocalServers(axis.nodes, options.transport, processes=axis.processes, uvloop=options.uvloop)
    async with local, Targets(local.addresses, options.send_buffer, options.transport) as targets:
        subjects = {
            (value, name): await _subject(axis, value, name, targets)
            for value in axis.values
            for name in SUBJECTS
            if name == "pygorums" or options.baselines
        }
        return await alternate(subjects, options.timing, progress, profiler)


async def _subject(axis: Axis, value: int, name: str, targets: Targets) -> Subject:
    callers = value if axis.name == "concurrency" else CALLERS
    nodes = value if axis.name == "config-size" else NODES
    payload = value if axis.name == "payload" else 0
    quorum = majority_of(nodes)
    if name == "A":
        load = fan_out_load(targets.channels[:nodes], quorum, callers, payload)
    elif name == "B":
        load = targets.streams(nodes).load(quorum, callers, payload)
    elif name == "R":
        load = (await targets.raw()).load(nodes, quorum, callers, payload)
    else:
        load = quorum_call_load(targets.cluster(targets.config[:nodes], quorum, payload), callers)
    return Subject(f"{name} with {value} {axis.title}", targets, load, profiled=name == "pygorums")


def _section(axis: Axis, measured: dict[tuple[int, str], list[Measurement]]) -> str:
    names = [name for name in SUBJECTS if (axis.values[0], name) in measured]
    headings = [axis.title, *(f"{name} calls/s" for name in names), *(f"{name} p50 ms" for name in names)]
    headings += [f"× {name}" for name in names[1:]]
    rows: list[Sequence[str]] = [headings]
    for value in axis.values:
        runs = [median_of(measured[value, name]) for name in names]
        latencies = [run.latency.p50 if run.latency else None for run in runs]
        rows.append(
            [
                f"{value:,}",
                *(f"{run.throughput:,.0f}" for run in runs),
                *("–" if p50 is None else f"{p50 * 1e3:,.2f}" for p50 in latencies),
                *(f"{runs[0].throughput / max(run.throughput, 1e-9):.2f}" for run in runs[1:]),
            ]
        )
    return markdown(rows)
