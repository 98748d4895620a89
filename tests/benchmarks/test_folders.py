"""The benchmarks' folders import only from those before them, as their package says."""

import ast
import re
from pathlib import Path

import pytest

import benchmarks

ROOT = Path(benchmarks.__file__).parent
SHARED = {"benchmark_gorums", "benchmark_pb2", "extras_gorums", "extras_pb2", "program", "transports"}
"""What lies beside the folders and below them all: the services that both sides speak, how the program ends, and what
carries the streams."""

FOLDERS = re.findall("`([a-z]+)`", (benchmarks.__doc__ or "").rpartition(":")[2])
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.py"))


def imported(path: Path) -> set[str]:
    """The parts of this program that a file imports."""
    names = {
        name
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    return {name.split(".")[1] for name in names if name.startswith("benchmarks.")}


def test_every_folder_is_named() -> None:
    assert sorted(FOLDERS) == sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_folder_imports_from_those_before_it(path: Path) -> None:
    before = FOLDERS[: FOLDERS.index(path.parent.name) + 1]
    assert imported(path) <= {*before, *SHARED}
