"""Minimal quorums and resilience, against brute force."""

import pytest
from hypothesis import given, settings

import pygorums as gorums
from pygorums import quorums as q
from pygorums.quorum.minimal import fewest
from tests.unit.quorum.test_quorums import expressions
from tests.unit.quorums.subsets import minimal


@settings(max_examples=25)
@given(expressions())
def test_minimal_quorums(quorums: q.Quorums) -> None:
    expected = minimal(quorums.nodes, quorums.is_quorum)
    assert set(q.minimal_quorums(quorums)) == expected
    assert len(q.minimal_quorums(quorums)) == len(expected)
    assert fewest(quorums) == min(map(len, expected))
    assert q.resilience(quorums) == min(map(len, minimal(quorums.nodes, quorums.dual.is_quorum))) - 1


def test_the_smallest_come_first() -> None:
    assert q.minimal_quorums(q.all_of(3, 4, 5) | q.all_of(1, 2)) == [{1, 2}, {3, 4, 5}]


def test_too_many_to_list() -> None:
    with pytest.raises(gorums.ConfigurationError, match="more than 200000 minimal quorums of these 31 nodes"):
        q.minimal_quorums(q.majority(31).reads)
