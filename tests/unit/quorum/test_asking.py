"""Whom a call asks next, against brute force."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from pygorums import quorums as q
from pygorums.quorum.asking import Asking
from pygorums.quorum.rule import Rule, number_rule
from pygorums.quorum.tally import Tally
from tests.unit.quorum.test_quorums import expressions

NODES = range(1, 8)
RULES = st.one_of(
    expressions().map(lambda quorums: quorums.rule), st.integers(1, 7).map(lambda need: number_rule(NODES, need))
)


def enough(rule: Rule, nodes: set[int]) -> bool:
    return rule.enough(rule.mask(nodes))


def fewest(rule: Rule, base: set[int], candidates: set[int]) -> int | None:
    """How few of the candidates make a quorum with the others."""
    for size in range(len(candidates) + 1):
        if any(enough(rule, base | set(chosen)) for chosen in combinations(candidates, size)):
            return size
    return None


@settings(max_examples=40)
@given(RULES, st.permutations(NODES))
def test_the_first_are_a_minimal_quorum_of_the_earliest(rule: Rule, order: list[int]) -> None:
    first = Asking(Tally(rule)).first(order)
    assert enough(rule, set(first))
    assert not any(enough(rule, set(first) - {node_id}) for node_id in first)
    last = max(order.index(node_id) for node_id in first)
    assert not enough(rule, set(order[:last]))
    assert first == [node_id for node_id in order if node_id in first]


@settings(max_examples=40)
@given(RULES, st.permutations(NODES), st.sets(st.integers(1, 9)))
def test_who_was_chosen_is_asked_and_who_it_takes_besides(rule: Rule, order: list[int], chosen: set[int]) -> None:
    first = set(Asking(Tally(rule)).first(order, sorted(chosen)))
    known = chosen & set(rule.bits)
    assert known <= first
    assert enough(rule, first)
    if known:
        assert len(first - known) == fewest(rule, known, set(rule.bits) - known)


@settings(max_examples=60)
@given(RULES, st.permutations(NODES), st.lists(st.sampled_from(["succeeds", "fails", "time passes"])), st.data())
def test_what_happens_to_a_call(rule: Rule, order: list[int], events: list[str], data: st.DataObject) -> None:
    tally = Tally(rule)
    asking = Asking(tally)
    asked = set(asking.first(order))
    succeeded, failed, silent = set[int](), set[int](), set[int]()
    for event in events:
        waiting = asked - succeeded - failed
        if event == "time passes":
            silent |= waiting
            left = set(rule.bits) - asked
            further = set(asking.waited(order))
            size = fewest(rule, succeeded, left)
            assert further <= left
            assert further == left if size is None else len(further) == size
        else:
            if not waiting:
                continue
            node_id = data.draw(st.sampled_from(sorted(waiting)))
            if event == "succeeds":
                succeeded.add(node_id)
                if tally.count_success(node_id):
                    return
                continue
            failed.add(node_id)
            if tally.count_failure(node_id):
                assert fewest(rule, succeeded, set(rule.bits) - failed) is None
                return
            left = set(rule.bits) - asked
            further = set(asking.failed(order))
            hopeful = fewest(rule, succeeded | (waiting - {node_id} - silent), left)
            size = hopeful if hopeful is not None else fewest(rule, succeeded | (waiting - {node_id}), left)
            assert further <= left
            assert len(further) == size
            assert enough(rule, (asked | further) - failed), "nothing is waited for in vain"
        asked |= further


def test_large_systems_take_no_time() -> None:
    grid = q.grid([range(start, start + 20) for start in range(1, 400, 20)])
    order = range(1, 401)
    for quorums in (grid.reads, grid.writes, q.threshold(400, reads=100).reads):
        tally = Tally(quorums.rule)
        asking = Asking(tally)
        assert quorums.is_quorum(asking.first(order))
        assert quorums.is_quorum(asking.waited(order))


def test_nodes_that_may_not_be_asked_are_not() -> None:
    asking = Asking(Tally(q.majority(5).reads.rule))
    assert asking.first([5, 4]) == [5, 4]
    assert asking.waited([5, 4]) == []
