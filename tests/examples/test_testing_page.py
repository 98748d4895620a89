"""The register of docs/testing.md: found wrong as it stands there first, and clean as it stands there last."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.documents import blocks_of

ROOT = Path(__file__).parents[2]
BLOCKS = blocks_of((ROOT / "docs" / "testing.md").read_text(encoding="utf-8"))


def block(language: str, start: str = "") -> str:
    return next(each.text for each in BLOCKS if each.language == language and each.text.startswith(start))


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("register")
    (folder / "register.proto").write_text(block("proto"))
    (folder / "replicas.py").write_text(block("python", "# replicas.py"))
    (folder / "test_register.py").write_text(block("python", "# test_register.py"))
    done = run(folder, "pygorums.protoc", "-I.", "--python_out=.", "--pygorums_out=.", "register.proto")
    assert done.returncode == 0, done.stderr
    return folder


def test_the_mistake_is_found_and_the_fix_is_clean(folder: Path) -> None:
    found = run(
        folder, "pygorums.testing", "run", "test_register:scenario", "--seeds", "2000", "--html", "failure.html"
    )
    assert found.returncode == 1, found.stdout + found.stderr
    assert "not linearizable: no order of the operations explains that" in found.stdout
    replay = next(line for line in found.stdout.splitlines() if line.startswith("replay it: "))
    again = run(folder, *replay.removeprefix("replay it: python -m ").split())
    assert again.stdout.splitlines()[0] == found.stdout.splitlines()[0]
    assert "<svg" in (folder / "failure.html").read_text(encoding="utf-8")

    mistaken = block("python", "# replicas.py")
    start, end = mistaken.index("async def read_newest"), mistaken.index("async def write_value")
    fixed = f"{mistaken[:start]}{block('python', 'async def read_newest')}\n\n{mistaken[end:]}"
    (folder / "replicas.py").write_text(fixed)
    seed = replay.split()[-1]
    assert run(folder, "pygorums.testing", "replay", "test_register:scenario", seed).returncode == 0
    clean = run(folder, "pygorums.testing", "run", "test_register:scenario", "--seeds", "40")
    assert "40 seeds: clean" in clean.stdout, clean.stdout + clean.stderr


def test_the_model_of_the_page() -> None:
    from pygorums import testing

    names: dict[str, object] = {"testing": testing}
    exec(block("python", "def step("), names)
    model = names["model"]
    assert isinstance(model, testing.Model)
    history = testing.History()
    for name, result in (("has", False), ("add", None), ("has", True)):
        history.ok(history.invoke("a", name, "x"), result)
    history.assert_linearizable(model)
    history.ok(history.invoke("a", "has", "x"), False)
    assert history.check(model).linearizable is False
