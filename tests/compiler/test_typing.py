"""Generated code under type checkers: all of the corpus is clean, and mistakes in its use are found."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.compiler.support import ROOT

PASSES = ("tests/compiler/typing/passes.py", "tests/compiler/typing/passes_blocking.py")
FAILS = ("tests/compiler/typing/fails.py", "tests/compiler/typing/fails_blocking.py")
CHECKED = ("tests/compiler/corpus", "tests/protos", *PASSES, *FAILS)

# A type checker reads the whole runtime too: twenty seconds without its cache, on a slow machine.
pytestmark = pytest.mark.timeout(180)


def _expected_failures() -> dict[tuple[str, int], str]:
    """The lines at which type checkers must stumble, with the code of mypy's error."""
    return {
        (path, number): match[1]
        for path in FAILS
        for number, line in enumerate((ROOT / path).read_text().splitlines(), start=1)
        if (match := re.search(r"# E: (\S+)$", line))
    }


def _run(command: Sequence[str | Path]) -> str:
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=170)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_mypy_strict() -> None:
    output = _run([sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context", *CHECKED])
    errors = [line for line in output.splitlines() if ": error: " in line]
    failures = {}
    for error in errors:
        found = re.fullmatch(r"([^:]+):(\d+): error: .*  \[([a-z-]+)\]", error)
        assert found, error
        failures[found[1], int(found[2])] = found[3]
    assert failures == _expected_failures()


def test_pyright_strict(tmp_path: Path) -> None:
    config = tmp_path / "pyrightconfig.json"
    config.write_text(
        json.dumps(
            {
                "include": [str(ROOT / each) for each in CHECKED],
                "extraPaths": [str(ROOT)],
                "pythonVersion": "3.11",
                "typeCheckingMode": "strict",
            }
        )
    )
    pyright = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable]
    report = json.loads(_run([*pyright, "--project", config]))
    failures = set()
    for found in report["generalDiagnostics"]:
        path = Path(found["file"]).relative_to(ROOT).as_posix()
        if re.search(r"_pb2\.pyi?$", path):
            continue  # what protoc writes is its own affair
        assert path in FAILS, f"{path}: {found['message']}"
        failures.add((path, found["range"]["start"]["line"] + 1))
    assert failures == _expected_failures().keys()
    # Every generated module was looked at.
    assert report["summary"]["filesAnalyzed"] > len(list((ROOT / "tests/compiler/corpus").rglob("*_gorums.py")))
