"""All figures as JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.measuring.measurement import median_of
from benchmarks.measuring.options import Options
from benchmarks.program import StartError
from benchmarks.reports.table import Row

__all__ = ["row_figures", "settings", "write_json", "write_text"]


def settings(options: Options) -> dict[str, Any]:
    """How it was measured."""
    return {**asdict(options), "chosen": options.chosen.pattern}


def row_figures(row: Row) -> dict[str, Any]:
    """One line of a table, with the single runs."""
    return {
        "name": row.name,
        "in_flight": row.in_flight,
        "ratios": row.ratios,
        "median": median_of(row.runs).as_dict(),
        "runs": [run.as_dict() for run in row.runs],
    }


def write_json(file: str, figures: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write figures to a file; ``-`` is standard output.

    Raises:
        StartError: The file cannot be written.
    """
    text = json.dumps(figures, indent=1) + "\n"
    if file == "-":
        sys.stdout.write(text)
    else:
        write_text(Path(file), text)


def write_text(path: Path, text: str) -> None:
    """Write a file.

    Raises:
        StartError: It cannot be written.
    """
    try:
        path.write_text(text)
    except OSError as error:
        raise StartError(f"cannot write {path}: {error.strerror}") from None
