"""What is logged of code that fails again and again."""

import logging

import pytest

from pygorums.base.failure_log import FailureLog


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
