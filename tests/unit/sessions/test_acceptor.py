"""What an acceptor remembers of sessions that are over."""

from itertools import count

import pytest

from pygorums.sessions import acceptor
from pygorums.sessions.acceptor import Halves
from pygorums.sessions.hello import Hello


def halves() -> Halves[object]:
    tokens = count(1)
    return Halves(limit=10, keep=30.0, new_token=lambda: f"{next(tokens):032x}")


def session(number: int) -> str:
    return f"{number:032x}"


def begin_and_end(those: Halves[object], number: int, now: float, attempt: int = 5) -> None:
    half = those.greet(Hello(session(number), attempt, None, 0), None, now).half
    assert half is not None
    those.give_up(half, now)


def refused(those: Halves[object], number: int, attempt: int, now: float) -> bool:
    half = those.greet(Hello(session(number), attempt, None, 0), None, now).half
    if half is not None:
        those.give_up(half, now)
    return half is None


def test_a_late_hello_of_a_session_that_is_over_is_refused() -> None:
    those = halves()
    begin_and_end(those, 1, now=0.0)
    assert refused(those, 1, attempt=5, now=acceptor.REMEMBERED_FOR - 1)
    assert not refused(those, 1, attempt=6, now=acceptor.REMEMBERED_FOR - 1)
    assert refused(those, 1, attempt=6, now=acceptor.REMEMBERED_FOR + 1), "that was the last of its streams then"


def test_many_that_are_over_for_long_are_forgotten_together() -> None:
    """In no more time than it took to note them, which matters if it is a hundred thousand."""
    those = halves()
    for number in range(5_000):
        begin_and_end(those, number, now=number / 5_000)
    begin_and_end(those, 5_000, now=acceptor.REMEMBERED_FOR + 0.5)
    assert len(those._past) == 2_500
    begin_and_end(those, 5_001, now=acceptor.REMEMBERED_FOR + 2)
    assert len(those._past) == 2
    assert not refused(those, 4_999, attempt=5, now=acceptor.REMEMBERED_FOR + 2)


def test_no_more_are_remembered_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptor, "MOST_REMEMBERED", 3)
    those = halves()
    for attempt, number in enumerate((1, 2, 3, 1, 4), start=1):
        begin_and_end(those, number, now=1.0, attempt=attempt)
    assert len(those._past) == 3
    assert [refused(those, number, attempt=1, now=1.0) for number in (3, 1, 4)] == [True] * 3
    assert not refused(those, 2, attempt=1, now=1.0)
