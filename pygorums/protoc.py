"""protoc with everything in place, as ``python -m pygorums.protoc``.

::

    python -m pygorums.protoc -I. --python_out=. --pyi_out=. --pygorums_out=. storage.proto

Runs the protoc of grpcio-tools (the extra ``pygorums[tools]``) with the arguments given, and adds the plugin
and the folder of ``gorums.proto``. The plugin is that of the running interpreter, whatever PATH says.
"""

import importlib.util
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pygorums.include import proto_include

__all__ = ["run"]


def run(arguments: Sequence[str]) -> int:
    """Run protoc with its own arguments and wait for it; its messages go to stderr.

    Returns:
        protoc's exit status, or 1 when grpcio-tools is not installed.
    """
    if importlib.util.find_spec("grpc_tools") is None:
        print(
            "pygorums.protoc: there is no grpcio-tools in this environment. Install it with "
            "pip install 'pygorums[tools]', or use a protoc of your own with protoc-gen-pygorums on PATH.",
            file=sys.stderr,
        )
        return 1
    with tempfile.TemporaryDirectory(prefix="pygorums-protoc-") as folder:
        command = [
            *(sys.executable, "-P", "-m", "grpc_tools.protoc"),
            # Before the user's arguments, of which the last one counts.
            f"--plugin=protoc-gen-pygorums={_write_plugin(Path(folder))}",
            *arguments,
            *([] if _names_import_folders(arguments) else ["-I."]),
            f"-I{proto_include()}",
        ]
        return subprocess.run(command, check=False).returncode


def _names_import_folders(arguments: Sequence[str]) -> bool:
    """Whether the arguments say where to look; an @file of arguments is taken to."""
    return any(argument.startswith(("-I", "--proto_path", "@")) for argument in arguments)


def _write_plugin(folder: Path) -> Path:
    """A program that runs the plugin with this interpreter; protoc takes no arguments for its plugins."""
    plugin = [sys.executable, "-P", "-m", "protoc_gen_pygorums"]
    if os.name == "nt":
        program = folder / "protoc-gen-pygorums.cmd"
        program.write_text(f"@{subprocess.list2cmdline(plugin)} %*\n")
    else:
        program = folder / "protoc-gen-pygorums"
        program.write_text(f'#!/bin/sh\nexec {shlex.join(plugin)} "$@"\n')
        program.chmod(0o700)
    return program


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
