"""`make test-pythons`: which Pythons are used, and under eager tasks."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pythons import Version, candidates, choose, lowest_version, runs
from tests.support.eager import AVAILABLE

ROOT = Path(__file__).parents[2]


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_they_are_looked_for_on_the_path_and_among_those_of_pyenv(tmp_path: Path) -> None:
    first = [executable(tmp_path / "a" / name) for name in ("python3", "python3.12")]
    for name in ("python", "python2.7", "python3-config", "python3.12-dbg"):
        executable(tmp_path / "a" / name)
    second = executable(tmp_path / "b" / "python3.9")
    pyenv = [executable(tmp_path / ".pyenv" / "versions" / name / "bin" / "python3") for name in ("3.11.7", "3.13.0")]
    path = f"{tmp_path}/a::{tmp_path}/none:{tmp_path}/b"
    assert list(candidates({"PATH": path, "HOME": str(tmp_path)})) == [*first, second, *pyenv]
    assert list(candidates({"PYENV_ROOT": str(tmp_path / ".pyenv")})) == pyenv
    assert list(candidates({})) == []


@pytest.mark.parametrize(
    ("found", "chosen"),
    [
        ([], {}),
        ([None, (3, 10, 13), (3, 9, 18)], {}),
        ([(3, 13, 0), (3, 11, 7), (3, 12, 1)], {(3, 11): 1, (3, 12): 2, (3, 13): 0}),
        ([(3, 11, 2), (3, 11, 7), (3, 11, 7), (3, 11, 3)], {(3, 11): 1}),
        ([(3, 11, 10), (3, 11, 9), (4, 0, 0), None], {(3, 11): 0, (4, 0): 2}),
    ],
)
def test_one_is_chosen_for_each_minor_version(found: list[Version | None], chosen: dict[tuple[int, int], int]) -> None:
    numbered = [(Path(str(number)), version) for number, version in enumerate(found)]
    result = choose(numbered, (3, 11))
    assert result == {version: Path(str(number)) for version, number in chosen.items()}
    assert list(result) == sorted(result)


def test_the_lowest_version_is_that_of_the_project() -> None:
    assert lowest_version((ROOT / "pyproject.toml").read_text()) == (3, 11)


def test_the_newest_runs_under_eager_tasks_too() -> None:
    assert list(runs([(3, 11), (3, 12)])) == [((3, 11), ()), ((3, 12), ()), ((3, 12), ("--eager-tasks",))]
    assert list(runs([(3, 11)])) == [((3, 11), ())]


TESTS = """
import asyncio, subprocess, sys

PROGRAM = '''
import asyncio, tests.support
begun = []
async def task():
    begun.append(1)
async def main():
    waiting = asyncio.ensure_future(task())
    assert begun, "not eager"
    await waiting
'''

async def test_here():
    names = {}
    exec(PROGRAM, names)
    await names["main"]()

def test_a_program():
    subprocess.run([sys.executable, "-c", PROGRAM + "asyncio.run(main())"], check=True, timeout=30)
"""


def test_eager_tasks(tmp_path: Path) -> None:
    """Everywhere: in the tests, and in the programs that they start. Older Pythons refuse the option."""
    tests = tmp_path / "test_it.py"
    tests.write_text(TESTS)
    config = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", *config, "--eager-tasks"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options, str(tests)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    if AVAILABLE:
        assert "2 passed" in run.stdout, run.stdout + run.stderr
    else:
        assert "--eager-tasks needs Python 3.12 or later" in run.stderr


def test_tasks_are_eager_only_if_asked(request: pytest.FixtureRequest) -> None:
    loop = asyncio.new_event_loop()
    try:
        assert (loop.get_task_factory() is not None) == request.config.getoption("--eager-tasks")
    finally:
        loop.close()
