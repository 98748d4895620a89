"""A history as one HTML file: a column for each process, time from top to bottom."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any

from pygorums.testing.operations import Operation, Outcome

__all__ = ["Chart", "picture_of"]

_COLUMN, _ROW, _LEFT, _TOP = 190, 15, 60, 34  # pixels

_PAGE = """
:root { color-scheme: light dark }
body { font: 14px system-ui, sans-serif; margin: 1.5em }
pre { font: 12px ui-monospace, monospace; overflow-x: auto }
"""

_STYLE = """
svg { --ink: #222; --faint: #bbb; --back: #fff; --ok: #2c7; --unknown: #e92; --failed: #999;
  --wrong: #d22; --message: #58c; --fault: #b3c }
@media (prefers-color-scheme: dark) { svg { --ink: #ddd; --faint: #555; --back: #181818 } }
svg { font: 11px ui-monospace, monospace; background: var(--back) }
svg text { fill: var(--ink) }
svg .name { font-weight: bold }
svg .time, svg .note { fill: var(--faint) }
svg .lane { stroke: var(--faint); stroke-dasharray: 2 4 }
svg .bar { stroke: none; fill-opacity: .75 }
svg .ok { fill: var(--ok) }
svg .unknown { fill: var(--unknown) }
svg .failed { fill: var(--failed) }
svg .marked { stroke: var(--wrong); stroke-width: 2; stroke-opacity: .6 }
svg .culprit { fill: var(--wrong) }
svg text.culprit { font-weight: bold }
svg .arrow { stroke: var(--message); stroke-width: 1; fill: none; marker-end: url(#head) }
svg .late { stroke-dasharray: 4 3 }
svg .lost { stroke: var(--wrong); stroke-dasharray: 4 3 }
svg .fault { fill: var(--fault); stroke: var(--fault) }
svg .down { fill: var(--fault); fill-opacity: .15 }
svg marker path { fill: var(--message) }
svg :hover > .bar, svg g:hover text { fill-opacity: 1; text-decoration: underline }
"""


class Chart:
    """Draws columns with bars, arrows and notes. Moments are places in an order; each has a row.

    Args:
        lanes: The names of the columns.
        moments: What has a row, in order, each with the time that is written beside it.
    """

    def __init__(self, lanes: Sequence[str], moments: Mapping[Any, float]) -> None:
        self._lanes = {name: index for index, name in enumerate(lanes)}
        self._rows = {moment: index for index, moment in enumerate(moments)}
        self._parts: list[str] = []
        bottom = self._y(len(self._rows))
        for name, index in self._lanes.items():
            x = _LEFT + index * _COLUMN
            self._parts.append(f'<text class="name" x="{x}" y="14">{escape(name)}</text>')
            self._parts.append(f'<line class="lane" x1="{x + 6}" x2="{x + 6}" y1="{_TOP - 12}" y2="{bottom}"/>')
        shown = None
        for moment, when in moments.items():
            text = f"{when:.3f}"
            if text != shown:  # what happens at one time is told of once
                self._parts.append(f'<text class="time" x="0" y="{self._y(self._rows[moment]) + 4}">{text}</text>')
                shown = text

    def _x(self, lane: str) -> int:
        return _LEFT + self._lanes[lane] * _COLUMN + 6

    def _y(self, row: int) -> int:
        return _TOP + row * _ROW

    def bar(self, lane: str, begin: Any, end: Any, text: str, kind: str, *, shift: int = 0, title: str = "") -> None:
        """What takes a while: from one moment to another; to the end of the picture if `end` is not in it."""
        top = self._y(self._rows[begin])
        bottom = self._y(self._rows.get(end, len(self._rows)))
        x = self._x(lane) + shift * 9
        self._parts.append(
            f"<g><title>{escape(title or text)}</title>"
            f'<rect class="bar {kind}" x="{x - 3}" y="{top - 4}" width="7" height="{max(8, bottom - top + 4)}" rx="3"/>'
            f'<text class="{"culprit" if "culprit" in kind else "said"}" x="{x + 8}" y="{top + 5}">'
            f"{escape(text)}</text></g>"
        )

    def arrow(self, source: str, begin: Any, target: str, end: Any, text: str, *, late: bool = False) -> None:
        """What goes from one column to another; without an `end` it is lost, or `late`: the picture ends before."""
        x1, y1 = self._x(source), self._y(self._rows[begin])
        x2, y2 = self._x(target), self._y(self._rows[begin] + 1 if end is None else self._rows[end])
        kind = ""
        if end is None:
            x2, kind = x1 + (x2 - x1) // 3, " late" if late else " lost"
        self._parts.append(
            f'<g><title>{escape(text)}</title><path class="arrow{kind}" d="M{x1} {y1}L{x2} {y2}"/>'
            f'<text class="note" x="{x1 + (x2 - x1) // 4 + 4}" y="{y1 + (y2 - y1) // 4 - 2}">{escape(text)}</text></g>'
        )

    def note(self, lane: str | None, moment: Any, text: str, kind: str = "fault") -> None:
        """What happens at a moment, in one column or, without a lane, in all."""
        y = self._y(self._rows[moment])
        x = _LEFT if lane is None else self._x(lane)
        width = len(self._lanes) * _COLUMN if lane is None else 12
        self._parts.append(
            f'<rect class="{kind}" x="{x - 6}" y="{y - 2}" width="{width}" height="3"/>'
            f'<text class="{kind}" x="{x + (0 if lane is None else 12)}" y="{y + 12}">{escape(text)}</text>'
        )

    def svg(self) -> str:
        """The picture."""
        width = _LEFT + max(1, len(self._lanes)) * _COLUMN
        height = self._y(len(self._rows)) + _ROW
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
            f"<style>{_STYLE}</style>"
            '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7"'
            ' orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>\n' + "\n".join(self._parts) + "\n</svg>"
        )

    def html(self, text: str) -> str:
        """The picture in a document, with a text above it."""
        title = escape(text.split("\n", 1)[0])
        return (
            f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>\n'
            f"<style>{_PAGE}</style></head>\n<body>\n<pre>{escape(text)}</pre>\n{self.svg()}\n</body>\n</html>\n"
        )


def picture_of(
    operations: Sequence[Operation],
    text: str,
    marked: Collection[Operation] = (),
    culprit: Operation | None = None,
    order: Mapping[int, int] | None = None,
) -> str:
    """A history as HTML.

    Args:
        operations: In the order of their invocations.
        text: What is written above the picture.
        marked: Those that are pointed out.
        culprit: The one that is pointed out most.
        order: By `id` of an operation, its place in the order in which they can have taken effect.
    """
    moments: dict[int, float] = {}
    for operation in operations:
        moments[operation.invoked] = operation.began
        if operation.returned is not None:
            moments[operation.returned] = operation.ended or operation.began
    chart = Chart(
        list(dict.fromkeys(f"{operation.process}" for operation in operations)), dict(sorted(moments.items()))
    )
    add_operations(chart, operations, marked, culprit, order)
    return chart.html(text)


def add_operations(
    chart: Chart,
    operations: Sequence[Operation],
    marked: Collection[Operation] = (),
    culprit: Operation | None = None,
    order: Mapping[int, int] | None = None,
) -> None:
    """Draw operations into the columns of their processes."""
    open_until: dict[Any, list[float]] = {}  # by process: when what is drawn side by side ends
    for operation in operations:
        ends = open_until.setdefault(operation.process, [])
        shift = next((index for index, end in enumerate(ends) if end < operation.invoked), len(ends))
        ends[shift : shift + 1] = [float("inf") if operation.returned is None else operation.returned]
        kind = {Outcome.OK: "ok", Outcome.FAILED: "failed", Outcome.UNKNOWN: "unknown"}[operation.outcome]
        if operation in marked:
            kind += " marked"
        if operation is culprit:
            kind += " culprit"
        place = f"{order[id(operation)]}. " if order and id(operation) in order else ""
        title = f"{operation.process}: {operation}"
        if operation.error is not None:
            title += f"\n{operation.error!r}"
        chart.bar(
            f"{operation.process}", operation.invoked, operation.returned, f"{place}{operation}", kind,
            shift=shift, title=title,
        )  # fmt: skip
