"""Imports only go down: a floor of the runtime knows nothing of those above it, and no files import each other."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import pygorums

ROOT = Path(pygorums.__file__).parent

# A room imports from its own floor and from those below. In a floor, rooms import in the order given here.
FLOORS = [
    "version",
    "grpc_environment",
    "wire",
    "base",
    "quorum",
    "sessions",
    "tasks",
    "transports",
    "streams",
    "nodes",
    "calls",
    "serving",
    "faces",
]


def floor_of(module: str) -> int:
    room = module.split(".")[1] if "." in module else "faces"
    return FLOORS.index(room) if room in FLOORS else FLOORS.index("faces")


def module_or_attribute(module: str, name: str) -> str:
    """What ``from module import name`` imports: a file of that name, or something that the module has."""
    path = ROOT.parent / module.replace(".", "/") / name
    return f"{module}.{name}" if path.exists() or path.with_suffix(".py").exists() else module


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("pygorums"):
            found.update(module_or_attribute(node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if alias.name.startswith("pygorums"))
    return found


FILES = sorted(path for path in ROOT.rglob("*.py") if not path.name.endswith("_pb2.py"))


def module_of(path: Path) -> str:
    return ".".join(("pygorums", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


def test_no_files_import_each_other() -> None:
    """Not for type checkers either."""
    try:
        TopologicalSorter({module_of(path): imports(path) for path in FILES}).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_go_down(path: Path) -> None:
    module = module_of(path)
    upward = {name for name in imports(path) if floor_of(name) > floor_of(module)}
    assert not upward


def standard(path: Path) -> set[str]:
    """The modules of others that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_the_lowest_floors_know_no_loop_and_no_clock() -> None:
    for room in ("wire", "base", "quorum", "transports/http2"):
        for path in (ROOT / room).glob("*.py"):
            assert not standard(path) & {"asyncio", "time", "random", "threading"}, path


def test_the_event_loop_tells_the_time() -> None:
    # Tests have clocks of their own: how long they take, and what simulated programs see.
    engine = [path for path in FILES if ROOT / "testing" not in path.parents]
    assert [path for path in engine if "time" in standard(path)] == [ROOT / "streams" / "clock.py"]
