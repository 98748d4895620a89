"""Servers with identities, and those who connect to them under one."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pygorums as gorums
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.waiting import until, within

# A server only takes names from its peers' addresses: who connects and claims an ID is that peer.
PEERS: Mapping[int, str] = {1: "peer-1:1", 2: "peer-2:2", 3: "peer-3:3"}

# The ID of the server in the configurations of those who connect to it here: nobody's own ID.
CALLED = 900


@asynccontextmanager
async def running(service: gorums.Service | None = None, **options: Any) -> AsyncIterator[gorums.Server]:
    """A started server."""
    server = gorums.Server(service, **options)
    await within(server.start("127.0.0.1:0"))
    try:
        yield server
    finally:
        if isinstance(service, ScriptedCalls):
            service.open_all()
        await within(server.stop())


@asynccontextmanager
async def dialled(
    server: gorums.Server, own: gorums.Server | None = None, **options: Any
) -> AsyncIterator[gorums.Configuration]:
    """A connection to `server`, over which `own`, if there is one, answers calls back and gives its node ID."""
    assert server.address is not None
    config = gorums.connect({CALLED: server.address}, server=own, **{"backoff": QUICK, **options})
    try:
        await config.wait_connected(timeout=10)
        yield config
    finally:
        await within(config.close())
        if own is not None:
            await within(own.stop())


@asynccontextmanager
async def peer(
    server: gorums.Server, node_id: int = 0, service: gorums.Service | None = None, **options: Any
) -> AsyncIterator[gorums.Configuration]:
    """A connection under a node ID, 0 for a client that serves calls, which `server` has noticed."""
    before = server.client_config().node_ids
    async with dialled(server, gorums.Server(service, node_id=node_id), **options) as config:
        if node_id:
            await until(lambda: node_id in server.config(), f"peer {node_id} in {server.config()}")
        else:
            await until(lambda: set(server.client_config().node_ids) - set(before), "a client")
        yield config


async def config_is(server: gorums.Server | gorums.System, *node_ids: int) -> None:
    """Waits until the known peers that are connected are these."""
    await until(lambda: server.config().node_ids == node_ids, f"{server.config()} to be {node_ids}")


async def clients_are(server: gorums.Server | gorums.System, *node_ids: int) -> None:
    """Waits until the clients that serve calls are these."""
    await until(lambda: server.client_config().node_ids == node_ids, f"{server.client_config()} to be {node_ids}")


def recorder(changes: list[tuple[int, ...]]) -> Callable[[gorums.Configuration], None]:
    """An `on_config_change` that notes the IDs."""
    return lambda config: changes.append(config.node_ids)
