"""Profiles of the hot path, for pstats and the programs that show its files."""

import cProfile
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.program import StartError

__all__ = ["Profiler", "server_profile"]


def server_profile(file: str, number: int) -> str:
    """Where the profile of a local server goes if the client's goes to `file`."""
    return f"{file}.server{number}"


class Profiler:
    """Profiles what runs in this thread within `running`, and writes it to a file; with None, nothing."""

    def __init__(self, file: str | None) -> None:
        self._file = file
        self._profile = cProfile.Profile() if file else None
        self._used = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Profile while the context lasts. It slows everything down, so nothing measured meanwhile is true."""
        if self._profile is None:
            yield
            return
        self._used = True
        self._profile.enable()
        try:
            yield
        finally:
            self._profile.disable()

    def write(self) -> None:
        """Write what was profiled.

        Raises:
            StartError: The file cannot be written.
        """
        if self._profile is not None and self._file is not None and self._used:
            try:
                self._profile.dump_stats(self._file)
            except OSError as error:
                raise StartError(f"cannot write {self._file}: {error.strerror}") from None
