"""docs/architecture.md names all rooms, in the order of the floors, and all folders of tests, which are as it says."""

import ast
import re

from tests.links import ROOT
from tests.unit.test_imports import FLOORS

TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def first_column(section: str) -> list[str]:
    """The folders that the rows of a section's table begin with."""
    rows = TEXT.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+/\w+)/` \|", rows, re.MULTILINE)


def test_the_rooms_are_those_of_the_floors() -> None:
    rooms = [room for room in FLOORS if (ROOT / "pygorums" / room).is_dir()]
    assert first_column("Floors") == [f"pygorums/{room}" for room in rooms]


def test_every_room_has_its_floor() -> None:
    faces = {"broadcast", "introspection", "plain", "quorums", "sync", "telemetry", "testing", "top"}
    assert {path.parent.name for path in ROOT.glob("pygorums/*/__init__.py")} - faces <= {*FLOORS}


def test_every_folder_of_tests_is_there() -> None:
    folders = {path.parent.name for path in ROOT.glob("tests/*/__init__.py")}
    assert sorted(first_column("Where a test goes")) == sorted(f"tests/{folder}" for folder in folders)


def test_every_folder_of_tests_says_what_belongs_there() -> None:
    for folder in {path.parent for path in ROOT.glob("tests/**/test_*.py")}:
        assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))), folder


def test_unit_tests_mirror_modules() -> None:
    modules = {path.relative_to(ROOT / "pygorums").as_posix() for path in ROOT.glob("pygorums/*/*.py")}
    tests = {f"{path.parent.name}/{path.name.removeprefix('test_')}" for path in ROOT.glob("tests/unit/*/test_*.py")}
    assert tests <= modules
