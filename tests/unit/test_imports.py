"""Imports only go down: a floor of the runtime knows nothing of those above it, and no files import each other."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import pygorums

ROOT = Path(pygorums.__file__).parent

# A room imports from its own floor and from those below. In a floor, rooms import in the order given here.
FLOORS = ["version", "grpc_environment", "wire", "base", "quorum", "streams", "nodes", "calls", "serving", "faces"]


# What handlers are given has the server and the system as attributes, and these name what handlers are given. Type
# checkers are told so; at run time none of them knows the other.
TYPES_ONLY = {
    ("pygorums.serving.context", "pygorums.serving.server"),
    ("pygorums.serving.context", "pygorums.serving.system"),
    ("pygorums.serving.server", "pygorums.serving.system"),
}


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
    """Not for type checkers either, but for three."""
    known = {module_of(path): imports(path) for path in FILES}
    assert all(above in known[below] for below, above in TYPES_ONLY)
    graph = {name: {other for other in found if (name, other) not in TYPES_ONLY} for name, found in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_go_down(path: Path) -> None:
    module = module_of(path)
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
