"""Two quorums that do not meet are found if, and only if, there are such."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pygorums import quorums as q
from pygorums.quorums.meeting import disjoint
from tests.unit.quorum.test_quorums import expressions
from tests.unit.quorums.subsets import subsets


def met(reads: q.Quorums, writes: q.Quorums) -> bool:
    nodes = {*reads.nodes, *writes.nodes}
    return not any(reads.is_quorum(s) and writes.is_quorum(nodes - s) for s in subsets(nodes))


@settings(max_examples=40)
@given(expressions(), expressions())
def test_a_pair_is_found_if_there_is_one(reads: q.Quorums, writes: q.Quorums) -> None:
    pair = disjoint(reads, writes)
    assert (pair is None) == met(reads, writes)
    if pair is not None:
        assert reads.is_quorum(pair[0])
        assert writes.is_quorum(pair[1])
        assert not set(pair[0]) & set(pair[1])


@settings(max_examples=40)
@given(st.dictionaries(st.integers(1, 7), st.integers(0, 4), min_size=1), st.data())
def test_weights_may_meet_that_do_not_add_up(weights: dict[int, int], data: st.DataObject) -> None:
    total = sum(weights.values())
    if total:
        reads = q.weighing(data.draw(st.integers(1, total)), weights)
        writes = q.weighing(data.draw(st.integers(1, total)), weights)
        assert (disjoint(reads, writes) is None) == met(reads, writes)
