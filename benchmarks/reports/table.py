"""Tables of figures, for terminals and for Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.measuring.measurement import Measurement, latency_of, median_of, ratio_of

__all__ = ["Row", "comparison_table", "facade_summary", "markdown", "plain"]

Cells = Sequence[Sequence[str]]
"""The lines of a table, the headings first."""

_HEADINGS = (
    *("benchmark", "in flight", "calls/s", "mean ms", "sd ms", "p50 ms", "p99 ms", "p99.9 ms"),
    *("client µs/call", "servers µs/call", "client MiB", "server MiB"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table.

    Attributes:
        name: The benchmark, or the baseline.
        in_flight: How many calls were under way.
        runs: The measurements, in the order of the rounds.
        ratios: How many times the throughput of the baselines this is, or of ``R`` the latency, and for the blocking
            facade how many times the throughput of the same with ``asyncio``; the median of all rounds.
    """

    name: str
    in_flight: int
    runs: list[Measurement]
    ratios: dict[str, float]


def comparison_table(rows: Sequence[Row]) -> Cells:
    """The medians of all rows, and their ratios; to what only some are compared with if those are there."""
    others = ["A", "B", *(name for name in ("R", "C", "asyncio") if any(name in row.ratios for row in rows))]
    headings = ["p50 × R" if name == "R" else f"× {name}" for name in others]
    return [[*_HEADINGS, *headings], *(_cells(row, others) for row in rows)]


def _cells(row: Row, others: Sequence[str]) -> list[str]:
    run = median_of(row.runs)
    latency = run.latency
    times = [None] * 5 if latency is None else [latency.mean, latency.deviation, latency.p50, latency.p99, latency.p999]
    return [
        row.name,
        f"{row.in_flight:,}",
        f"{run.throughput:,.0f}",
        *(_scaled(value, 1e3, 3) for value in times),
        _scaled(run.client_cpu, 1e6, 1),
        _scaled(run.servers_cpu, 1e6, 1),
        _scaled(run.client_memory, 2**-20, 0),
        _scaled(run.servers_memory, 2**-20, 0),
        *(f"{row.ratios[name]:.2f}" if name in row.ratios else "–" for name in others),
    ]


def _scaled(value: float | None, factor: float, digits: int) -> str:
    return "–" if value is None else f"{value * factor:,.{digits}f}"


def plain(cells: Cells, left: int = 1) -> str:
    """A table for a terminal: the first `left` columns to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) if index < left else cell.rjust(width) for index, (cell, width) in enumerate(line))
        for line in (list(zip(row, widths, strict=True)) for row in cells)
    ]
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def markdown(cells: Cells) -> str:
    """A table for Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    lines.insert(1, "|---|" + "---:|" * (len(cells[0]) - 1))
    return "\n".join(lines)


def facade_summary(rows: Sequence[Row]) -> list[str]:
    """How a single call, threads and futures of the facade compare with what they are measured against, if they are."""
    lines = list(_facade_lines(rows))
    return ["pygorums.sync, the blocking facade:", *lines] if lines else []


def _facade_lines(rows: Sequence[Row]) -> Iterator[str]:
    found = {(row.name, row.in_flight): row for row in rows}
    one, same = found.get(("SyncQuorumCall", 1)), found.get(("QuorumCall", 1))
    if one is not None and same is not None:
        longer = ratio_of(one.runs, same.runs, latency_of)
        yield f"  a call of a single thread takes {longer:.2f} × as long as with asyncio (p50)"
    for row in rows:
        if row.name == "SyncQuorumCall" and row.in_flight > 1 and "C" in row.ratios:
            yield f"  {row.in_flight:,} threads make {row.ratios['C']:.2f} × the calls of C"
        if row.name == "SyncAsyncQuorumCall" and "asyncio" in row.ratios:
            yield f"  {row.in_flight:,} in flight by futures are {row.ratios['asyncio']:.2f} × the calls/s of asyncio"
