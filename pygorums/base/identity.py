"""How the opener of a stream says who it is."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pygorums.base.errors import ConfigurationError

__all__ = [
    "FIRST_CLIENT_ID",
    "INSTANCE_KEY",
    "MAX_NODE_ID",
    "NODE_ID_KEY",
    "checked_own_id",
    "claimed_node_id",
    "instance_of",
]

NODE_ID_KEY = "gorums-node-id"
"""Stream metadata: absent from an ordinary client, ``0`` from one that serves calls made back to it, else a node ID."""

INSTANCE_KEY = "pygorums-instance"
"""Stream metadata: the same random number at each stream that one opener opens to one node. Nobody else knows it."""

MAX_NODE_ID = (1 << 32) - 1
"""Node IDs are uint32 on the wire; 0 is reserved."""

FIRST_CLIENT_ID = 1 << 20
"""Clients that serve calls without having a node ID of their own get IDs from here upward."""

_INSTANCE = re.compile(r"[0-9a-f]{32}")


def checked_own_id(node_id: int) -> int:
    """The ID that a server is given; 0 for none.

    Raises:
        ConfigurationError: It can be none.
    """
    if not isinstance(node_id, int) or isinstance(node_id, bool) or not 0 <= node_id <= MAX_NODE_ID:
        raise ConfigurationError(f"invalid node ID {node_id!r}: IDs go from 1 to {MAX_NODE_ID}, 0 is for none")
    return node_id


def claimed_node_id(metadata: Iterable[tuple[str, str | bytes]]) -> int | None:
    """The node ID that stream metadata claim: None without a claim, 0 for a client that serves calls.

    As in Gorums the first value counts, and one that is no node ID counts as 0.
    """
    for key, value in metadata:
        if key == NODE_ID_KEY and isinstance(value, str):
            if not (value.isascii() and value.isdigit()):
                return 0
            digits = value.lstrip("0") or "0"
            # Python refuses to look at very long numbers.
            return int(digits) if len(digits) <= 10 and int(digits) <= MAX_NODE_ID else 0
    return None


def instance_of(metadata: Iterable[tuple[str, str | bytes]]) -> str | None:
    """What tells the streams of one opener from those of all others; None if it does not say, or what cannot be one."""
    for key, value in metadata:
        if key == INSTANCE_KEY and isinstance(value, str):
            return value if _INSTANCE.fullmatch(value) else None
    return None
