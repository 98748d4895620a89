"""Files that survive, and those that a crash finds in the middle of something."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

import pygorums as gorums
from pygorums import testing
from pygorums.testing import Disk
from tests.protos.calls_pb2 import Text
from tests.simulation.protocols import Answering
from tests.simulation.support import run, say


def test_files() -> None:
    disk = Disk()
    assert list(disk) == []
    with pytest.raises(FileNotFoundError):
        disk.read("a")
    with pytest.raises(FileNotFoundError):
        disk.remove("a")
    disk.append("b", b"1")
    disk.append("b", b"2")
    disk.write("a", b"old")
    disk.write("a", b"new")
    assert (disk.read("a"), disk.read("b"), list(disk), "a" in disk) == (b"new", b"12", ["a", "b"], True)
    disk.remove("a")
    assert "a" not in disk


def after_crashes(change: object, count: int = 200) -> set[bytes | None]:
    found = set()
    for seed in range(count):
        disk = Disk()
        disk.write("f", b"old")
        disk.sync()
        change(disk)  # type: ignore[operator]  # it is one
        disk.crash(random.Random(seed))
        found.add(disk.read("f") if "f" in disk else None)
        disk.crash(random.Random(seed))  # what is there now is there for good
        assert (disk.read("f") if "f" in disk else None) in found
    return found


def test_what_is_synced_is_never_lost() -> None:
    def change(disk: Disk) -> None:
        disk.append("f", b" and new")
        disk.sync("f")

    assert after_crashes(change) == {b"old and new"}


def test_of_what_is_not_synced_anything_may_be_left() -> None:
    assert after_crashes(lambda disk: disk.write("f", b"xyz")) == {b"old", b"", b"x", b"xy", b"xyz"}
    assert after_crashes(lambda disk: disk.append("f", b"xy")) == {b"old", b"oldx", b"oldxy"}
    assert after_crashes(lambda disk: disk.remove("f")) == {b"old", None}


def test_what_is_left_is_in_order() -> None:
    def change(disk: Disk) -> None:
        for letter in b"abc":
            disk.append("f", bytes([letter]))

    assert after_crashes(change) == {b"old", b"olda", b"oldab", b"oldabc"}


def rows(disk: Disk) -> list[int]:
    """What there is after a crash."""
    disk.crash(random.Random(1))
    return [number for (number,) in disk.sqlite("db").execute("select number from numbers order by number")]


def database(disk: Disk, **options: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = disk.sqlite("db", **options)
    connection.execute("create table if not exists numbers (number)")
    connection.commit()
    return connection


def test_what_a_database_has_committed_is_there() -> None:
    disk = Disk()
    connection = database(disk)
    assert rows(disk) == []
    connection.execute("insert into numbers values (1)")
    assert connection.in_transaction
    assert rows(disk) == []
    connection.commit()
    assert rows(disk) == [1]
    with connection:
        connection.executemany("insert into numbers values (?)", [(2,), (3,)])
    assert rows(disk) == [1, 2, 3]
    connection.execute("delete from numbers")
    connection.rollback()
    with suppress(ZeroDivisionError), connection:
        connection.execute("delete from numbers")
        raise ZeroDivisionError
    assert rows(disk) == [1, 2, 3]
    connection.executescript("delete from numbers; insert into numbers values (7)")
    assert rows(disk) == [7]
    with pytest.raises(sqlite3.OperationalError):
        connection.execute("nonsense")


def test_a_database_that_commits_by_itself() -> None:
    disk = Disk()
    cursor = database(disk, isolation_level=None).cursor()
    cursor.execute("insert into numbers values (1)")
    assert rows(disk) == [1]
    ways: list[Callable[[], object]] = [cursor.fetchall, cursor.fetchmany, lambda: list(cursor)]
    for number, fetch in enumerate(ways, 2):
        cursor.execute("insert into numbers values (?) returning number", (number,))
        fetch()
        cursor.fetchone()
        assert rows(disk) == list(range(1, number + 1))
    cursor.execute("begin")
    cursor.execute("delete from numbers")
    assert len(rows(disk)) == 4
    cursor.execute("commit")
    assert rows(disk) == []


def test_a_host_keeps_its_database() -> None:
    class Counting(Answering):
        def __init__(self, disk: Disk) -> None:
            self._numbers = database(disk)

        async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
            with self._numbers:
                self._numbers.execute("insert into numbers values (1)")
            self._numbers.execute("insert into numbers values (100)")  # which is never committed before the crash
            (total,) = self._numbers.execute("select sum(number) from numbers").fetchone()
            self._numbers.rollback()
            return Text(text=f"{total}")

    async def scenario(world: testing.World) -> None:
        servers = await world.servers(1, lambda _: Counting(world.here.disk))
        config = world.connect(servers, host="client")
        assert [await say(config, ""), await say(config, "")] == ["101", "102"]
        world.crash("s1")
        await world.restart("s1")
        await config.wait_connected(timeout=20)
        assert await say(config, "") == "103"

    run(scenario)
