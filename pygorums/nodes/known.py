"""Which nodes the connections of a configuration are to, and who may change that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pygorums.base.errors import ConfigurationError
from pygorums.nodes.lists import listed
from pygorums.nodes.node import Node, Pool
from pygorums.nodes.outbound_pool import OutboundPool

__all__ = ["check_known", "check_shared", "own_pool", "still_known"]


def own_pool(pool: Pool, otherwise: str) -> OutboundPool:
    """The pool of connections that were opened here.

    Raises:
        ConfigurationError: They are those of a server's clients; the text is `otherwise`.
    """
    if not isinstance(pool, OutboundPool):
        raise ConfigurationError(otherwise)
    return pool


def check_known(pool: Pool, node_ids: Iterable[int], hint: str = "") -> None:
    """Nothing, if there are nodes with all of these IDs.

    Args:
        pool: The connections.
        node_ids: Who has to be there.
        hint: What to do instead, where others may be connected to.

    Raises:
        ConfigurationError: One is not there; the text says who is.
    """
    for node_id in node_ids:
        if node_id not in pool.nodes:
            hint = hint if isinstance(pool, OutboundPool) else ""
            there_are = listed(tuple(pool.nodes))
            raise ConfigurationError(f"there is no node {node_id!r}: the connections are to {there_are}{hint}")


def check_shared(pool: Pool, other: Pool) -> None:
    """Nothing, if they are the same connections.

    Raises:
        ConfigurationError: They are not.
    """
    if other is not pool:
        raise ConfigurationError(
            "these configurations come from different calls of connect and share no connections; "
            "use extend to add nodes to a configuration"
        )


def still_known(pool: Pool, nodes: Sequence[Node]) -> Iterable[Node]:
    """Those who were not removed meanwhile: their IDs may be those of others now."""
    if not isinstance(pool, OutboundPool):
        return nodes
    known = pool.nodes
    return (node for node in nodes if known.get(node.id) is node)
