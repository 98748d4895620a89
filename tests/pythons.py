"""Runs the suite on each Python that this machine has and pyproject.toml allows: ``make test-pythons``.

Looks for them on PATH and among pyenv's versions, and gives each an environment of its own, ``.venv-3.12`` and so on.
Ends with one run on the newest of them under eager tasks, if it has those. Arguments go to pytest.
"""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

__all__ = ["Version", "candidates", "choose", "lowest_version", "runs"]

ROOT = Path(__file__).parents[1]
Version = tuple[int, int, int]
EAGER_SINCE = (3, 12)

# ensurepip, because Debian leaves it out of what it calls python3, and environments cannot be made without.
PROBE = "import ensurepip, sys, venv; print(*sys.version_info[:4])"


def lowest_version(pyproject: str) -> tuple[int, int]:
    """The lowest version that the project allows."""
    found = re.fullmatch(r">=\s*(\d+)\.(\d+)", tomllib.loads(pyproject)["project"]["requires-python"])
    assert found is not None
    return int(found[1]), int(found[2])


def candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    """What may be a Python: on PATH, then pyenv's."""
    for folder in environment.get("PATH", "").split(os.pathsep):
        if folder and Path(folder).is_dir():
            yield from sorted(path for path in Path(folder).iterdir() if re.fullmatch(r"python3(\.\d+)?", path.name))
    pyenv = environment.get("PYENV_ROOT") or Path(environment.get("HOME", "/nowhere"), ".pyenv")
    yield from sorted(Path(pyenv, "versions").glob("*/bin/python3"))


def version_of(python: Path) -> Version | None:
    """The version of a Python; None if it does not run, is not a final release, or can make no environments."""
    try:
        found = subprocess.run([python, "-I", "-c", PROBE], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    major, minor, micro, level = found.stdout.split()
    return (int(major), int(minor), int(micro)) if level == "final" else None


def choose(found: Iterable[tuple[Path, Version | None]], lowest: tuple[int, int]) -> dict[tuple[int, int], Path]:
    """One Python for each minor version from `lowest` on, in order: the latest, and of the same the first."""
    best: dict[tuple[int, int], tuple[Version, Path]] = {}
    for python, version in found:
        if version is None or version[:2] < lowest:
            continue
        if version[:2] not in best or version > best[version[:2]][0]:
            best[version[:2]] = version, python
    return {minor: best[minor][1] for minor in sorted(best)}


def runs(versions: Sequence[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], Sequence[str]]]:
    """The runs to make, each a version and options."""
    for version in versions:
        yield version, ()
    if versions and versions[-1] >= EAGER_SINCE:
        yield versions[-1], ("--eager-tasks",)


def _installed(version: tuple[int, int], python: Path) -> Path:
    """The Python of an environment with the project, made with `python` unless it is there and up to date."""
    folder = ROOT / f".venv-{version[0]}.{version[1]}"
    stamp = folder / ".installed"
    inside = folder / "bin" / "python"
    sources = ROOT / "pyproject.toml", ROOT / "pygorums" / "version.py"
    if not stamp.exists() or any(source.stat().st_mtime > stamp.stat().st_mtime for source in sources):
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", ".[dev]"]
        subprocess.run([python, "-m", "venv", "--clear", folder], cwd=ROOT, check=True)
        subprocess.run([inside, *install], cwd=ROOT, check=True)
        stamp.touch()
    return inside


def main(arguments: Sequence[str]) -> int:
    """Make all runs, whatever becomes of each, and say at the end which ones failed."""
    lowest = lowest_version((ROOT / "pyproject.toml").read_text())
    chosen = choose(((python, version_of(python)) for python in candidates(os.environ)), lowest)
    if not chosen:
        print(f"no Python {lowest[0]}.{lowest[1]} or later was found on PATH or among pyenv's versions")
        return 2
    results = {}
    for (major, minor), options in runs(list(chosen)):
        name = " ".join([f"Python {major}.{minor}", *options])
        print(f"== {name}: {chosen[major, minor]}", flush=True)
        python = _installed((major, minor), chosen[major, minor])
        results[name] = subprocess.run([python, "-m", "pytest", *arguments, *options], cwd=ROOT, check=False).returncode
    print(
        *(f"== {name}: {'passed' if status == 0 else f'FAILED ({status})'}" for name, status in results.items()),
        sep="\n",
    )
    return int(any(results.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
