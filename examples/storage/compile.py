"""Generating the modules of ``storage.proto``, as anybody would for a .proto of their own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from examples.storage.program import StartError

__all__ = ["compile_storage"]

ROOT = Path(__file__).parents[2]
PROTO = "examples/storage/storage.proto"
GENERATED = tuple(f"examples/storage/storage{end}" for end in ("_pb2.py", "_pb2.pyi", "_gorums.py"))


def compile_storage(show: Callable[[str], None]) -> None:
    """Run protoc with the plugin, show its command line, and put what has changed in its place.

    It writes to another folder first, so that a program which runs from this one never meets half a module.

    Raises:
        StartError: protoc failed; it has said why on stderr.
    """
    with tempfile.TemporaryDirectory(prefix="storage-") as folder:
        outputs = [f"--{kind}_out={folder}" for kind in ("python", "pyi", "pygorums")]
        arguments = ["-m", "pygorums.protoc", "-I.", *outputs, PROTO]
        show(f"  $ {' '.join(['python', *arguments])}")
        if subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode:
            raise StartError(f"{PROTO} could not be compiled")
        for path in GENERATED:
            show(f"  {path}: {'updated' if _update(ROOT / path, Path(folder, path)) else 'up to date'}")


def _update(target: Path, fresh: Path) -> bool:
    """Give `target` the content of `fresh`; whether that was not its content already."""
    content = fresh.read_bytes()
    if target.exists() and target.read_bytes() == content:
        return False
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(target)
    return True
