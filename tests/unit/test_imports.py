"""Imports only go down: a floor of the runtime knows nothing of those above it."""

import ast
from pathlib import Path

import pytest

import pygorums

ROOT = Path(pygorums.__file__).parent

# A room imports from its own floor and from those below. In a floor, rooms import in the order given here.
FLOORS = ["version", "grpc_environment", "wire", "base", "quorum", "streams", "nodes", "calls", "serving", "faces"]


def floor_of(module: str) -> int:
    room = module.split(".")[1] if "." in module else "faces"
    return FLOORS.index(room) if room in FLOORS else FLOORS.index("faces")


def imports(path: Path) -> set[str]:
    found = set()
    tree = ast.parse(path.read_text())
    type_checking = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in type_checking:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("pygorums"):
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if alias.name.startswith("pygorums"))
    return found


FILES = sorted(path for path in ROOT.rglob("*.py") if not path.name.endswith("_pb2.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_go_down(path: Path) -> None:
    module = ".".join(("pygorums", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    upward = {name for name in imports(path) if floor_of(name) > floor_of(module)}
    assert not upward


def test_the_lowest_floors_know_no_loop_and_no_clock() -> None:
    for room in ("wire", "base", "quorum"):
        for path in (ROOT / room).glob("*.py"):
            names = {
                alias.name
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Import)
                for alias in node.names
            }
            assert not names & {"asyncio", "time", "random", "threading"}, path
