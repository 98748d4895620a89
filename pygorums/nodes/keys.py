"""Keys to sort the nodes of a configuration by."""

from __future__ import annotations

import math

from pygorums.nodes.node import Node

__all__ = ["last_error", "latency", "node_id"]


def latency(node: Node) -> float:
    """The node's latency estimate in seconds; nodes without one come last."""
    return math.inf if node.latency is None else node.latency


def last_error(node: Node) -> bool:
    """Healthy nodes first: whether the node has an error."""
    return node.last_error is not None


def node_id(node: Node) -> int:
    """The node's ID."""
    return node.id
