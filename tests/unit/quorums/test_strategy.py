"""Load, capacity and latency of strategies, against published figures and against brute force."""

import builtins
import math
from typing import Any

import pytest

import pygorums as gorums
from pygorums import quorums as q

# The case study of the quoracle paper (PaPoC 2021): five nodes a to e that read twice as fast as they write, and how
# often which part of the calls are reads. The figures are what quoracle 1.0 computes; the paper prints them rounded.
A, B, C, D, E = range(1, 6)
CAPACITY = {A: (4000.0, 2000.0), B: (2000.0, 1000.0), C: (4000.0, 2000.0), D: (2000.0, 1000.0), E: (4000.0, 2000.0)}
LATENCY = {A: 1.0, B: 1.0, C: 3.0, D: 4.0, E: 5.0}
READS = {0.9: 10.0, 0.8: 20.0, 0.7: 100.0, 0.6: 100.0, 0.5: 100.0, 0.4: 60.0, 0.3: 30.0, 0.2: 30.0, 0.1: 20.0}
MAJORITY = q.majority(5)
GRID = q.system(q.all_of(A, B) | q.all_of(C, D, E))
PATHS = q.system(q.all_of(A, B) | q.all_of(A, C, E) | q.all_of(D, E) | q.all_of(D, C, B))
FOUND = q.system((q.all_of(C) | q.all_of(B, D)) & q.any_of(A, E))


def strategy(system: q.QuorumSystem, **options: Any) -> Any:
    return system.strategy(READS, capacity=CAPACITY, latency=LATENCY, **options)


@pytest.mark.parametrize(
    ("system", "capacity"),
    [(MAJORITY, 3666.5637680), (GRID, 4200.2161214), (PATHS, 4124.8841565), (FOUND, 5005.1852947)],
)
def test_the_capacities_of_the_case_study(system: q.QuorumSystem, capacity: float) -> None:
    assert strategy(system).capacity == pytest.approx(capacity, rel=1e-6)


def test_the_uniform_strategy_of_the_case_study() -> None:
    uniform = MAJORITY.uniform_strategy(READS, capacity=CAPACITY, latency=LATENCY)
    assert uniform.capacity == pytest.approx(2291.6023550, rel=1e-6)
    assert uniform.latency == pytest.approx(4.5)
    assert uniform.network == pytest.approx(3)


@pytest.mark.parametrize(
    ("system", "capacity"), [(MAJORITY, 2749.9228260), (GRID, 1374.9614130), (PATHS, 1374.9614130)]
)
def test_the_resilient_capacities_of_the_case_study(system: q.QuorumSystem, capacity: float) -> None:
    resilient = strategy(system, resilience=1)
    assert resilient.capacity == pytest.approx(capacity, rel=1e-6)
    for quorums, choices in ((system.reads, resilient.reads), (system.writes, resilient.writes)):
        for quorum in choices.probabilities:
            assert all(quorums.is_quorum(quorum - {node_id}) for node_id in quorum)


@pytest.mark.parametrize(("system", "latency"), [(MAJORITY, 3.238298), (GRID, 1.953191), (PATHS, 2.433570)])
def test_the_latencies_of_the_case_study(system: q.QuorumSystem, latency: float) -> None:
    fastest = strategy(system, optimize="latency", load_limit=1 / 2000)
    assert fastest.latency == pytest.approx(latency, abs=1e-6)
    assert fastest.load <= 1 / 2000 + 1e-12


@pytest.mark.parametrize("n", range(1, 8))
def test_the_load_of_majorities_is_known(n: int) -> None:
    best = q.majority(n).strategy()
    assert best.load == pytest.approx((n // 2 + 1) / n)
    assert best.capacity == pytest.approx(n / (n // 2 + 1))
    assert best.network == pytest.approx(n // 2 + 1)
    assert max(best.node_loads().values()) == pytest.approx(best.load)


def test_the_load_of_grids_is_known() -> None:
    grid = q.grid([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert grid.strategy(1).load == pytest.approx(1 / 3)
    assert grid.strategy(0).load == pytest.approx(1 / 3)
    assert grid.strategy(0.8, capacity={1: 2000, 2: 1000}).capacity > 0


def test_fewer_nodes_are_asked_if_that_is_what_counts() -> None:
    system = q.system(q.all_of(1, 2, 3) | q.all_of(4, 5))
    assert system.strategy(1, optimize="network").network == pytest.approx(2)
    assert system.strategy(1, optimize="load", network_limit=2.5).network <= 2.5 + 1e-9
    spread = system.strategy(1, optimize="load")
    assert spread.load == pytest.approx(0.5)
    assert set(spread.reads.probabilities) == {frozenset({1, 2, 3}), frozenset({4, 5})}


def test_samples_follow_the_probabilities() -> None:
    choices = strategy(FOUND).reads
    n = 10_000
    drawn = [choices.sample((index + 0.5) / n) for index in range(n)]
    for quorum, probability in choices.probabilities.items():
        assert drawn.count(quorum) / n == pytest.approx(probability, abs=1e-3)
    assert choices.sample(math.nextafter(1, 0)) in choices.probabilities


def test_no_strategy_keeps_to_the_limits() -> None:
    with pytest.raises(gorums.ConfigurationError, match=r"no strategy has a network of at most 1"):
        q.majority(3).strategy(network_limit=1)
    with pytest.raises(gorums.ConfigurationError, match="can spare any 2"):
        q.majority(3).strategy(resilience=2)


def test_what_is_wrong_is_refused() -> None:
    system = q.majority(3)
    with pytest.raises(gorums.ConfigurationError, match=r"\{9\}"):
        system.strategy(capacity={9: 1})
    for options in ({"capacity": {1: 0}}, {"latency": {1: -1}}, {"read_fraction": 1.1}, {"read_fraction": {0.5: 0}}):
        with pytest.raises(ValueError, match=r"capacity|latency|reads"):
            system.strategy(**options)
    with pytest.raises(ValueError, match="optimize"):
        system.strategy(optimize="speed")  # type: ignore[arg-type]


def test_scipy_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("scipy"):
            raise ImportError(f"No module named {name!r}", name=name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install 'pygorums\[analysis\]'"):
        q.majority(3).strategy()
    assert q.majority(3).uniform_strategy().load == pytest.approx(2 / 3)
