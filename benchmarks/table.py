"""Tables of figures, for terminals and for Markdown."""

from collections.abc import Sequence

from benchmarks.comparison import Row
from benchmarks.measuring import median_of

__all__ = ["comparison_table", "markdown", "plain"]

Cells = Sequence[Sequence[str]]
"""The lines of a table, the headings first."""

_HEADINGS = (
    *("benchmark", "in flight", "calls/s", "mean ms", "sd ms", "p50 ms", "p99 ms", "p99.9 ms"),
    *("client µs/call", "servers µs/call", "client MiB", "server MiB"),
)


def comparison_table(rows: Sequence[Row]) -> Cells:
    """The medians of all rows, and their ratios; to what only the blocking facade is compared with if it is there."""
    others = ["A", "B", *(name for name in ("C", "asyncio") if any(name in row.ratios for row in rows))]
    return [[*_HEADINGS, *(f"× {name}" for name in others)], *(_cells(row, others) for row in rows)]


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
