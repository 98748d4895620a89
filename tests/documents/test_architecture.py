"""docs/architecture.md names all rooms, in the order in which the floors are held, and all folders of tests."""

import re

from tests.links import ROOT
from tests.pure.test_floors import FLOORS

TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def first_column(section: str) -> list[str]:
    """The folders that the rows of a section's table begin with."""
    rows = TEXT.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+/\w+)/` \|", rows, re.MULTILINE)


def test_the_rooms_are_those_of_the_floors() -> None:
    rooms = [room for room in FLOORS if (ROOT / "pygorums" / room).is_dir()]
    assert first_column("Floors") == [f"pygorums/{room}" for room in rooms]


def test_every_room_has_its_floor() -> None:
    faces = {"sync", "testing"}
    assert {path.parent.name for path in ROOT.glob("pygorums/*/__init__.py")} - faces <= {*FLOORS}


def test_every_folder_of_tests_is_there() -> None:
    folders = {path.parent.name for path in ROOT.glob("tests/*/*.py")}
    assert sorted(first_column("Where a test goes")) == sorted(f"tests/{folder}" for folder in folders)
