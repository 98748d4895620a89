"""Where ``gorums.proto`` is, for protoc: ``protoc -I. -I"$(python -m pygorums.include)" …``."""

import sys
from pathlib import Path

__all__ = ["proto_include"]


def proto_include() -> str:
    """The folder to give to protoc with ``-I``, so that ``import "gorums.proto";`` is found."""
    package = Path(__file__).parent
    installed = package / "_proto"
    # In a checkout the file is at the root, from where the build takes it.
    return str(installed if installed.is_dir() else package.parent)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit("usage: python -m pygorums.include\nPrints the folder of gorums.proto, for protoc's -I.")
    print(proto_include())
