"""When a quorum call is decided, against the plainest way of saying so."""

from collections.abc import Callable

import pytest
from google.protobuf.empty_pb2 import Empty
from hypothesis import given
from hypothesis import strategies as st

import pygorums as gorums
from pygorums.calls.aggregators import Threshold
from pygorums.calls.progress import Progress
from pygorums.quorum.majority import majority_of
from pygorums.testing.scripted import SILENT, scripted_configuration

METHOD = gorums.Method("m", gorums.CallType.QUORUM_CALL, Empty, Empty)
REPLY = Empty()


def naive(size: int, need: int, answers: str) -> str:
    """Pending while both ends are still possible, whatever the remaining nodes say; else won or lost."""
    yes, no = answers.count("y"), answers.count("n")
    if yes >= need:
        return "w"
    if yes + (size - yes - no) < need:
        return "l"
    return "p"


def reading(size: int, need: int) -> tuple[Threshold[Empty], Callable[[], str]]:
    """A threshold, and what it has come to."""
    config = scripted_configuration(dict.fromkeys(range(1, size + 1), SILENT), None)
    threshold: Threshold[Empty] = Threshold(need, Progress(METHOD, config))

    def outcome() -> str:
        if not threshold.decided:
            return "p"
        try:
            assert threshold.result() is REPLY
        except gorums.IncompleteError:
            return "l"
        return "w"

    return threshold, outcome


def answer(node_id: int, said: str) -> gorums.NodeResponse[Empty]:
    if said == "y":
        return gorums.NodeResponse(node_id, REPLY)
    return gorums.NodeResponse.failed(node_id, OSError(said))


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
    ],
)
def test_outcome_after_each_answer(size: int, need: int, answers: str, outcomes: str) -> None:
    threshold, outcome = reading(size, need)
    got = ""
    for node_id, said in enumerate(answers, 1):
        threshold.add(answer(node_id, said))
        got += outcome()
    assert got == outcomes


@given(st.data(), st.integers(1, 9))
def test_as_the_naive_way_says(data: st.DataObject, size: int) -> None:
    need = data.draw(st.integers(1, size))
    answers = data.draw(st.text("yn", max_size=size))
    threshold, outcome = reading(size, need)
    for count, said in enumerate(answers, 1):
        threshold.add(answer(count, said))
        assert outcome() == naive(size, need, answers[:count])
        if threshold.decided:
            break


def test_more_than_there_are() -> None:
    assert reading(3, 4)[1]() == "l"


@given(st.integers(1, 1000))
def test_two_majorities_share_a_node(size: int) -> None:
    assert 2 * majority_of(size) > size
    assert 2 * (majority_of(size) - 1) <= size
