"""Who is not there, in words, for those who have waited in vain."""

from __future__ import annotations

from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import trouble
from pygorums.serving.server import Server

__all__ = ["clients", "missing"]


def missing(server: Server, outbound: Configuration | None) -> str:
    """Which peers have no stream to the server of a system that has connected to them, and which way there is none."""
    addresses = server.peers.members.addresses
    lines = "".join(
        f"\n  node {node_id} ({addresses[node_id]}) {_direction(server.node_id, node_id, outbound)}"
        for node_id in sorted(addresses.keys() - set(server.config().node_ids))
    )
    return f"peers that have not connected to this system:{lines or ' none'}"


def _direction(own_id: int, node_id: int, outbound: Configuration | None) -> str:
    """Which of the two ways between us and a peer, that has no stream to us, there is."""
    if outbound is None:
        return "has not connected"
    node = outbound.node(node_id)
    if node.connected:
        return f"can be reached, but does not connect here: is this system node {own_id} in its list?"
    return f"cannot be reached either: {trouble(node)}"


def clients(server: Server) -> str:
    """How many clients are connected that serve calls."""
    return f"clients that are connected: {len(server.client_config())}"
