"""Readings as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pygorums.base.shown import shown
from pygorums.top.readings import MethodRow, ServerRow

__all__ = ["duration", "number", "tables"]


def tables(servers: Sequence[ServerRow], methods: Sequence[MethodRow]) -> RenderableType:
    """All that is shown."""
    return Group(_servers(servers), Text(), _methods(methods), *_troubles(servers))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        left = column in ("server", "method", "failed with")
        table.add_column(column, justify="left" if left else "right", no_wrap=True, overflow="ellipsis")
    return table


def _servers(rows: Sequence[ServerRow]) -> Table:
    table = _table("server", "node", "nodes up", "requests/s", "failed/s", "running", "streams", "held")
    for row in rows:
        stats = row.stats
        if stats is None:
            table.add_row(Text(row.address, "red"), "", Text("no answer", "red"), "", "", "", "", "")
            continue
        table.add_row(
            row.address,
            str(stats.node_id or "–"),
            Text(f"{row.up} of {row.known}" if row.known else "–", "" if row.up == row.known else "yellow"),
            number(row.rate),
            Text(number(row.failed), "red" if row.failed else ""),
            str(stats.running),
            str(stats.streams),
            _size(stats.held_bytes),
        )
    return table


def _methods(rows: Sequence[MethodRow]) -> Table:
    table = _table("method", "requests/s", "requests", "p50", "p99", "failed with")
    for row in rows:
        failed = ", ".join(f"{shown(status, 40)} {count}" for status, count in row.statuses)
        name = Text(shown(row.name, 200))
        numbers = (number(row.rate), f"{row.count:,}", duration(row.p50), duration(row.p99))
        table.add_row(name, *numbers, Text(failed, "red"))
    return table


def _troubles(rows: Sequence[ServerRow]) -> Sequence[RenderableType]:
    """Why servers, or nodes that they know, cannot be reached."""
    lines = [f"{row.address}: {row.error}" for row in rows if row.error]
    for row in rows:
        for node in row.stats.nodes if row.stats is not None else ():
            if node.state != "connected" and not node.inbound:
                why = node.last_error or "no answer yet"
                lines.append(f"{row.address} cannot reach node {node.id} ({node.address}): {why}")
    return [Text(), *(Text(shown(line, 300), "yellow") for line in lines)] if lines else []


def number(value: float | None) -> str:
    """A rate, with as many digits as matter."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.1f}"


def duration(seconds: float) -> str:
    """A duration in a unit that suits it."""
    for unit, name in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds / 1e-6:.3g} µs" if seconds else "–"


def _size(count: int) -> str:
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} B"
