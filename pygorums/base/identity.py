"""The IDs of nodes."""

from __future__ import annotations

from pygorums.base.errors import ConfigurationError
from pygorums.wire.handshake import MAX_NODE_ID

__all__ = ["FIRST_CLIENT_ID", "checked_own_id"]

FIRST_CLIENT_ID = 1 << 20
"""Clients that serve calls without having a node ID of their own get IDs from here upward."""


def checked_own_id(node_id: int) -> int:
    """The ID that a server is given; 0 for none.

    Raises:
        ConfigurationError: It can be none.
    """
    if not isinstance(node_id, int) or isinstance(node_id, bool) or not 0 <= node_id <= MAX_NODE_ID:
        raise ConfigurationError(f"invalid node ID {node_id!r}: IDs go from 1 to {MAX_NODE_ID}, 0 is for none")
    return node_id
