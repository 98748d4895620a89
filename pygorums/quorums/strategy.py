"""Strategies: which quorums to ask how often, by linear programming.

The model is the one of the literature on quorum systems. A strategy is a probability for each quorum. The load of a
node is the part of the calls that it is asked by, over its capacity; the load of the system that of its busiest node,
and one over that is how many calls a second the system can take. All of it is linear in the probabilities.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, combinations
from typing import Any, Literal, TypeAlias

from pygorums.base.errors import ConfigurationError
from pygorums.quorum.minimal import minimal_masks, minimal_quorums
from pygorums.quorum.quorums import Quorums
from pygorums.quorums.workload import Capacity, Fraction, Model, System, checked_fraction

__all__ = ["Choices", "Fraction", "Goal", "Strategy", "best_strategy", "uniform_strategy"]

Goal: TypeAlias = Literal["load", "latency", "network"]
"""What is to be as small as possible."""

MAX_RESILIENT = 16
"""Up to how many nodes all sets of them are looked at."""

LEAST = 1e-12
"""Probabilities below it are what rounding has left of 0."""


class Choices:
    """Quorums with their probabilities, to choose from.

    Attributes:
        probabilities: Of each quorum that is ever chosen, by the IDs of its nodes. They add up to 1.
    """

    def __init__(self, probabilities: Mapping[frozenset[int], float]) -> None:
        total = sum(probabilities.values())
        self.probabilities = {quorum: weight / total for quorum, weight in probabilities.items()}
        self._quorums = list(self.probabilities)
        self._bounds = list(accumulate(self.probabilities.values()))

    def sample(self, chance: float) -> frozenset[int]:
        """The quorum that a number at random, from 0 to less than 1, stands for."""
        return self._quorums[min(bisect(self._bounds, chance), len(self._quorums) - 1)]

    def share(self, node_id: int) -> float:
        """The part of the calls that a node is asked by."""
        return sum(weight for quorum, weight in self.probabilities.items() if node_id in quorum)

    def mean(self, value: Callable[[frozenset[int]], float]) -> float:
        """What a function of a quorum is on average."""
        return sum(weight * value(quorum) for quorum, weight in self.probabilities.items())

    def __repr__(self) -> str:
        inside = ", ".join(f"{sorted(quorum)}: {weight:.4g}" for quorum, weight in self.probabilities.items())
        return f"Choices({inside})"


class Strategy:
    """How a system's quorums are best chosen at random. `QuorumSystem.strategy` makes it.

    Attributes:
        system: The system.
        reads: What reads ask, for ``quorum(system.reads, hedge=…, first=strategy.reads)``.
        writes: What writes ask.
    """

    def __init__(self, system: System, reads: Choices, writes: Choices, model: Model) -> None:
        self.system = system
        self.reads = reads
        self.writes = writes
        self._model = model

    def node_loads(self, read_fraction: float | None = None) -> dict[int, float]:
        """The load of each node by ID, on average over all fractions of reads, or at one."""
        fractions = self._model.fractions if read_fraction is None else {checked_fraction(read_fraction): 1.0}
        model, loads = self._model, dict.fromkeys(self.system.nodes, 0.0)
        for node_id in loads:
            reads, writes = self.reads.share(node_id), self.writes.share(node_id)
            for fraction, weight in fractions.items():
                asked = fraction * reads / model.read_capacity[node_id]
                loads[node_id] += weight * (asked + (1 - fraction) * writes / model.write_capacity[node_id])
        return loads

    @cached_property
    def load(self) -> float:
        """The load of the busiest node at one call a second, on average over all fractions of reads."""
        return sum(weight * self._busiest(fraction) for fraction, weight in self._model.fractions.items())

    @cached_property
    def capacity(self) -> float:
        """How many calls a second the system can take, on average over all fractions of reads."""
        return sum(weight / self._busiest(fraction) for fraction, weight in self._model.fractions.items())

    @cached_property
    def latency(self) -> float:
        """The seconds that a call takes on average, without any load: each quorum as long as its slowest node."""
        model = self._model
        reads = self.reads.mean(lambda quorum: model.quorum_latency(self.system.reads, quorum))
        return model.mixed(reads, self.writes.mean(lambda quorum: model.quorum_latency(self.system.writes, quorum)))

    @cached_property
    def network(self) -> float:
        """How many nodes a call asks on average."""
        return self._model.mixed(self.reads.mean(len), self.writes.mean(len))

    def _busiest(self, read_fraction: float) -> float:
        return max(self.node_loads(read_fraction).values())

    def __repr__(self) -> str:
        return f"Strategy(reads={self.reads!r}, writes={self.writes!r})"


def best_strategy(
    system: System,
    read_fraction: Fraction,
    *,
    capacity: Capacity | None,
    latency: Mapping[int, float] | None,
    optimize: Goal,
    limits: Mapping[Goal, float | None],
    resilience: int,
) -> Strategy:
    """As `QuorumSystem.strategy` says."""
    model = Model(system, read_fraction, capacity, latency)
    if optimize not in ("load", "latency", "network"):
        raise ValueError(f'optimize must be "load", "latency" or "network", not {optimize!r}')
    if resilience < 0:
        raise ValueError(f"resilience is how many nodes may fail, and not {resilience}")
    reads, writes = _candidates(system.reads, resilience), _candidates(system.writes, resilience)
    program = _Program(system, model, reads, writes)
    solution = program.solve(optimize, {goal: limit for goal, limit in limits.items() if limit is not None})
    split = len(reads)
    reading = _choices(system.reads, reads, solution[:split])
    return Strategy(system, reading, _choices(system.writes, writes, solution[split : split + len(writes)]), model)


def _choices(quorums: Quorums, masks: Sequence[int], probabilities: Iterable[float]) -> Choices:
    nodes = quorums.rule.nodes
    chosen = zip(masks, probabilities, strict=True)
    return Choices({frozenset(nodes(mask)): float(weight) for mask, weight in chosen if weight > LEAST})


def uniform_strategy(
    system: System,
    read_fraction: Fraction,
    *,
    capacity: Capacity | None,
    latency: Mapping[int, float] | None,
) -> Strategy:
    """As `QuorumSystem.uniform_strategy` says."""
    model = Model(system, read_fraction, capacity, latency)
    reads, writes = (Choices(dict.fromkeys(minimal_quorums(quorums), 1.0)) for quorums in (system.reads, system.writes))
    return Strategy(system, reads, writes, model)


def _candidates(quorums: Quorums, resilience: int) -> list[int]:
    """The masks of the minimal sets that are quorums still when any `resilience` of their nodes have failed."""
    if not resilience:
        return minimal_masks(quorums)
    rule = quorums.rule
    bits = list(rule.bits.values())
    if len(bits) > MAX_RESILIENT:
        raise ConfigurationError(f"sets of more than {MAX_RESILIENT} nodes are too many to look at: {len(bits)}")
    found: list[int] = []
    for size in range(1, len(bits) + 1):
        for chosen in combinations(bits, size):
            mask = sum(chosen)
            if any(mask & smaller == smaller for smaller in found):
                continue
            if all(rule.enough(mask ^ sum(failed)) for failed in combinations(chosen, min(resilience, size))):
                found.append(mask)
    if not found:
        raise ConfigurationError(f"there is no quorum of {quorums} that can spare any {resilience} of its nodes")
    return found


class _Program:
    """The linear program.

    Its variables are the probability of each read quorum and of each write quorum, and for each fraction of reads the
    load of the busiest node.
    """

    def __init__(self, system: System, model: Model, reads: Sequence[int], writes: Sequence[int]) -> None:
        try:
            import numpy as np
            from scipy import optimize, sparse
        except ImportError as error:
            text = "strategies need scipy: pip install 'pygorums[analysis]'"
            raise ImportError(text, name=error.name) from error
        self._np: Any = np
        self._linprog: Any = optimize.linprog
        self._sparse: Any = sparse
        self._model = model
        self._system = system
        self._reads = reads
        self._writes = writes
        self._read_share = self._shares(system.reads, reads, model.read_capacity)
        self._write_share = self._shares(system.writes, writes, model.write_capacity)

    def _shares(self, quorums: Quorums, masks: Sequence[int], capacity: Mapping[int, float]) -> Any:
        """For each node a row: what a call to each quorum takes of its capacity."""
        np, bits = self._np, quorums.rule.bits
        rows = []
        narrow = len(bits) < 64
        columns = np.array(masks, dtype=np.uint64) if narrow else None
        for node_id in self._system.nodes:
            bit = bits.get(node_id, 0)
            member = (columns & np.uint64(bit)) != 0 if narrow else np.array([bool(mask & bit) for mask in masks])
            rows.append(member / capacity[node_id])
        return np.array(rows)

    def _goal(self, goal: Goal) -> Any:
        """A linear function of the variables."""
        np, model, system = self._np, self._model, self._system
        loads = np.zeros(len(model.fractions))
        values = []
        for quorums, masks in ((system.reads, self._reads), (system.writes, self._writes)):
            if goal == "load":
                values.append(np.zeros(len(masks)))
            elif goal == "network":
                values.append(np.array([float(mask.bit_count()) for mask in masks]))
            else:
                nodes = quorums.rule.nodes
                values.append(np.array([model.quorum_latency(quorums, nodes(mask)) for mask in masks]))
        if goal == "load":
            loads = np.array(list(model.fractions.values()))
        return np.concatenate([values[0] * model.mixed(1, 0), values[1] * model.mixed(0, 1), loads])

    def solve(self, goal: Goal, limits: Mapping[Goal, float]) -> Any:
        """The values of the variables.

        Raises:
            ConfigurationError: None keeps to the limits.
        """
        np, sparse = self._np, self._sparse
        reads, writes = len(self._reads), len(self._writes)
        fractions = list(self._model.fractions)
        blocks = []
        for place, part in enumerate(fractions):
            busiest = np.zeros((len(self._system.nodes), len(fractions)))
            busiest[:, place] = -1
            blocks.append(np.hstack([part * self._read_share, (1 - part) * self._write_share, busiest]))
        blocks.extend(self._goal(limited)[None, :] for limited in limits)
        bounds = np.zeros(len(fractions) * len(self._system.nodes) + len(limits))
        bounds[len(bounds) - len(limits) :] = list(limits.values())
        ones = np.zeros((2, reads + writes + len(fractions)))
        ones[0, :reads] = 1
        ones[1, reads : reads + writes] = 1
        result = self._linprog(
            self._goal(goal),
            A_ub=sparse.csr_array(np.vstack(blocks)),
            b_ub=bounds,
            A_eq=sparse.csr_array(ones),
            b_eq=[1, 1],
            method="highs",
        )
        if result.x is None:
            kept = " and ".join(f"a {name} of at most {limit:g}" for name, limit in limits.items())
            raise ConfigurationError(f"no strategy has {kept or 'the least ' + goal}: {result.message}")
        return result.x
