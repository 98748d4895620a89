"""protoc's ``.pyi`` files, marked so that strict type checkers read them, but do not check them.

They write a bare ``Mapping``, which ``mypy --strict`` does not take. ``python -m pygorums.protoc`` marks those
that it writes. For another protoc::

    python -m pygorums.stubs gen

marks all ``_pb2.pyi`` files in the folder ``gen``, and in those in it; it may be run again.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["StubFolders", "mark", "marked"]

_MARK = """\
# What is written here is protoc's affair: type checkers take the types from it and do not check it.
# mypy: ignore-errors
# pyright: basic
# isort: skip_file
# flake8: noqa
# ruff: noqa
# ruff: noqa: PGH004
"""


def marked(source: str) -> str:
    """The text of a ``.pyi`` file with the mark, once."""
    return source if source.startswith(_MARK) else _MARK + source


def mark(folder: Path) -> None:
    """Mark all ``_pb2.pyi`` files in a folder and in those in it."""
    for stub in sorted(folder.rglob("*_pb2.pyi")):
        text = stub.read_text(encoding="utf-8")
        if text != marked(text):
            stub.write_text(marked(text), encoding="utf-8")


class StubFolders:
    """Folders in which protoc puts its ``.pyi`` files, from where they go, marked, to those that it was told."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._folders: list[tuple[Path, Path]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def divert(self, arguments: Sequence[str]) -> Iterator[str]:
        """The arguments of protoc with other folders for ``--pyi_out``.

        Archives, and what is no folder, stay; so does all with ``--dependency_out``, which names what is written.
        """
        if any(argument.startswith("--dependency_out") for argument in arguments):
            yield from arguments
            return
        following = iter(arguments)
        for argument in following:
            if argument == "--pyi_out":
                argument = f"--pyi_out={next(following, '')}"
            if not argument.startswith("--pyi_out="):
                yield argument
                continue
            options, colon, folder = _split(argument.removeprefix("--pyi_out="))
            if not folder or not Path(folder).is_dir():
                yield argument
                continue
            diverted = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="pygorums-stubs-"))
            self._folders.append((Path(diverted), Path(folder)))
            yield f"--pyi_out={options}{colon}{diverted}"

    def deliver(self) -> None:
        """Put the files, marked, where they belong."""
        for diverted, folder in self._folders:
            mark(diverted)
            for stub in sorted(diverted.rglob("*.pyi")):
                target = folder / stub.relative_to(diverted)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(stub.read_bytes())


def _split(value: str) -> tuple[str, str, str]:
    """The options, the colon behind them and the folder; a colon behind the letter of a drive is none of these."""
    is_drive = os.name == "nt" and len(value) > 2 and value[1] == ":" and value[2] in "\\/"
    if ":" not in value or is_drive:
        return "", "", value
    return value.partition(":")


if __name__ == "__main__":
    if len(sys.argv) < 2 or not all(map(os.path.isdir, sys.argv[1:])):
        sys.exit("usage: python -m pygorums.stubs FOLDER…\nMarks protoc's _pb2.pyi files in them as not to be checked.")
    for each in sys.argv[1:]:
        mark(Path(each))
