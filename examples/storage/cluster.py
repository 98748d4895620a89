"""A cluster of servers, each in a process of its own."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from examples.storage.arguments import PROGRAM
from examples.storage.output import show, show_aside
from examples.storage.program import StartError
from examples.storage.signals import on_signals

__all__ = ["run_cluster"]

STOP_LIMIT = 5.0
"""Seconds that a server gets to end when the cluster is stopped."""

# What the end of a terminal sends; Windows has none.
TERMINAL_CLOSED = getattr(signal, "SIGHUP", signal.SIGTERM)


async def run_cluster(addresses: Sequence[str], interceptors: Sequence[str] = ()) -> None:
    """Start a server for each address, and stop them all on Ctrl-C or SIGTERM. A server that ends is not replaced.

    Args:
        addresses: Where the servers listen. Each has the others as peers.
        interceptors: Names of interceptors, for all of them.

    Raises:
        StartError: All servers have ended by themselves; each has said why.
    """
    stopped = asyncio.Event()
    with on_signals(stopped.set, signal.SIGINT, signal.SIGTERM, TERMINAL_CLOSED):
        show(f"To connect: {PROGRAM} --addrs {','.join(addresses)}")
        options = ["--addrs", ",".join(addresses), "--interceptors", ",".join(interceptors)]
        await asyncio.gather(*(_run_server(address, options, stopped) for address in addresses))
    if not stopped.is_set():
        raise StartError("all servers of the cluster have ended")


async def _run_server(address: str, options: Sequence[str], stopped: asyncio.Event) -> None:
    # In a process group of its own, for a Ctrl-C is for us, who stop it in a way that it is always ready for.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "examples.storage", "--serve", address, *options),
        stdin=asyncio.subprocess.DEVNULL,
        process_group=0,
    )
    end_wait = asyncio.create_task(process.wait())
    stop_wait = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait([end_wait, stop_wait], return_when=asyncio.FIRST_COMPLETED)
        if not stopped.is_set():
            show_aside(f"the server on {address} has ended with status {process.returncode}")
    finally:
        stop_wait.cancel()
        await _stop(process, end_wait)


async def _stop(process: asyncio.subprocess.Process, end_wait: asyncio.Task[int]) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_LIMIT):
            await end_wait
    except TimeoutError:
        process.kill()
        await process.wait()
