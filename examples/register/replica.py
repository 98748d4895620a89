"""A replica: keeps the newest value of each key that it has heard of."""

import sqlite3
from pathlib import Path
from typing import Protocol

from google.protobuf.empty_pb2 import Empty

import pygorums as gorums
from examples.register.register_gorums import RegisterServer
from examples.register.register_pb2 import Key, Value

__all__ = ["Files", "Replica", "SqliteFiles", "age"]


class Files(Protocol):
    """Where a replica keeps its values."""

    def load(self) -> dict[str, Value]:
        """All that was saved, by key."""

    def save(self, value: Value) -> None:
        """Save a value in place of the one with its key. When this returns a loss of power does not take it away."""


class SqliteFiles:
    """A database in a folder, which is made if it is not there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / "register.db", isolation_level=None)
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("CREATE TABLE IF NOT EXISTS value (key TEXT PRIMARY KEY, data BLOB)")

    def load(self) -> dict[str, Value]:
        """All that was saved."""
        found = self._database.execute("SELECT data FROM value")
        return {value.key: value for (data,) in found if (value := Value.FromString(data))}

    def save(self, value: Value) -> None:
        """Save a value."""
        self._database.execute("REPLACE INTO value VALUES (?, ?)", (value.key, value.SerializeToString()))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def age(value: Value) -> tuple[int, str]:
    """What is greater for the newer one of two values; no two writes have the same."""
    return value.number, value.writer


class Replica(RegisterServer):
    """Answers with what it has, and never goes back to what is older."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._values = files.load()

    async def query(self, ctx: gorums.ServerContext, request: Key) -> Value:
        """What is kept under a key."""
        return self._values.get(request.key, Value(key=request.key))

    async def keep(self, ctx: gorums.ServerContext, request: Value) -> Empty:
        """Keep a value, and answer once it is on the disk."""
        known = self._values.get(request.key)
        if known is None or age(request) > age(known):
            self._files.save(request)
            self._values[request.key] = request
        return Empty()
