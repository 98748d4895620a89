"""Files that survive, and those that a crash finds in the middle of something."""

import random

import pytest

from pygorums.testing import Disk


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
