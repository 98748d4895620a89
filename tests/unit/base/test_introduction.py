"""What members of a cluster tell each other of their lists, and what comes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygorums.base.introduction import disagreements, introduction
from pygorums.wire.handshake import PEERS_KEY


@pytest.mark.parametrize(
    ("known", "value"),
    [([3, 1, 2], "2 1-3"), ([1, 2, 5, 7, 8], "2 1-2,5,7-8"), ([2], "2 2"), ([2, 4294967295], "2 2,4294967295")],
)
def test_what_is_told(known: list[int], value: str) -> None:
    assert introduction(2, known) == ((PEERS_KEY, value),)
    assert not list(disagreements([(PEERS_KEY, value)], 2, known))


def test_what_differs() -> None:
    told = introduction(2, [1, 2, 3])
    assert list(disagreements(told, 1, [1, 2, 3])) == ["takes this server for node 2, but it is node 1"]
    assert list(disagreements(told, 2, [1, 2])) == ["knows the nodes 1-3, this server knows 1-2"]
    assert len(list(disagreements(told, 7, [1, 2]))) == 2


@pytest.mark.parametrize(
    "value", ["", "2", "2 ", "x 1-3", "2 1-3\n", "2 1;3", "2 1-3,", "-1 1", "2 1\x1b[31m", "2 " + "1," * 999]
)
def test_what_cannot_be_understood_says_nothing(value: str) -> None:
    assert not list(disagreements([(PEERS_KEY, value)], 1, [1]))


def test_who_says_nothing() -> None:
    assert not list(disagreements([("gorums-node-id", "2")], 1, [1]))
    assert introduction(1, range(1, 100_000, 2)) == ()


@given(st.sets(st.integers(1, 4294967295), min_size=1, max_size=40), st.sets(st.integers(1, 9), min_size=1))
def test_equal_lists_agree_and_others_do_not(one: set[int], two: set[int]) -> None:
    assert not list(disagreements(introduction(7, one), 7, one))
    assert bool(list(disagreements(introduction(7, one), 7, two))) == (one != two)
