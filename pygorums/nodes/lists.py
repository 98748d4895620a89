"""Lists of nodes, and of their IDs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pygorums.base.errors import ErrorKind, QuorumCallError, matches
from pygorums.nodes.node import Node

__all__ = ["by_id", "failed_in", "listed", "merged"]


def listed(node_ids: Sequence[int]) -> str:
    """Which nodes there are, for texts."""
    if not node_ids:
        return "none"
    more = f" and {len(node_ids) - 10} others" if len(node_ids) > 10 else ""
    return f"{'node' if len(node_ids) == 1 else 'nodes'} {', '.join(map(str, node_ids[:10]))}{more}"


def merged(nodes: Iterable[Node], further: Iterable[Node]) -> list[Node]:
    """Nodes, and those of others that are not among them, in order."""
    return list(dict.fromkeys([*nodes, *further]))


def by_id(nodes: Iterable[Node]) -> list[Node]:
    """Nodes in ascending order of their IDs."""
    return sorted(nodes, key=lambda node: node.id)


def failed_in(error: QuorumCallError, kinds: Sequence[ErrorKind]) -> set[int]:
    """The IDs of the nodes that failed in a call, with errors of these kinds if there are any."""
    return {
        node_id
        for node_id, node_error in error.node_errors.items()
        if not kinds or any(matches(node_error, kind) for kind in kinds)
    }
