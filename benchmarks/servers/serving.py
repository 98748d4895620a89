"""A process that is a benchmark server, or several."""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress

import pygorums as gorums
from benchmarks.program import StartError
from benchmarks.servers.baselines import UNLIMITED, serve_baselines
from benchmarks.servers.service import BenchmarkImpl, ExtrasImpl
from benchmarks.transports import transport_arguments

__all__ = ["ANNOUNCEMENT", "serve", "serve_until_input_ends", "serve_until_signal"]

ANNOUNCEMENT = "Started benchmark server on"
"""What a server prints before its address, once it listens."""


async def serve(addresses: Sequence[str], transport: str, stopped: asyncio.Event) -> None:
    """Run servers on a transport until told to stop, and print a line for each once it listens.

    Raises:
        StartError: An address cannot be listened on.
    """
    async with AsyncExitStack() as stack:
        for address in addresses:
            service, extras = BenchmarkImpl(), ExtrasImpl()
            server = gorums.Server((service, extras), options=UNLIMITED, **transport_arguments(transport))
            await stack.enter_async_context(server)
            try:
                bound = await server.start(address)
            except gorums.ConfigurationError as error:
                raise StartError(str(error)) from None
            except OSError as error:
                raise StartError(error.strerror or str(error)) from None
            host = bound.rpartition(":")[0]
            extras.served = await stack.enter_async_context(serve_baselines(host, service))
            print(ANNOUNCEMENT, bound, flush=True)
        await stopped.wait()


async def serve_until_signal(address: str, transport: str) -> None:
    """Run a server until Ctrl-C or SIGTERM.

    Raises:
        StartError: The address cannot be listened on.
    """
    stopped = asyncio.Event()
    with _signals(stopped.set):
        await serve([address], transport, stopped)


async def serve_until_input_ends(count: int, transport: str) -> None:
    """Run servers on free local ports until standard input is closed, so that they cannot outlive who started them."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), stopped.set)
    try:
        await serve(["127.0.0.1:0"] * count, transport, stopped)
    finally:
        loop.remove_reader(sys.stdin.fileno())


@contextmanager
def _signals(callback: Callable[[], None]) -> Iterator[None]:
    """Have the loop call `callback` for Ctrl-C and SIGTERM, where it can."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    with suppress(NotImplementedError):
        for number in numbers:
            loop.add_signal_handler(number, callback)
    try:
        yield
    finally:
        with suppress(NotImplementedError):
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                # The loop would put Python's default there, and not asyncio.run's own handler of Ctrl-C.
                signal.signal(number, handler)
