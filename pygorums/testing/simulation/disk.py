"""What a host keeps when its process dies."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

__all__ = ["Disk"]


class Disk:
    """Files by name, which outlive the processes of their host.

    What was written is on the disk for certain once it was synced. Of what was not, a crash leaves as much as chance
    has it: of each file some of the writes, in their order, and perhaps a part of the next one.
    """

    def __init__(self) -> None:
        self._synced: dict[str, bytes] = {}
        self._now: dict[str, bytes] = {}
        self._unsynced: dict[str, list[tuple[str, bytes]]] = {}  # by file: what was done since

    def read(self, name: str) -> bytes:
        """The whole file.

        Raises:
            FileNotFoundError: There is none.
        """
        try:
            return self._now[name]
        except KeyError:
            raise FileNotFoundError(name) from None

    def write(self, name: str, data: bytes) -> None:
        """Replace the file, or make it. A crash before `sync` may leave the old one, or a part of the new one."""
        self._now[name] = bytes(data)
        self._unsynced.setdefault(name, []).append(("write", bytes(data)))

    def append(self, name: str, data: bytes) -> None:
        """Add to the end of the file, or make it."""
        self._now[name] = self._now.get(name, b"") + data
        self._unsynced.setdefault(name, []).append(("append", bytes(data)))

    def remove(self, name: str) -> None:
        """Remove the file.

        Raises:
            FileNotFoundError: There is none.
        """
        self.read(name)
        del self._now[name]
        self._unsynced.setdefault(name, []).append(("remove", b""))

    def sync(self, name: str | None = None) -> None:
        """Done when the file is on the disk as it is now; all files if there is no name."""
        for each in [name] if name is not None else list(self._unsynced):
            self._unsynced.pop(each, None)
            if each in self._now:
                self._synced[each] = self._now[each]
            else:
                self._synced.pop(each, None)

    def sqlite(self, name: str, **options: Any) -> Any:
        """A connection to a database of SQLite in a file, as `sqlite3.connect` makes it.

        What was committed is on the disk: a crash does not lose it. What was not, is lost. There should be one
        connection to a file at a time; another one sees what was committed before it was opened.

        Args:
            name: The file. It is made if it is not there.
            options: Further keyword arguments for `sqlite3.connect`.
        """
        from pygorums.testing.simulation.database import opened  # not every Python has SQLite

        return opened(self, name, **options)

    def __contains__(self, name: object) -> bool:
        return name in self._now

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._now))

    def crash(self, chance: random.Random) -> None:
        """Lose some of what was not synced."""
        for name, changes in self._unsynced.items():
            data = self._synced.get(name)
            kept = chance.randint(0, len(changes))
            for kind, written in changes[:kept]:
                data = None if kind == "remove" else written if kind == "write" else (data or b"") + written
            if kept < len(changes) and changes[kept][0] != "remove" and chance.random() < 0.5:
                kind, written = changes[kept]
                torn = written[: chance.randint(0, len(written))]
                data = torn if kind == "write" else (data or b"") + torn
            if data is None:
                self._synced.pop(name, None)
            else:
                self._synced[name] = data
        self._unsynced.clear()
        self._now = dict(self._synced)
