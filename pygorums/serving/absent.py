"""Waiting until others are there, and who is not, in words, for those who have waited in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pygorums.base.timeout import sending_timeout
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import trouble
from pygorums.serving.server import Server

__all__ = ["await_condition", "clients", "missing"]


async def await_condition(
    config: Callable[[], Configuration],
    condition: Callable[[Configuration], bool],
    timeout: float | None,
    change: Callable[[], Awaitable[None]],
    state: Callable[[], str],
) -> Configuration:
    """Wait until a condition holds for a configuration, and return that.

    Args:
        config: Gives the configuration as it is.
        condition: The condition.
        timeout: Seconds, or None for no limit.
        change: Waits until it may be another one, or raises what ends the wait.
        state: Says who is there, if the time is up.

    Raises:
        TimeoutError: The time was up.
    """
    timeout = sending_timeout(timeout)
    try:
        async with asyncio.timeout(timeout):
            while not condition(current := config()):
                await change()
            return current
    except TimeoutError:
        raise TimeoutError(f"after {timeout} s the condition does not hold; {state()}") from None


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
