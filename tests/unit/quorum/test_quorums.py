"""Expressions, against their meaning in plain Python."""

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pygorums as gorums
from pygorums import quorums as q
from tests.unit.quorums.subsets import subsets


@st.composite
def thresholds(draw: st.DrawFn, parts: st.SearchStrategy[int | q.Quorums]) -> q.Quorums:
    chosen = draw(st.lists(parts, min_size=1, max_size=4, unique=True))
    if draw(st.booleans()):
        return q.of(draw(st.integers(1, len(chosen))), *chosen)
    weights = draw(st.lists(st.integers(0, 3), min_size=len(chosen), max_size=len(chosen)))
    weights[0] += 1
    return q.weighing(draw(st.integers(1, sum(weights))), list(zip(chosen, weights, strict=True)))


def expressions() -> st.SearchStrategy[q.Quorums]:
    """Of up to 7 nodes, which may occur several times."""
    nodes = st.integers(1, 7)
    return thresholds(st.recursive(nodes, lambda parts: st.one_of(nodes, thresholds(parts)), max_leaves=6))


def naive(quorums: q.Quorums, nodes: set[int]) -> bool:
    weight = sum(
        weight for weight, part in quorums.parts if (part in nodes if isinstance(part, int) else naive(part, nodes))
    )
    return weight >= quorums.need


@settings(max_examples=25)
@given(expressions())
def test_as_the_naive_way_says(quorums: q.Quorums) -> None:
    for nodes in subsets(quorums.nodes):
        assert quorums.is_quorum(nodes) == naive(quorums, nodes)
    assert not quorums.is_quorum([8, 9])
    assert quorums.is_quorum([*quorums.nodes, 9])


@settings(max_examples=25)
@given(expressions())
def test_the_dual_is_what_meets_every_quorum(quorums: q.Quorums) -> None:
    dual = quorums.dual
    everyone = set(quorums.nodes)
    for nodes in subsets(everyone):
        assert dual.is_quorum(nodes) != quorums.is_quorum(everyone - nodes)
    assert dual.dual == quorums


@settings(max_examples=25)
@given(expressions(), expressions())
def test_both_and_either(left: q.Quorums, right: q.Quorums) -> None:
    for nodes in subsets({*left.nodes, *right.nodes}):
        assert (left & right).is_quorum(nodes) == (left.is_quorum(nodes) and right.is_quorum(nodes))
        assert (left | right).is_quorum(nodes) == (left.is_quorum(nodes) or right.is_quorum(nodes))


@settings(max_examples=25)
@given(expressions())
def test_they_print_as_they_are_written(quorums: q.Quorums) -> None:
    names = {"all_of": q.all_of, "any_of": q.any_of, "of": q.of, "weighing": q.weighing}
    again = eval(repr(quorums), names)
    for nodes in subsets(quorums.nodes):
        assert again.is_quorum(nodes) == quorums.is_quorum(nodes)
    assert pickle.loads(pickle.dumps(quorums)) == quorums
    assert copy.deepcopy(quorums) == quorums
    assert hash(copy.copy(quorums)) == hash(quorums)


def test_the_operators_merge() -> None:
    assert repr(q.all_of(1, 2) & 3 & q.all_of(2, 4)) == "all_of(1, 2, 3, 4)"
    assert repr(1 | q.any_of(2, 3)) == "any_of(2, 3, 1)"
    assert repr(q.of(2, 1, 2, 3) & q.any_of(4)) == "all_of(of(2, 1, 2, 3), 4)"


def test_many_nodes() -> None:
    odd = q.of(51, *range(1, 202, 2))
    assert odd.is_quorum(range(1, 103))
    assert not odd.is_quorum(range(1, 101))
    expression = q.any_of(1)
    for node_id in range(2, 1000):
        expression |= node_id
    assert expression.is_quorum([999])


def test_a_number_is_no_set_of_nodes() -> None:
    with pytest.raises(TypeError, match=r"such as \[3\]"):
        q.majority(3).reads.is_quorum(3)  # type: ignore[arg-type]


def test_too_deep() -> None:
    def nested(levels: int) -> q.Quorums:
        return q.of(2, levels, 98, nested(levels - 1)) if levels else q.of(2, 97, 98, 99)

    assert nested(39).is_quorum([98, 99])
    with pytest.raises(gorums.ConfigurationError, match="nested deeper than 40"):
        nested(40)
