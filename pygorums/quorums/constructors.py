"""The quorum systems that have names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pygorums.base.errors import ConfigurationError, counted
from pygorums.quorum.majority import majority_of
from pygorums.quorum.quorums import Nodes, Quorums, all_of, any_of, ids_of, of, weighing
from pygorums.quorums.meeting import shown
from pygorums.quorums.systems import QuorumSystem

__all__ = [
    "dissemination",
    "grid",
    "joint",
    "majority",
    "masking",
    "system",
    "threshold",
    "weighted",
    "zones",
]


def majority(nodes: Nodes) -> QuorumSystem:
    """More than half of the nodes, to read and to write.

    Args:
        nodes: A configuration, nodes, their IDs, or a number n for the IDs from 1 to n.

    Raises:
        ConfigurationError: There are none, or one is named twice.
    """
    ids = ids_of(nodes)
    quorums = of(majority_of(len(ids)), *ids)
    return QuorumSystem(quorums, quorums)


def threshold(nodes: Nodes, *, reads: int | None = None, writes: int | None = None) -> QuorumSystem:
    """So many nodes to read, and so many to write; for one that is left out, as few as suffice.

    Raises:
        ConfigurationError: They are so few that a read and a write need not meet; the text names two such sets.
        TypeError: Neither is given.
    """
    ids = ids_of(nodes)
    return QuorumSystem(
        None if reads is None else of(reads, *ids),
        None if writes is None else of(writes, *ids),
    )


def weighted(weights: Mapping[int, int], *, reads: int | None = None, writes: int | None = None) -> QuorumSystem:
    """Nodes with votes: reads and writes need more than half of them, or as many as is said.

    Args:
        weights: The votes of each node, by ID.
        reads: How many votes a read needs; if it is left out, as few as suffice.
        writes: How many votes a write needs; if it is left out, as few as suffice.

    Raises:
        ConfigurationError: A read and a write need not meet; the text names two such sets. Or a weight is negative.
    """
    if not isinstance(weights, Mapping):
        raise TypeError(f"weights must be a mapping from node IDs to votes, not {weights!r:.100}")
    if reads is None and writes is None:
        reads = writes = majority_of(sum(weights.values()))
    return QuorumSystem(
        None if reads is None else weighing(reads, weights),
        None if writes is None else weighing(writes, weights),
    )


def grid(rows: Sequence[Nodes]) -> QuorumSystem:
    """Read all nodes of any row, write one node of each.

    Raises:
        ConfigurationError: There are no rows, one is empty, or a node is in two of them.
    """
    lists = [ids_of(row) for row in rows]
    _check_apart({f"row {number}": ids for number, ids in enumerate(lists, 1)})
    return QuorumSystem(any_of(*(of(len(ids), *ids) for ids in lists)))


def zones(members: Mapping[str, Nodes], /, *, of_each: int | None = None, zones: int | None = None) -> QuorumSystem:
    """Read so many nodes of each of so many zones; write what meets every such read.

    With majorities of odd numbers of both, reads and writes need the same. ``zones=1`` reads in any one zone, for which
    writes need a part of each.

    Args:
        members: The nodes of each zone, by its name.
        of_each: How many nodes a read needs of a zone; a majority of each by default.
        zones: Of how many zones; of a majority of them by default.

    Raises:
        ConfigurationError: There are no zones, one has fewer than `of_each` nodes, or a node is in two of them.
    """
    lists = {name: ids_of(nodes) for name, nodes in members.items()}
    _check_apart({f"zone {name!r}": ids for name, ids in lists.items()})
    for name, ids in lists.items():
        if of_each is not None and len(ids) < of_each:
            raise ConfigurationError(f"zone {name!r} has {counted(len(ids), 'node')}, of which {of_each} are needed")
    each = [of(majority_of(len(ids)) if of_each is None else of_each, *ids) for ids in lists.values()]
    return QuorumSystem(of(majority_of(len(each)) if zones is None else zones, *each))


def joint(*systems: QuorumSystem) -> QuorumSystem:
    """What is a quorum of all these systems, while the membership changes from one to another.

    Raises:
        TypeError: One is no quorum system, or there are none.
    """
    for each in systems:
        if not isinstance(each, QuorumSystem):
            raise TypeError(f"joint takes quorum systems, such as majority(old), not {each!r:.100}")
    if not systems:
        raise TypeError("joint takes at least one quorum system")
    reads, writes = (each.reads for each in systems), (each.writes for each in systems)
    return QuorumSystem.meeting(all_of(*reads), all_of(*writes))  # in each of them already


def masking(nodes: Nodes, *, f: int) -> QuorumSystem:
    """Any two quorums share 2f + 1 nodes, of which f + 1 are right although f lie: see `vouched`.

    Raises:
        ConfigurationError: There are fewer than 4f + 1 nodes.
    """
    return _byzantine("masking", nodes, f, shared=2 * f + 1, least=4 * f + 1)


def dissemination(nodes: Nodes, *, f: int) -> QuorumSystem:
    """Any two quorums share f + 1 nodes, one of which is right although f lie: enough for values that are signed.

    Raises:
        ConfigurationError: There are fewer than 3f + 1 nodes.
    """
    return _byzantine("dissemination", nodes, f, shared=f + 1, least=3 * f + 1)


def _byzantine(kind: str, nodes: Nodes, f: int, *, shared: int, least: int) -> QuorumSystem:
    if not isinstance(f, int) or isinstance(f, bool) or f < 0:
        raise ConfigurationError(f"f is how many nodes may lie, a whole number, not {f!r}")
    ids = ids_of(nodes)
    size = len(ids)
    if 0 < size < least:
        answered = max(size - f, 0)
        needs = f"a {kind} quorum system with f={f} needs at least {counted(least, 'node')}, not {size}"
        sets = f"{shown(ids[:answered])} and {shown(ids[size - answered :])}"
        raise ConfigurationError(f"{needs}: with {f} silent, {sets} share fewer than {shared}")
    quorums = of((size + shared + 1) // 2, *ids)
    return QuorumSystem(quorums, quorums)


def system(reads: Quorums | None = None, writes: Quorums | None = None) -> QuorumSystem:
    """A quorum system of any expressions.

    Args:
        reads: What a read needs, such as ``all_of(1, 2) | of(2, 3, 4, 5)``; if it is left out, all that meets every
            write.
        writes: The same for writes.

    Raises:
        ConfigurationError: A read and a write need not meet; the text names two such sets.
        TypeError: Neither is given.
    """
    return QuorumSystem(reads, writes)


def _check_apart(groups: Mapping[str, Sequence[int]]) -> None:
    where: dict[int, str] = {}
    if not groups:
        raise ConfigurationError("there are no nodes that could make a quorum")
    for name, ids in groups.items():
        if not ids:
            raise ConfigurationError(f"{name} has no nodes")
        for node_id in ids:
            if (other := where.setdefault(node_id, name)) != name:
                raise ConfigurationError(f"node {node_id} is in {other} and in {name}")
