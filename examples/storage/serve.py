"""A process that is one server."""

import asyncio
import signal

import pygorums as gorums
from examples.storage.output import show
from examples.storage.program import StartError
from examples.storage.server import StorageImpl
from examples.storage.signals import on_signals

__all__ = ["serve"]

GRACE = 1.0
"""Seconds that requests under way get when the server is stopped."""


async def serve(address: str) -> None:
    """Run a server until Ctrl-C or SIGTERM, and print a line once it listens.

    Raises:
        StartError: It cannot listen on `address`.
    """
    stopped = asyncio.Event()
    with on_signals(stopped.set, signal.SIGINT, signal.SIGTERM):
        async with gorums.Server(StorageImpl()) as server:
            try:
                bound = await server.start(address)
            except gorums.ConfigurationError as error:
                raise StartError(str(error)) from None
            except OSError as error:
                raise StartError(error.strerror or str(error)) from None
            show(f"Started storage server on {bound}")
            await stopped.wait()
            await server.stop(GRACE)
