"""When a quorum call is decided, against the plainest way of saying so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygorums.quorum.tally import Outcome, Tally, majority_of


def naive(size: int, need: int, answers: str) -> Outcome:
    """Undecided while both ends are still possible, whatever the remaining nodes say."""
    yes, no = answers.count("y"), answers.count("n")
    if yes >= need:
        return Outcome.WON
    if yes + (size - yes - no) < need:
        return Outcome.LOST
    return Outcome.PENDING


@pytest.mark.parametrize(
    ("size", "need", "answers", "outcomes"),
    [
        # size  need  answers  after each answer: pending, won, lost
        (1, 1, "y", "w"),
        (1, 1, "n", "l"),
        (3, 2, "yy", "pw"),
        (3, 2, "ny", "pp"),
        (3, 2, "nn", "pl"),
        (3, 2, "yny", "ppw"),
        (4, 3, "yyy", "ppw"),
        (4, 3, "nn", "pl"),
        (3, 3, "n", "l"),
        (3, 1, "nny", "ppw"),
        (5, 3, "yyyn", "ppww"),  # decided stays decided
        (5, 3, "nnny", "ppll"),
    ],
)
def test_outcome_after_each_answer(size: int, need: int, answers: str, outcomes: str) -> None:
    tally = Tally(size, need)
    got = "".join((tally.succeeded() if answer == "y" else tally.failed()).value[0] for answer in answers)
    assert got == outcomes


@given(st.data())
def test_agrees_with_the_naive_version(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 9))
    need = data.draw(st.integers(1, size))
    answers = data.draw(st.text("yn", max_size=size))
    tally = Tally(size, need)
    decided = Outcome.PENDING
    for count, answer in enumerate(answers, 1):
        outcome = tally.succeeded() if answer == "y" else tally.failed()
        if decided is Outcome.PENDING:
            decided = naive(size, need, answers[:count])
        assert outcome is decided


def test_more_than_there_are_is_lost_from_the_start() -> None:
    assert Tally(3, 4).outcome is Outcome.LOST


@given(st.integers(1, 1000))
def test_two_majorities_share_a_node(size: int) -> None:
    assert 2 * majority_of(size) > size
    assert 2 * (majority_of(size) - 1) <= size
