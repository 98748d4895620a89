"""Quorum systems: what a read needs and what a write needs, so that every read meets every write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from pygorums.base.errors import ConfigurationError
from pygorums.quorum.minimal import resilience
from pygorums.quorum.quorums import Quorums
from pygorums.quorums.meeting import check_meeting, shown

if TYPE_CHECKING:  # it needs scipy
    from pygorums.quorums.strategy import Goal, Strategy
    from pygorums.quorums.workload import Fraction

__all__ = ["QuorumSystem"]


class QuorumSystem:
    """Read quorums and write quorums, each of which meets each of the other kind. Immutable.

    Args:
        reads: What a read needs; None for all that meets every write quorum.
        writes: What a write needs; None for all that meets every read quorum.

    Attributes:
        reads: What a read needs, for ``quorum(system.reads)``.
        writes: What a write needs, for ``quorum(system.writes)``.
        nodes: The IDs of all nodes, ascending.

    Raises:
        ConfigurationError: A read quorum and a write quorum need not meet; the text names two.
        TypeError: Neither is given, or one is no expression.
    """

    __slots__ = ("_resilience", "nodes", "reads", "writes")

    def __init__(self, reads: Quorums | None = None, writes: Quorums | None = None) -> None:
        for name, given in (("reads", reads), ("writes", writes)):
            if given is not None and not isinstance(given, Quorums):
                raise TypeError(
                    f"{name} must be an expression such as all_of(1, 2) | of(2, 3, 4, 5), not {given!r:.100}"
                )
        if reads is None:
            if writes is None:
                raise TypeError("a quorum system needs reads, or writes, or both")
            reads = writes.dual
        elif writes is None:
            writes = reads.dual
        else:
            check_meeting(reads, writes)
        self._set(reads, writes)

    @classmethod
    def meeting(cls, reads: Quorums, writes: Quorums) -> Self:
        """The system of quorums that are known to meet, which is not checked: that may take long."""
        system = cls.__new__(cls)
        system._set(reads, writes)
        return system

    def _set(self, reads: Quorums, writes: Quorums) -> None:
        self.reads = reads
        self.writes = writes
        self.nodes: tuple[int, ...] = tuple(sorted({*reads.nodes, *writes.nodes}))
        self._resilience: int | None = None

    @property
    def resilience(self) -> int:
        """How many nodes may fail, whichever they are, so that reads and writes are still possible."""
        if self._resilience is None:
            self._resilience = min(resilience(self.reads), resilience(self.writes))
        return self._resilience

    def strategy(
        self,
        read_fraction: Fraction = 0.5,
        *,
        capacity: Mapping[int, float | tuple[float, float]] | None = None,
        latency: Mapping[int, float] | None = None,
        optimize: Goal = "load",
        load_limit: float | None = None,
        latency_limit: float | None = None,
        network_limit: float | None = None,
        resilience: int = 0,
    ) -> Strategy:
        """The best way to choose quorums at random: which are asked how often. Needs scipy, the extra ``analysis``.

        Args:
            read_fraction: Which part of the calls are reads, from 0 to 1; or a mapping from such fractions to how often
                they are met, whose numbers need not add up to 1.
            capacity: How many requests a second each node can handle, by ID, or how many reads and how many writes.
                Nodes that are not named can as much as the least of the others; without any, each handles one.
            latency: The seconds that each node takes to reply, by ID. Nodes that are not named take as long as the
                slowest of the others; without any, each takes one second.
            optimize: What is to be as small as possible: the ``"load"`` of the busiest node, the ``"latency"`` of a
                call, or the ``"network"`` load, which is how many nodes a call asks.
            load_limit: No more load than this.
            latency_limit: No more seconds than this, on average.
            network_limit: No more nodes asked than this, on average.
            resilience: How many nodes of those that are asked may fail so that the others are still a quorum.

        Raises:
            ConfigurationError: No strategy keeps to the limits, an argument names a node that is not in the system, or
                there are too many quorums to compare.
            ValueError: A number is out of its range.
            ImportError: scipy is missing.
        """
        from pygorums.quorums.strategy import best_strategy

        return best_strategy(
            self,
            read_fraction,
            capacity=capacity,
            latency=latency,
            optimize=optimize,
            limits={"load": load_limit, "latency": latency_limit, "network": network_limit},
            resilience=resilience,
        )

    def uniform_strategy(
        self,
        read_fraction: Fraction = 0.5,
        *,
        capacity: Mapping[int, float | tuple[float, float]] | None = None,
        latency: Mapping[int, float] | None = None,
    ) -> Strategy:
        """Each minimal quorum as often as any other, to compare with. The arguments are those of `strategy`.

        Raises:
            ConfigurationError: An argument names a node that is not in the system, or there are too many quorums.
            ValueError: A number is out of its range.
        """
        from pygorums.quorums.strategy import uniform_strategy

        return uniform_strategy(self, read_fraction, capacity=capacity, latency=latency)

    def check_nodes(self, nodes: Iterable[int]) -> None:
        """Refuse nodes that are not in the system.

        Raises:
            ConfigurationError: Some are not; the text names them.
        """
        if strange := set(nodes) - set(self.nodes):
            raise ConfigurationError(f"of the nodes {shown(self.nodes)} of the quorum system none is {shown(strange)}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QuorumSystem):
            return NotImplemented
        return self.reads == other.reads and self.writes == other.writes

    def __hash__(self) -> int:
        return hash((self.reads, self.writes))

    def __repr__(self) -> str:
        return f"QuorumSystem(reads={self.reads!r}, writes={self.writes!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return QuorumSystem.meeting, (self.reads, self.writes)
