"""How far the measurements are, shown while they run."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.measuring.alternation import Progress

__all__ = ["NoProgress", "progress_display"]


class NoProgress:
    """Shows nothing."""

    def begin(self, runs: int) -> None:
        """Nothing is shown."""

    def run(self, name: str) -> None:
        """Nothing is shown."""

    def ran(self, result: str) -> None:
        """Nothing is shown."""


@contextmanager
def progress_display() -> Iterator[Progress]:
    """A live display on standard error, if that is a terminal and rich is installed; it is gone at the end."""
    if not sys.stderr.isatty():
        yield NoProgress()
        return
    try:
        from rich import progress as rich_progress
        from rich.console import Console
    except ImportError:
        yield NoProgress()
        return
    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TimeRemainingColumn(),
        rich_progress.TextColumn("{task.fields[last]}"),
    )
    with rich_progress.Progress(*columns, console=Console(stderr=True), transient=True) as display:
        yield _RichProgress(display)


class _RichProgress:
    """Shows it with rich.

    Args:
        display: rich's own `Progress`, which may not be installed.
    """

    def __init__(self, display: Any) -> None:
        self._display = display
        self._task = display.add_task("starting", total=None, last="")
        self._name = ""

    def begin(self, runs: int) -> None:
        """So many runs come."""
        self._display.reset(self._task, total=runs)

    def run(self, name: str) -> None:
        """One begins."""
        self._name = name
        self._display.update(self._task, description=name)

    def ran(self, result: str) -> None:
        """It has ended."""
        self._display.update(self._task, advance=1, last=f"{self._name}: {result}")
