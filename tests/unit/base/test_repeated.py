"""Which of many equal events get a line in a log."""

from pygorums.base.repeated import Repeated


def test_the_first_and_then_one_an_interval() -> None:
    repeated = Repeated(interval=10)
    assert [repeated.due("a", now) for now in (0, 1, 9, 10, 11, 19, 20.5)] == [1, 0, 0, 3, 0, 0, 3]


def test_each_thing_for_itself() -> None:
    repeated = Repeated(interval=10)
    assert [repeated.due(thing, 0) for thing in "abab"] == [1, 1, 0, 0]


def test_new_things_are_bounded() -> None:
    """However many there are: those beyond the bound share a line, until the older ones are forgotten."""
    repeated = Repeated(interval=10, most=3)
    assert [repeated.due(thing, 0) for thing in range(3)] == [1, 1, 1]
    assert [repeated.due(thing, 1) for thing in range(3, 10_000)].count(0) == 10_000 - 4
    assert [repeated.due(thing, 1) for thing in range(3)] == [0, 0, 0]
    assert len(repeated._told) == 4
    assert repeated.due("new", 30) == 1
    assert len(repeated._told) == 1
