"""Each constructor means what its name says: as a sentence in plain Python says it, for all sets of up to 7 nodes."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations, pairwise

import pytest

import pygorums as gorums
from pygorums import quorums as q
from tests.unit.quorums.subsets import Predicate, minimal, subsets

Case = tuple[q.QuorumSystem, Predicate, Predicate]


def votes(need: float, weights: Mapping[int, int]) -> Predicate:
    return lambda nodes: sum(weights.get(node_id, 0) for node_id in nodes) >= need


def so_many(need: float, nodes: Iterable[int]) -> Predicate:
    return votes(need, dict.fromkeys(nodes, 1))


def together(need: int, *predicates: Predicate) -> Predicate:
    return lambda nodes: sum(predicate(nodes) for predicate in predicates) >= need


def partitions(size: int) -> Iterator[list[list[int]]]:
    """The ways to cut the IDs from 1 to `size` into rows, in order."""
    for cuts in range(size):
        for places in combinations(range(1, size), cuts):
            yield [list(range(start + 1, end + 1)) for start, end in pairwise([0, *places, size])]


def numbers(n: int) -> Iterator[tuple[str, Case]]:
    ids = range(1, n + 1)
    half = so_many((n + 1) / 2, ids)
    yield f"majority of {n}", (q.majority(n), half, half)
    for reads in ids:
        for writes in range(n - reads + 1, n + 1):
            system = q.threshold(ids, reads=reads, writes=writes)
            yield f"threshold {reads} and {writes} of {n}", (system, so_many(reads, ids), so_many(writes, ids))
        system = q.threshold(ids, reads=reads)
        yield f"threshold {reads} of {n}", (system, so_many(reads, ids), so_many(n - reads + 1, ids))
    weights = dict(zip(ids, [3, 2, 2, 1, 1, 0, 5], strict=False))
    heavy = votes((sum(weights.values()) + 1) / 2, weights)
    yield f"weights {weights}", (q.weighted(weights), heavy, heavy)
    for f in range((n - 1) // 4 + 1):
        wide = so_many((n + 2 * f + 1) / 2, ids)
        yield f"masking {n}, {f}", (q.masking(n, f=f), wide, wide)
    for f in range((n - 1) // 3 + 1):
        spread = so_many((n + f + 1) / 2, ids)
        yield f"dissemination {n}, {f}", (q.dissemination(n, f=f), spread, spread)


def groups(n: int) -> Iterator[tuple[str, Case]]:
    for rows in partitions(n):
        reads = together(1, *(so_many(len(row), row) for row in rows))
        writes = together(len(rows), *(so_many(1, row) for row in rows))
        yield f"grid {rows}", (q.grid(rows), reads, writes)
    for size in range(1, n):
        old, new = range(1, size + 1), range(n - size + 1, n + 1)
        both = together(2, so_many((size + 1) / 2, old), so_many((size + 1) / 2, new))
        yield f"joint {n}, {size}", (q.joint(q.majority(old), q.majority(new)), both, both)


def others() -> Iterator[tuple[str, Case]]:
    a, b, c = (1, 2, 3), (4, 5), (6, 7)
    system = q.zones({"a": a, "b": b, "c": c}, of_each=2, zones=2)
    reads = together(2, *(so_many(2, zone) for zone in (a, b, c)))
    yield "zones two", (system, reads, together(2, so_many(2, a), so_many(1, b), so_many(1, c)))
    system = q.zones({"a": a, "b": (4, 5, 6)}, zones=1)
    majorities = so_many(2, a), so_many(2, (4, 5, 6))
    yield "zones one", (system, together(1, *majorities), together(2, *majorities))
    system = q.zones({"a": (1, 2), "b": (3, 4), "c": (5, 6)})
    majorities_of_two = [so_many(2, zone) for zone in ((1, 2), (3, 4), (5, 6))]
    writes = together(2, *(so_many(1, zone) for zone in ((1, 2), (3, 4), (5, 6))))
    yield "zones by default", (system, together(2, *majorities_of_two), writes)
    system = q.system(reads=q.all_of(1, 2) | q.all_of(3, 4, 5))
    reads = together(1, so_many(2, (1, 2)), so_many(3, (3, 4, 5)))
    yield "any reads", (system, reads, together(2, so_many(1, (1, 2)), so_many(1, (3, 4, 5))))
    system = q.system(writes=q.of(2, 1, 2, 3) & q.any_of(4, 5))
    reads = together(1, so_many(2, a), so_many(2, (4, 5)))
    yield "any writes", (system, reads, together(2, so_many(2, a), so_many(1, (4, 5))))


CASES = dict(case for cases in (*map(numbers, range(1, 8)), *map(groups, range(1, 8)), others()) for case in cases)


@pytest.mark.parametrize("kind", sorted({name.split()[0] for name in CASES}))
def test_as_brute_force_says(kind: str) -> None:
    for name, (system, reads, writes) in CASES.items():
        if name.split()[0] != kind:
            continue
        for nodes in subsets(system.nodes):
            assert system.reads.is_quorum(nodes) == reads(nodes), (name, nodes)
            assert system.writes.is_quorum(nodes) == writes(nodes), (name, nodes)
        read_quorums, write_quorums = minimal(system.nodes, reads), minimal(system.nodes, writes)
        assert set(q.minimal_quorums(system.reads)) == read_quorums, name
        assert set(q.minimal_quorums(system.writes)) == write_quorums, name
        assert all(read & write for read in read_quorums for write in write_quorums), name
        everyone = set(system.nodes)
        lost = [s for s in subsets(everyone) if not (reads(everyone - s) and writes(everyone - s))]
        assert system.resilience == len(min(lost, key=len)) - 1, name


@pytest.mark.parametrize(("n", "f"), [(1, 0), (4, 0), (5, 1), (6, 1), (7, 1), (9, 2), (13, 3)])
def test_masking_quorums_share_enough(n: int, f: int) -> None:
    quorums = q.minimal_quorums(q.masking(n, f=f).reads)
    assert min(len(a & b) for a in quorums for b in quorums) >= 2 * f + 1
    assert q.masking(n, f=f).resilience >= f


@pytest.mark.parametrize(("n", "f"), [(1, 0), (3, 0), (4, 1), (5, 1), (6, 1), (7, 2), (10, 3)])
def test_dissemination_quorums_share_enough(n: int, f: int) -> None:
    quorums = q.minimal_quorums(q.dissemination(n, f=f).reads)
    assert min(len(a & b) for a in quorums for b in quorums) >= f + 1
    assert q.dissemination(n, f=f).resilience >= f


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: q.threshold([1, 2, 3, 4], reads=2, writes=2), r"\{.*\} is a read quorum, \{.*\} a write quorum"),
        (lambda: q.threshold(5, reads=1, writes=4), r"\{.*\} is a read quorum"),
        (lambda: q.weighted({1: 3, 2: 2, 3: 2, 4: 1, 5: 1}, reads=4, writes=5), r"\{.*\} is a read quorum"),
        (
            lambda: q.system(q.all_of(1, 2) | q.all_of(3, 4), q.all_of(1, 2) | q.of(2, 1, 3, 4)),
            r"\{.*\} is a read quorum",
        ),
        (lambda: q.masking(4, f=1), "at least 5 nodes, not 4"),
        (lambda: q.dissemination([1, 2, 3], f=1), r"at least 4 nodes, not 3.*\{1, 2\} and \{2, 3\} share fewer than 2"),
        (lambda: q.majority([]), "no nodes"),
        (lambda: q.majority([1, 1, 2]), "node 1 is named 2 times"),
        (lambda: q.majority([0, 1]), "invalid node ID 0"),
        (lambda: q.grid([]), "no nodes"),
        (lambda: q.grid([[1, 2], []]), "row 2 has no nodes"),
        (lambda: q.grid([[1, 2], [2, 3]]), "node 2 is in row 1 and in row 2"),
        (lambda: q.zones({"a": [1, 2], "b": [3]}, of_each=2), "zone 'b' has 1 node, of which 2 are needed"),
        (lambda: q.zones({"a": [1, 2], "b": [3]}, zones=3), "from 1 to 2"),
        (lambda: q.threshold(3, reads=4), "cannot need 4 of 3"),
        (lambda: q.weighted({1: 1, 2: -1}), "the weight of 2 is negative"),
        (lambda: q.of(0, 1, 2), "cannot need 0 of 2"),
        (lambda: q.masking(5, f=-1), "f is how many nodes may lie"),
    ],
)
def test_what_is_wrong_is_refused(make: Callable[[], object], text: str) -> None:
    with pytest.raises(gorums.ConfigurationError, match=text):
        make()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: q.system(), "needs reads, or writes"),
        (lambda: q.threshold(3), "needs reads, or writes"),
        (lambda: q.system(reads=[1, 2]), "must be an expression"),  # type: ignore[arg-type]
        (lambda: q.joint(), "at least one"),
        (lambda: q.joint([1, 2]), "takes quorum systems"),  # type: ignore[arg-type]
        (lambda: q.majority("123"), "must be a configuration"),  # type: ignore[arg-type]
        (lambda: q.all_of("a"), "nodes or their IDs"),  # type: ignore[arg-type]
        (lambda: q.weighted([1, 2]), "must be a mapping"),  # type: ignore[arg-type]
        (lambda: q.weighted({1: 1.5}), "whole number"),  # type: ignore[dict-item]
        (lambda: q.of(True, 1), "whole number"),
    ],
)
def test_what_is_of_the_wrong_kind_is_refused(make: Callable[[], object], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        make()


@pytest.mark.parametrize("n", range(2, 8))
def test_the_two_sets_that_are_named_do_not_meet(n: int) -> None:
    for reads in range(1, n):
        for writes in range(1, n - reads + 1):
            with pytest.raises(gorums.ConfigurationError) as error:
                q.threshold(n, reads=reads, writes=writes)
            read, write = (set(map(int, ids.split(","))) for ids in re.findall(r"\{(.*?)\}", str(error.value)))
            assert len(read) == reads
            assert len(write) == writes
            assert not read & write


def test_large_systems_are_made_at_once() -> None:
    assert q.majority(1001).resilience == 500
    joint = q.joint(q.majority(range(1, 102)), q.majority(range(51, 152)))
    assert joint.reads.is_quorum(range(40, 110))
    assert joint.resilience == 50
    assert (
        q.zones({name: range(start, start + 99) for name, start in (("a", 1), ("b", 100), ("c", 199))}).resilience == 99
    )
