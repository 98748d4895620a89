"""Which of many equal events get a line in a log."""

import logging

import pytest

from pygorums.base.repeated import FailureLog, Repeated


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


class BrokenError(Exception):
    """An exception that cannot even be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def failing(error: Exception) -> Exception:
    """The error, raised."""
    try:
        raise error
    except Exception as raised:
        return raised


def test_the_first_in_full_then_counts(caplog: pytest.LogCaptureFixture) -> None:
    log = FailureLog(logging.getLogger("tests"), interval=60)
    for second in range(150):
        log.tell("It failed", failing(ValueError(f"at {second}\n")), second, f" for {second}")
    first, *later = caplog.records
    assert first.getMessage() == "It failed for 0"
    assert first.exc_info is not None
    assert [(record.getMessage(), record.exc_info) for record in later] == [
        ("It failed 60 times more, last for 60: ValueError: at 60\\n", None),
        ("It failed 60 times more, last for 120: ValueError: at 120\\n", None),
    ]


def test_what_differs_has_a_traceback_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """Another text, another type, another place."""
    log = FailureLog(logging.getLogger("tests"))
    errors = [failing(ValueError()), failing(KeyError()), ValueError(), failing(ValueError())]
    for error in errors:
        log.tell("It failed", error, 0)
    log.tell("Something else failed", errors[0], 0)
    assert [record.exc_info is not None for record in caplog.records] == [True] * 4


def test_errors_that_cannot_be_printed(caplog: pytest.LogCaptureFixture) -> None:
    log = FailureLog(logging.getLogger("tests"), interval=1)
    for now in (0, 0.5, 1):
        log.tell("It failed", BrokenError(), now)
    assert caplog.records[1].getMessage() == "It failed 2 times more, last: BrokenError"
