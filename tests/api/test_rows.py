"""Every behaviour of Gorums has a test that names its number, or is told in docs/from-gorums.md as different.

A test names the numbers in its docstring: "Rows: 149, 150." The sections are those in which the behaviours were
collected, which is why some numbers, those of other sections, do not occur here.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SECTIONS = {
    "connection metadata and peer identity": range(28, 47),
    "handlers": range(90, 111),
    "known peers, clients, callbacks, waiting": range(111, 139),
    "the own node": range(139, 149),
    "configurations": range(149, 177),
    "latency, sorting, watching": range(177, 186),
    "RPC, unicast, multicast": range(186, 202),
    "quorum calls": range(202, 224),
    "futures and correctables": range(224, 236),
    "errors": range(236, 243),
    "client interceptors": range(243, 251),
    "server interceptors": range(251, 258),
    "systems": range(258, 268),
}
LAST = 315
"""The highest number that there is."""

_ROWS = re.compile(r"^\s*Rows: (.*)$", re.MULTILINE)
_LIST = re.compile(r"\d+(, \d+)*\.")


@cache
def named_by_tests() -> dict[int, list[str]]:
    """The tests that name each row."""
    names: dict[int, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "Rows:" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            for rows in _ROWS.findall(ast.get_docstring(node) or ""):
                assert _LIST.fullmatch(rows), f"{path.name}, {node.name}: write it as 'Rows: 149, 150.', not {rows!r}"
                for row in rows.rstrip(".").split(", "):
                    names.setdefault(int(row), []).append(f"{path.name}::{node.name}")
    return names


@cache
def told_as_different() -> set[int]:
    """The rows in the tables of docs/from-gorums.md."""
    text = (ROOT / "docs" / "from-gorums.md").read_text(encoding="utf-8")
    tables = text[text.index("## Where pygorums differs") :]
    return {int(row) for rows in re.findall(r"^\| (\d[\d, ]*) \|", tables, re.MULTILINE) for row in rows.split(", ")}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_row_is_named(section: str) -> None:
    rows = SECTIONS[section]
    missing = [row for row in rows if row not in named_by_tests() and row not in told_as_different()]
    if missing and not any(row in named_by_tests() for row in rows):
        pytest.skip(f"no test names any row of {section} yet")
    assert not missing, f"{section}: no test names these rows, nor does docs/from-gorums.md: {missing}"


def test_only_rows_that_there_are() -> None:
    assert all(1 <= row <= LAST for row in [*named_by_tests(), *told_as_different()])


def test_only_tests_name_rows() -> None:
    """A helper that nothing runs proves nothing."""
    helpers = [name for names in named_by_tests().values() for name in names if not re.search(r"::(test_|Test)", name)]
    assert not helpers
