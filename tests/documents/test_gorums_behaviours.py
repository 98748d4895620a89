"""Every behaviour of Gorums has a test that names its number, or is told in the documents to be different or untested.

A test names the numbers in its docstring: "Rows: 149, 150." They are those of docs/gorums-behaviours.md.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BEHAVIOURS = (ROOT / "docs" / "gorums-behaviours.md").read_text(encoding="utf-8")
DIFFERENCES = (ROOT / "docs" / "from-gorums.md").read_text(encoding="utf-8").partition("## Where pygorums differs")[2]

CATALOGUE, _, UNNAMED = BEHAVIOURS.partition("## Rows that no test names")

SECTIONS = {
    section.partition("\n")[0]: [int(row) for row in re.findall(r"^\| (\d+)(?: [W!])* \|", section, re.MULTILINE)]
    for section in CATALOGUE.split("\n## ")[1:]
}
ROWS = [row for rows in SECTIONS.values() for row in rows]

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


def rows_of_tables(text: str) -> list[int]:
    """The rows in the first column of all tables."""
    return [int(row) for rows in re.findall(r"^\| (\d[\d, ]*) \|", text, re.MULTILINE) for row in rows.split(", ")]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_row_is_somewhere(section: str) -> None:
    somewhere = {*named_by_tests(), *rows_of_tables(DIFFERENCES), *rows_of_tables(UNNAMED)}
    missing = [row for row in SECTIONS[section] if row not in somewhere]
    assert not missing, f"{section}: no test names these rows, nor do the documents say why: {missing}"


def test_rows_are_numbered_without_a_gap() -> None:
    assert list(range(1, len(ROWS) + 1)) == ROWS


def test_every_number_can_be_looked_up() -> None:
    assert {*named_by_tests(), *rows_of_tables(DIFFERENCES), *rows_of_tables(UNNAMED)} <= {*ROWS}


def test_what_no_test_names_is_told_once() -> None:
    rows = rows_of_tables(UNNAMED)
    assert len(rows) == len({*rows})


@pytest.mark.parametrize("line", [line for line in UNNAMED.splitlines() if re.match(r"\| \d", line)])
def test_what_no_test_names_has_a_test_or_a_reason(line: str) -> None:
    _, _, here, shown, _ = line.split("|")
    tests = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", shown)
    assert here.strip()
    assert tests or shown.strip().startswith("no test: "), shown
    for path, name in tests:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^ *(async )?def {name}\(", text, re.MULTILINE), f"{path} has no {name}"


def test_only_tests_name_rows() -> None:
    """A helper that nothing runs proves nothing."""
    helpers = [name for names in named_by_tests().values() for name in names if not re.search(r"::(test_|Test)", name)]
    assert not helpers
