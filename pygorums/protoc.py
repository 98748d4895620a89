"""protoc with everything in place, as ``python -m pygorums.protoc``.

::

    python -m pygorums.protoc -I. --python_out=. --pyi_out=. --pygorums_out=. storage.proto

Runs the protoc of grpcio-tools (the extra ``pygorums[tools]``) with the arguments given, and adds the plugin
and the folder of ``gorums.proto``. The plugin is that of the running interpreter, whatever PATH says. The
``.pyi`` files are those of protoc, with what ``mypy --strict`` finds missing in them.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import resources
from pathlib import Path

from pygorums.include import proto_include
from pygorums.stubs import StubFolders

__all__ = ["run"]

# The interpreter is told in the environment: a script would have to name it in some encoding.
_INTERPRETER = "PYGORUMS_PYTHON"


def run(arguments: Sequence[str]) -> int:
    """Run protoc with its own arguments and wait for it; its messages go to stderr.

    Returns:
        protoc's exit status, or 1 when grpcio-tools is not installed or no program can be run.
    """
    if importlib.util.find_spec("grpc_tools") is None:
        print(
            "pygorums.protoc: there is no grpcio-tools in this environment. Install it with "
            "pip install 'pygorums[tools]', or use a protoc of your own with protoc-gen-pygorums on PATH.",
            file=sys.stderr,
        )
        return 1
    with ExitStack() as stack:
        plugin = _plugin(stack)
        if plugin is None:
            print(
                f"pygorums.protoc: no program can be run from {tempfile.gettempdir()}, where the plugin has to be put; "
                "is it mounted noexec? Set TMPDIR to another folder.",
                file=sys.stderr,
            )
            return 1
        stubs = stack.enter_context(StubFolders())
        command = [
            # In UTF-8 mode, because that module takes no argument that the locale cannot write.
            *(sys.executable, "-P", "-X", "utf8", "-m", "grpc_tools.protoc"),
            # Before the user's arguments, of which the last one counts.
            f"--plugin=protoc-gen-pygorums={plugin}",
            *stubs.divert(arguments),
            *([] if _names_import_folders(arguments) else ["-I."]),
            f"-I{proto_include()}",
        ]
        status = subprocess.run(command, check=False, env={**os.environ, _INTERPRETER: sys.executable}).returncode
        if status == 0:
            try:
                stubs.deliver()
            except OSError as error:
                print(f"pygorums.protoc: {error}", file=sys.stderr)
                return 1
        return status


def _names_import_folders(arguments: Sequence[str]) -> bool:
    """Whether the arguments say where to look; an @file of arguments is taken to."""
    return any(argument.startswith(("-I", "--proto_path", "@")) for argument in arguments)


def _plugin(stack: ExitStack) -> Path | None:
    """A program that runs the plugin, for protoc takes no arguments for its plugins; None when none can be run.

    It comes with the package, because a temporary folder may be one from which nothing runs. From that of a
    package something does: native modules, such as protoc itself, need it as well.
    """
    name = "plugin.cmd" if os.name == "nt" else "plugin.sh"
    shipped = resources.files("protoc_gen_pygorums") / name
    program = stack.enter_context(resources.as_file(shipped))
    if os.access(program, os.X_OK):
        return program
    # Unpacked from a zip, or by something that has lost the permission to run it.
    copy = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pygorums-protoc-"))) / name
    copy.write_bytes(program.read_bytes())
    copy.chmod(0o700)
    return copy if os.access(copy, os.X_OK) else None


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
