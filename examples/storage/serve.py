"""A process that is one server."""

import asyncio
import signal
from collections.abc import Sequence

import pygorums as gorums
from examples.storage.output import show, show_aside
from examples.storage.program import StartError
from examples.storage.server import StorageImpl
from examples.storage.signals import on_signals

__all__ = ["serve"]

PATIENCE = 10.0
"""Seconds that a server waits for its peers before it says which are missing."""

GRACE = 1.0
"""Seconds that requests under way get when the server is stopped."""


async def serve(
    address: str,
    addresses: Sequence[str],
    interceptors: Sequence[gorums.ServerInterceptor] = (),
    patience: float = PATIENCE,
) -> None:
    """Run a server until Ctrl-C or SIGTERM, and print a line once it listens and has waited for its peers.

    Args:
        address: Where it listens.
        addresses: All servers of the cluster, spelled alike at each of them; `address` is one. Alone it has no peers.
        interceptors: Wrapped around its handlers.
        patience: Seconds to wait for the peers. Without those that are missing then it serves all the same.

    Raises:
        StartError: It cannot listen on `address`.
    """
    stopped = asyncio.Event()
    with on_signals(stopped.set, signal.SIGINT, signal.SIGTERM):
        if len(addresses) > 1:
            await _serve_with_peers(address, addresses, interceptors, patience, stopped)
        else:
            await _serve_alone(address, interceptors, stopped)


async def _serve_alone(address: str, interceptors: Sequence[gorums.ServerInterceptor], stopped: asyncio.Event) -> None:
    async with gorums.Server(StorageImpl(), interceptors=interceptors) as server:
        try:
            bound = await server.start(address)
        except (gorums.ConfigurationError, OSError) as error:
            raise _start_error(error) from None
        show(f"Started storage server on {bound}")
        await stopped.wait()
        await server.stop(GRACE)


async def _serve_with_peers(
    address: str,
    addresses: Sequence[str],
    interceptors: Sequence[gorums.ServerInterceptor],
    patience: float,
    stopped: asyncio.Event,
) -> None:
    # In the same order at every server, whoever lists itself first: IDs go from one to the other.
    peers = dict(enumerate(sorted(addresses), start=1))
    node_id = next(number for number, each in peers.items() if each == address)
    try:
        system = gorums.System(address, StorageImpl(), node_id=node_id, peers=peers, interceptors=interceptors)
        await system.start()
    except (gorums.ConfigurationError, OSError) as error:
        raise _start_error(error) from None
    show(f"Waiting for {', '.join(each for each in peers.values() if each != address)}")
    peers_wait = asyncio.create_task(_missing_peers(system, peers, patience))
    end_wait = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait([peers_wait, end_wait], return_when=asyncio.FIRST_COMPLETED)
        if not end_wait.done():
            if missing := await peers_wait:
                show_aside(f"not connected after {patience:g} s: {', '.join(missing)}; serving without")
            show(f"Started storage server on {system.address}")
        await end_wait
    finally:
        peers_wait.cancel()
        end_wait.cancel()
        await system.stop(GRACE)


async def _missing_peers(system: gorums.System, peers: dict[int, str], patience: float) -> list[str]:
    """Wait for all peers; the addresses of those that are not connected when the time is up."""
    try:
        await system.wait_for_config(lambda config: len(config) == len(peers), timeout=patience)
    except TimeoutError:
        connected = system.config()
        return [peer for node_id, peer in peers.items() if node_id not in connected]
    return []


def _start_error(error: gorums.ConfigurationError | OSError) -> StartError:
    return StartError((isinstance(error, OSError) and error.strerror) or str(error))
