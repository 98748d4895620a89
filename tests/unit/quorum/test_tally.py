"""When a call is won or lost, against a count that looks at all sets anew after each event."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pygorums import quorums as q
from pygorums.quorum.rule import Rule, number_rule
from pygorums.quorum.tally import Tally
from tests.unit.quorum.test_quorums import expressions
from tests.unit.quorums.test_constructors import CASES


def naive(rule: Rule, succeeded: set[int], failed: set[int]) -> tuple[bool, bool]:
    return (
        rule.enough(rule.mask(succeeded)),
        not rule.enough(rule.mask(set(rule.bits) - failed | succeeded)),
    )


def check(rule: Rule, events: list[tuple[int, bool]]) -> None:
    tally = Tally(rule)
    succeeded, failed = set[int](), set[int]()
    for node_id, ok in events:
        (succeeded if ok else failed).add(node_id)
        decided = tally.count_success(node_id) if ok else tally.count_failure(node_id)
        won, lost = naive(rule, succeeded, failed)
        assert decided == (won if ok else lost)
        assert (tally.won, tally.lost) == (won, lost)
        assert tally.successes == len(succeeded & set(rule.bits))


@settings(max_examples=50)
@given(st.one_of(expressions(), st.integers(1, 7)), st.data())
def test_every_order_of_events(quorums: q.Quorums | int, data: st.DataObject) -> None:
    rule = quorums.rule if isinstance(quorums, q.Quorums) else number_rule(range(1, 8), quorums)
    order = data.draw(st.permutations(range(1, 9)))  # 8 is in none of them
    check(rule, [(node_id, data.draw(st.booleans())) for node_id in order])


@pytest.mark.parametrize("kind", sorted({name.split()[0] for name in CASES}))
def test_all_that_can_happen_to_each_system(kind: str) -> None:
    """Whatever has happened, won means that a quorum has succeeded, lost that each has a node that failed."""
    for name, (system, reads, writes) in CASES.items():
        if name.split()[0] != kind or (len(system.nodes) > 5 and kind in ("threshold", "grid")):
            continue  # of which there are many
        for quorums, predicate in ((system.reads, reads), (system.writes, writes)):
            for outcome in product((None, True, False), repeat=len(system.nodes)):
                tally = Tally(quorums.rule)
                for node_id, ok in zip(system.nodes, outcome, strict=True):
                    if ok is not None:
                        (tally.count_success if ok else tally.count_failure)(node_id)
                succeeded = {node_id for node_id, ok in zip(system.nodes, outcome, strict=True) if ok}
                possible = {node_id for node_id, ok in zip(system.nodes, outcome, strict=True) if ok is not False}
                assert (tally.won, tally.lost) == (predicate(succeeded), not predicate(possible)), (name, outcome)


def test_what_succeeds_after_all_counts() -> None:
    tally = Tally(q.all_of(1, 2).rule)
    assert tally.count_failure(1)
    assert not tally.count_success(1)
    assert not tally.lost
    assert tally.count_success(2)
