"""Where a member keeps what it must not forget."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from examples.raft.raft_pb2 import Entry, Snapshot
from examples.raft.rules import Change, Cut, Saved, Vote, first

__all__ = ["Disk", "SqliteDisk"]


class Disk(Protocol):
    """What a member needs of one."""

    def load(self) -> Saved | None:
        """What was saved; None if nothing ever was."""

    def save(self, changes: Sequence[Change]) -> None:
        """Save all of it or nothing. When this returns a loss of power takes nothing away. Called in a thread."""


class SqliteDisk:
    """A database in a folder. However much is saved at once, it is one transaction, and one fsync.

    Args:
        folder: Is made if there is none.
        members: The addresses of all members, for one that has never run; empty for one that joins later.
    """

    def __init__(self, folder: Path, members: Mapping[int, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / "raft.db", isolation_level=None, check_same_thread=False)
        self._database.executescript(
            """
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            CREATE TABLE IF NOT EXISTS vote (id INTEGER PRIMARY KEY, term INTEGER, candidate INTEGER);
            CREATE TABLE IF NOT EXISTS snapshot (id INTEGER PRIMARY KEY, data BLOB);
            CREATE TABLE IF NOT EXISTS log (number INTEGER PRIMARY KEY, entry BLOB);
            """
        )
        if self.load() is None:
            self.save([first(members).snapshot])

    def load(self) -> Saved | None:
        """What was saved."""
        one = self._database.execute("SELECT data FROM snapshot").fetchone()
        if one is None:
            return None
        vote = self._database.execute("SELECT term, candidate FROM vote").fetchone()
        entries = self._database.execute("SELECT entry FROM log ORDER BY number").fetchall()
        return Saved(
            Vote(*vote) if vote else Vote(),
            Snapshot.FromString(one[0]),
            tuple(Entry.FromString(data) for (data,) in entries),
        )

    def save(self, changes: Sequence[Change]) -> None:
        """Save changes, in one transaction."""
        run = self._database.execute
        run("BEGIN")
        for change in changes:
            match change:
                case Vote(term, candidate):
                    run("REPLACE INTO vote VALUES (0, ?, ?)", (term, candidate))
                case Cut(index):
                    run("DELETE FROM log WHERE number >= ?", (index,))
                case Snapshot():
                    self._replace(change)
                case (index, entry):
                    run("INSERT INTO log VALUES (?, ?)", (index, entry.SerializeToString()))
        run("COMMIT")

    def _replace(self, snapshot: Snapshot) -> None:
        """Put a snapshot in place of entries, as `Log.compact` does."""
        run = self._database.execute
        last = run("SELECT entry FROM log WHERE number = ?", (snapshot.index,)).fetchone()
        if last is None or Entry.FromString(last[0]).term != snapshot.index_term:
            run("DELETE FROM log")
        run("DELETE FROM log WHERE number <= ?", (snapshot.index,))
        run("REPLACE INTO snapshot VALUES (0, ?)", (snapshot.SerializeToString(),))

    def close(self) -> None:
        """Let go of the files."""
        self._database.close()
