"""What is known of the nodes of a quorum system, and of the calls that they get."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeAlias

from pygorums.quorum.quorums import Quorums

__all__ = ["Capacity", "Fraction", "Model", "System", "checked_fraction"]

Fraction: TypeAlias = float | Mapping[float, float]
"""Which part of the calls are reads, or how often which."""

Capacity: TypeAlias = Mapping[int, float | tuple[float, float]]
"""What each node can handle: so many requests a second, or so many reads and so many writes."""


class System(Protocol):
    """A quorum system."""

    @property
    def reads(self) -> Quorums:
        """What a read needs."""

    @property
    def writes(self) -> Quorums:
        """What a write needs."""

    @property
    def nodes(self) -> tuple[int, ...]:
        """The IDs of all nodes."""

    def check_nodes(self, nodes: Iterable[int], /) -> None:
        """Refuse nodes that are not in it."""


class Model:
    """What is known of the nodes and the calls.

    Attributes:
        fractions: How often which part of the calls are reads; adds up to 1.
        read_capacity: How many reads a second each node can handle, by ID.
        write_capacity: How many writes.
        latency: The seconds that each node takes to reply, by ID.
    """

    def __init__(
        self,
        system: System,
        read_fraction: Fraction,
        capacity: Capacity | None,
        latency: Mapping[int, float] | None,
    ) -> None:
        system.check_nodes([*(capacity or ()), *(latency or ())])
        fractions = read_fraction if isinstance(read_fraction, Mapping) else {read_fraction: 1.0}
        total = sum(fractions.values())
        if total <= 0 or min(fractions.values()) < 0:
            raise ValueError(f"how often which part of the calls are reads must be positive numbers, not {fractions}")
        self.fractions = {checked_fraction(part): weight / total for part, weight in fractions.items() if weight}
        self._mean = sum(part * weight for part, weight in self.fractions.items())
        pairs = {node_id: (_pair(node_id, value)) for node_id, value in (capacity or {}).items()}
        least = tuple(min((pair[side] for pair in pairs.values()), default=1.0) for side in (0, 1))
        self.read_capacity = {node_id: pairs.get(node_id, least)[0] for node_id in system.nodes}
        self.write_capacity = {node_id: pairs.get(node_id, least)[1] for node_id in system.nodes}
        for node_id, seconds in (latency or {}).items():
            if not 0 <= seconds < math.inf:
                raise ValueError(f"the latency of node {node_id} must be seconds, not {seconds!r}")
        slowest = max((latency or {}).values(), default=1.0)
        self.latency = {node_id: (latency or {}).get(node_id, slowest) for node_id in system.nodes}

    def mixed(self, reads: float, writes: float) -> float:
        """What is one for reads and another for writes, on average over all calls."""
        return self._mean * reads + (1 - self._mean) * writes

    def quorum_latency(self, quorums: Quorums, asked: Iterable[int]) -> float:
        """When enough of the nodes that are asked have answered."""
        rule, mask = quorums.rule, 0
        for node_id in sorted(asked, key=self.latency.__getitem__):
            mask |= rule.bits[node_id]
            if rule.enough(mask):
                return self.latency[node_id]
        return math.inf


def checked_fraction(part: float) -> float:
    """A part of the calls, if it can be one."""
    if not 0 <= part <= 1:
        raise ValueError(f"a fraction of reads is a number from 0 to 1, not {part!r}")
    return part


def _pair(node_id: int, capacity: float | tuple[float, float]) -> tuple[float, float]:
    reads, writes = capacity if isinstance(capacity, tuple) else (capacity, capacity)
    if not (0 < reads < math.inf and 0 < writes < math.inf):
        raise ValueError(f"the capacity of node {node_id} must be more than 0 requests a second, not {capacity!r}")
    return reads, writes
