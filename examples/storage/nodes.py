"""The nodes that the prompt talks to: local ones, or others that are there already."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pygorums as gorums
from examples.storage.failures import node_lines
from examples.storage.output import show_aside
from examples.storage.program import StartError
from examples.storage.server import StorageImpl

__all__ = ["connected", "local_servers"]

LOCAL_LIMIT = 10.0
"""Seconds that servers of our own get to reach each other; they take milliseconds unless the machine is busy."""

SETTLE = 1.0
"""Seconds that nodes get to be connected before the first command."""

PATIENCE = 2.0
"""Seconds more to wait if not a single one is; they may be starting too."""


@asynccontextmanager
async def local_servers(count: int, interceptors: Sequence[gorums.ServerInterceptor] = ()) -> AsyncIterator[list[str]]:
    """The addresses of `count` servers in this process, which are connected to each other.

    Raises:
        StartError: They do not reach each other.
    """
    async with gorums.local_systems(count, lambda _: StorageImpl(), interceptors=interceptors) as systems:
        try:
            for system in systems:
                await system.wait_for_config(lambda config: len(config) == count, timeout=LOCAL_LIMIT)
        except TimeoutError as error:
            raise StartError(f"the servers do not reach each other: {error}") from None
        yield [system.address or "" for system in systems]


@asynccontextmanager
async def connected(addresses: Sequence[str]) -> AsyncIterator[gorums.Configuration]:
    """A configuration of nodes, of which at least one is connected. The others are named on stderr.

    Raises:
        StartError: An address cannot be one, or none of the nodes can be reached.
    """
    try:
        config = gorums.connect(addresses)
    except gorums.ConfigurationError as error:
        raise StartError(str(error)) from None
    async with config:
        await _wait(config)
        yield config


async def _wait(config: gorums.Configuration) -> None:
    try:
        await config.wait_connected(timeout=SETTLE)
    except TimeoutError:
        try:
            await config.wait_connected(1, timeout=PATIENCE)
        except TimeoutError:
            reasons = "; ".join(line.strip() for line in _missing(config))
            raise StartError(f"no node can be reached: {reasons}") from None
        for line in _missing(config):
            show_aside(f"not connected yet: {line.strip()}")


def _missing(config: gorums.Configuration) -> list[str]:
    missing = {node.id: node.last_error or TimeoutError("no answer yet") for node in config if not node.connected}
    return node_lines(missing, config)
