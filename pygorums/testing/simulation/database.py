"""Databases of SQLite on a simulated disk.

SQLite does its own input and output, which cannot be had from within Python. So a database is in memory, and what it is
after each transaction is written to the disk and synced, as a whole. That is what SQLite promises with its usual
settings: a crash keeps what was committed, and nothing of what was not. What breaks these promises (``PRAGMA
synchronous=OFF``, a disk that lies) is not simulated.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Protocol

__all__ = ["DiskConnection", "opened"]


class Files(Protocol):
    """A disk, as databases see it."""

    def __contains__(self, name: object, /) -> bool:
        """Whether there is a file."""

    def read(self, name: str, /) -> bytes:
        """The whole file."""

    def write(self, name: str, data: bytes, /) -> None:
        """Replace it."""

    def sync(self, name: str, /) -> None:
        """Done when it is on the disk."""


class DiskCursor(sqlite3.Cursor):
    """A cursor, after whose statements the database is on the disk, unless a transaction goes on."""

    def execute(self, sql: str, parameters: Any = (), /) -> DiskCursor:
        """Run a statement."""
        try:
            super().execute(sql, parameters)
        finally:
            self._save(changed=sql.lstrip()[:6].lower() != "select")
        return self

    def executemany(self, sql: str, parameters: Any, /) -> DiskCursor:
        """Run a statement many times."""
        try:
            super().executemany(sql, parameters)
        finally:
            self._save(changed=True)
        return self

    def executescript(self, sql_script: str, /) -> DiskCursor:
        """Run statements."""
        try:
            super().executescript(sql_script)
        finally:
            self._save(changed=True)
        return self

    # A statement that changes something and returns rows is done when they are all fetched.

    def fetchone(self) -> Any:
        """The next row."""
        row = super().fetchone()
        self._save()
        return row

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows."""
        rows = super().fetchmany(self.arraysize if size is None else size)
        self._save()
        return rows

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        rows = super().fetchall()
        self._save()
        return rows

    def __next__(self) -> Any:
        try:
            return super().__next__()
        finally:
            self._save()

    def _save(self, *, changed: bool = False) -> None:
        connection = self.connection
        if isinstance(connection, DiskConnection):
            connection.save(changed=changed)


class DiskConnection(sqlite3.Connection):
    """A connection, each of whose transactions is on the disk when it has been committed."""

    _disk: Files | None = None
    _name = ""
    _saved: bytes | None = None
    _changes = 0

    def keep(self, disk: Files, name: str) -> None:
        """Say where the database is, and read it."""
        if name in disk and (data := disk.read(name)):
            self.deserialize(data)
            self._saved = data
        self._disk, self._name = disk, name

    def save(self, *, changed: bool, ended: bool = False) -> None:
        """Write the database to the disk, unless it is there as it is, or a transaction goes on.

        Args:
            changed: Whether it may have changed though no row has.
            ended: Whether a transaction has just ended. The next one may have begun with that already.
        """
        if self.in_transaction and not (ended and getattr(self, "autocommit", None) is False):
            return
        if self._disk is None or not (changed or self.total_changes != self._changes):
            return
        self._changes = self.total_changes
        data = self.serialize()
        if data != self._saved:
            self._disk.write(self._name, data)
            self._disk.sync(self._name)
            self._saved = data

    def cursor(self, factory: Any = DiskCursor) -> Any:
        """A cursor."""
        return super().cursor(factory)

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        """Run a statement with a new cursor."""
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> Any:
        """Run a statement many times with a new cursor."""
        return self.cursor().executemany(sql, parameters)

    def executescript(self, sql_script: str, /) -> Any:
        """Run statements with a new cursor."""
        return self.cursor().executescript(sql_script)

    def commit(self) -> None:
        """Commit the transaction that goes on."""
        super().commit()
        self.save(changed=True, ended=True)

    def __exit__(self, *exc_info: object) -> Any:
        try:
            return super().__exit__(*exc_info)  # type: ignore[arg-type]  # they are what they are
        finally:
            self.save(changed=True, ended=True)


def opened(disk: Files, name: str, **options: Any) -> DiskConnection:
    """A connection to the database in a file of a disk, with options of `sqlite3.connect`."""
    connection = sqlite3.connect(":memory:", factory=DiskConnection, **options)
    connection.keep(disk, name)
    return connection
