"""A cluster within a process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar, Unpack, cast

from pygorums.serving.service import Service
from pygorums.serving.settings import SystemOptions
from pygorums.serving.system import System
from pygorums.serving.telling import ONLY_GRPC
from pygorums.streams.options import StreamOptions
from pygorums.transports.listener import Listener
from pygorums.transports.making import make_listener

__all__ = ["by_node", "local_systems", "running_cluster"]

T = TypeVar("T")


def local_systems(
    n: int,
    make_service: Callable[[int], Service | Sequence[Service]],
    *,
    settings: Callable[[int], SystemOptions] | None = None,
    **options: Unpack[SystemOptions],
) -> AbstractAsyncContextManager[list[System]]:
    """A cluster of `n` systems in this process on ports of 127.0.0.1 that are free, for tests and examples.

    As an asynchronous context manager it gives the systems, started, with the IDs 1 to `n`, and stops them at the
    end. They are still connecting then: see `System.wait_for_config`. All ports are taken before the first system is
    made, so each knows from the beginning where its peers are.

    Args:
        n: How many systems.
        make_service: Makes the service, or the services, of the node with the given ID.
        settings: Gives further keyword arguments for the `System` with the given ID, over `options`.
        options: Further keyword arguments for each `System`.

    Raises:
        ValueError: `n` is less than 1.
    """
    return running_cluster(make_service, by_node(n, settings, options), lambda system: system)


def by_node(
    n: int, settings: Callable[[int], Mapping[str, Any]] | None, options: Mapping[str, Any]
) -> dict[int, SystemOptions]:
    """The keyword arguments of each of `n` systems.

    Raises:
        ValueError: `n` is less than 1.
    """
    if n < 1:
        raise ValueError(f"a cluster needs at least one system, not {n}")
    return {
        node_id: cast("SystemOptions", {**options, **(settings(node_id) if settings is not None else {})})
        for node_id in range(1, n + 1)
    }


@asynccontextmanager
async def running_cluster(
    make_service: Callable[[int], Service | Sequence[Service]],
    options: Mapping[int, SystemOptions],
    made: Callable[[System], T],
) -> AsyncIterator[list[T]]:
    """Systems with the given options by ID, each as what `made` makes of it before it starts (for `pygorums.sync`)."""
    listening: dict[int, Listener] = {}
    systems: list[System] = []
    try:
        peers = {}
        for node_id, own in options.items():
            credentials = own.get("credentials")
            grpc_options = dict(StreamOptions.of(own.get("options", ())).grpc)
            listener = make_listener(
                own.get("transport"), credentials, grpc_options, ONLY_GRPC if own.get("plain") else ""
            )
            peers[node_id] = listener.bind("127.0.0.1:0", credentials)
            listening[node_id] = listener
        results = []
        for node_id, own in options.items():
            system = System(peers[node_id], make_service(node_id), node_id=node_id, peers=peers, **own)
            system.server.adopt(listening.pop(node_id), peers[node_id])
            systems.append(system)
            results.append(made(system))
        for system in systems:
            await system.start()
        yield results
    finally:
        await asyncio.gather(*(system.stop() for system in systems), *(each.abandon() for each in listening.values()))
