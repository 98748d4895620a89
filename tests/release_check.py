"""Whether what would be published is sound: ``make release-check`` (see RELEASING.md).

Builds the wheel and the sdist twice, in copies of what is committed, and compares them byte for byte; has twine and
check-wheel-contents look at them; compares the public names with those of the last tag, if there is one; and writes a
bill of materials of what an installation of the wheel brings with it. All of it goes to ``dist/``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main"]

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
_BREAKS_WITH = re.compile(r"^0\.\d+\.0$|^\d+\.0\.0$")
"""Versions with which what users call may have changed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build and check; the exit status."""
    argparse.ArgumentParser(prog="python -m tests.release_check", description=__doc__).parse_args(arguments)
    if _output("git", "status", "--porcelain"):
        print("there are changes that are not committed, and only what is committed is published", file=sys.stderr)
        return 1
    shutil.rmtree(DIST, ignore_errors=True)
    try:
        wheel = _build_twice()
        _run("-m", "twine", "check", "--strict", *map(str, sorted(DIST.iterdir())))
        _run("-m", "check_wheel_contents", str(wheel))
        _compare_with_last_tag(wheel.name.split("-")[1])
        _bill_of_materials(wheel)
    except (subprocess.CalledProcessError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print("dist/:", *sorted(path.name for path in DIST.iterdir()))
    return 0


def _build_twice() -> Path:
    """Build what is committed into `DIST`; the wheel.

    Raises:
        ValueError: The second time it was something else.
    """
    moment = _output("git", "log", "-1", "--format=%ct")
    with tempfile.TemporaryDirectory() as folder:
        built = [Path(folder, name, "built") for name in ("first", "again")]
        for target in built:
            tree = target.parent / "tree"
            _git("clone", "--quiet", "--no-local", str(ROOT), str(tree))
            _run("-m", "hatchling", "build", "-d", str(target), cwd=tree, SOURCE_DATE_EPOCH=moment)
        names = [sorted(path.name for path in target.iterdir()) for target in built]
        if names[0] != names[1] or len(names[0]) != 2:
            raise ValueError(f"a wheel and an sdist were expected, and the same twice: {names}")
        for name in names[0]:
            if (built[0] / name).read_bytes() != (built[1] / name).read_bytes():
                raise ValueError(f"{name} differs when it is built again")
        shutil.copytree(built[0], DIST)
    return next(DIST.glob("*.whl"))


def _compare_with_last_tag(version: str) -> None:
    """Say what users would have to change.

    Raises:
        CalledProcessError: There is something, and the version does not say so.
    """
    tags = _output("git", "tag", "--list", "v*", "--merged", "HEAD^", "--sort=-version:refname").split()
    if not tags:
        print("no earlier release to compare the public names with")
        return
    try:
        _run("-m", "griffe", "check", "pygorums", "--against", tags[0])
    except subprocess.CalledProcessError:
        if _BREAKS_WITH.match(version) is None:
            raise
        print(f"what is told above has changed since {tags[0]}; version {version} may")


def _bill_of_materials(wheel: Path) -> None:
    """Write what an installation of the wheel brings with it, in CycloneDX's format."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin", "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel], check=True)
        written = DIST / f"{wheel.name.rsplit('-', 3)[0]}.cdx.json"
        _run("-m", "cyclonedx_py", "environment", str(python), "--output-reproducible", "-o", str(written))
    bill = json.loads(written.read_text())
    for component in [bill["metadata"].get("component", {}), *bill["components"]]:
        references = component.get("externalReferences", [])
        # Where the wheel lay on this machine is nobody's business.
        component["externalReferences"] = [each for each in references if not each["url"].startswith("file:")]
    written.write_text(json.dumps(bill, indent=2) + "\n")


def _run(*arguments: str, cwd: Path = ROOT, **environment: str) -> None:
    subprocess.run([sys.executable, *arguments], cwd=cwd, env={**os.environ, **environment}, check=True)


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True)


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
