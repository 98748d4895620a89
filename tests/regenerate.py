"""Everything that is generated and committed: writes it anew, or with ``--check`` says what differs.

Every ``.proto`` of the repository is compiled by the pinned protoc, with the root as the import folder;
``calls_pb2.py``, ``calls_pb2.pyi`` and, when it has services, ``calls_gorums.py`` go beside ``calls.proto``.
"""

import argparse
import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from google.rpc import status_pb2

__all__ = ["differences", "generate", "main"]

ROOT = Path(__file__).parents[1]
_FOLDERS = ("pygorums", "examples", "benchmarks", "tests")
_GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_gorums.py")
# Files that tests compile in their own ways.
_NOT_COMPILED = "tests/compiler/refused"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.regenerate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; status 1 when something differs")
    check = parser.parse_args(arguments).check
    with tempfile.TemporaryDirectory(prefix="pygorums-generated-") as folder:
        fresh = Path(folder)
        problem = generate(fresh)
        if problem:
            print(problem, file=sys.stderr)
            return 1
        found = differences(fresh, ROOT)
        if not check:
            _copy(found, fresh)
            return 0
    for path, difference in found.items():
        print(f"{path}: {difference}", file=sys.stderr)
    if found:
        print("These generated files are not what their sources give. Run: make generate", file=sys.stderr)
    return 1 if found else 0


def generate(output: Path) -> str:
    """Compile every .proto of the repository into a folder.

    Returns:
        What went wrong; empty when nothing did.
    """
    pinned = _pinned_protoc()
    installed = importlib.metadata.version("grpcio-tools")
    if installed != pinned:
        return f"grpcio-tools {installed} is installed, but {pinned} is what generates. Run: make install"
    protos = [proto.relative_to(ROOT).as_posix() for proto in _sources()]
    protoc = subprocess.run(
        [
            *(sys.executable, "-m", "grpc_tools.protoc"),
            f"--plugin=protoc-gen-pygorums={Path(sysconfig.get_path('scripts')) / 'protoc-gen-pygorums'}",
            *(f"-I{ROOT}", f"-I{Path(status_pb2.__file__).parents[2]}"),
            *(f"--python_out={output}", f"--pyi_out={output}", f"--pygorums_out={output}"),
            *protos,
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if protoc.returncode:
        return protoc.stderr
    for stub in output.rglob("*.pyi"):
        # protoc writes `class import: ...` for a message of that name, which stops type checkers altogether.
        if not _is_python(stub.read_text()):
            stub.unlink()
    return ""


def differences(fresh: Path, committed: Path) -> dict[str, str]:
    """What is wrong with each committed file that is not as the fresh one: differs, missing or stale."""
    expected, actual = _generated(fresh), _generated(committed)
    found = {}
    for path in sorted(expected | actual):
        if path not in actual:
            found[path] = "missing"
        elif path not in expected:
            found[path] = "stale"
        elif (fresh / path).read_bytes() != (committed / path).read_bytes():
            found[path] = "differs"
    return found


def _is_python(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _copy(found: dict[str, str], fresh: Path) -> None:
    for path, difference in found.items():
        if difference == "stale":
            (ROOT / path).unlink()
            print(f"{path}: removed")
        else:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(fresh / path, ROOT / path)
            print(f"{path}: written")


def _sources() -> list[Path]:
    found = [
        *ROOT.glob("*.proto"),
        *(proto for folder in _FOLDERS for proto in (ROOT / folder).rglob("*.proto")),
    ]
    return sorted(proto for proto in found if ROOT / _NOT_COMPILED not in proto.parents)


def _generated(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for name in _GENERATED for path in _find(root, name)}


def _find(root: Path, name: str) -> Iterator[Path]:
    yield from root.glob(name)
    for folder in _FOLDERS:
        yield from (root / folder).rglob(name)


def _pinned_protoc() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    dev: list[str] = project["project"]["optional-dependencies"]["dev"]
    return next(match[1] for each in dev if (match := re.fullmatch(r"grpcio-tools==(.+)", each)))


if __name__ == "__main__":
    sys.exit(main())
