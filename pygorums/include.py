"""Where ``gorums.proto`` is, for protoc: ``protoc -I. -I"$(python -m pygorums.include)" …``."""

import os
import sys
import tempfile
from importlib import resources
from pathlib import Path

__all__ = ["proto_include"]


def proto_include() -> str:
    """The folder to give to protoc with ``-I``, so that ``import "gorums.proto";`` is found.

    Where pygorums is imported from a zip, the file is put into the user's folder for caches first.
    """
    package = resources.files("pygorums")
    installed = package / "_proto"
    if not isinstance(package, Path):
        return str(_unpacked((installed / "gorums.proto").read_bytes()))
    # In a checkout the file is at the root, from where the build takes it.
    return str(installed if installed.is_dir() else package.parent)


def _unpacked(content: bytes) -> Path:
    """A folder that stays, with the file in it; a new one where there is no place for caches."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    folder = caches / "pygorums" / "include"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Another process may do the same, and protoc may read: the file is there as a whole or not at all.
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(content)
        Path(file.name).replace(folder / "gorums.proto")
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="pygorums-include-"))
        (folder / "gorums.proto").write_bytes(content)
    return folder


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit("usage: python -m pygorums.include\nPrints the folder of gorums.proto, for protoc's -I.")
    print(proto_include())
