"""Serving until a signal says that it is enough."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pygorums.base.timeout import sending_timeout
from pygorums.serving.server import Server
from pygorums.serving.service import Service
from pygorums.serving.system import System

__all__ = ["check_target", "refuse_stopped", "run", "serve", "stopped_by_signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(
    target: Server | System,
    address: str | None = None,
    grace: float = 5.0,
    on_start: Callable[[str], object] | None = None,
) -> None:
    """Serve until SIGINT (Ctrl-C) or SIGTERM comes, let what was received be answered, and return. Blocks.

    What a server program ends with: ``gorums.run(gorums.Server(Storage()), "127.0.0.1:8080")``. Make the server before,
    outside of an event loop; within one, await `serve`. A second signal ends what the first one lets finish.

    Args:
        target: A `Server` or a `System` that was not started.
        address: ``host:port`` to listen on. None for what `target` was made with, as a `System` always was.
        grace: Seconds that requests get to be handled and answered, as for `Server.stop`.
        on_start: Called with the actual address once it serves.

    Raises:
        OSError, ConfigurationError: As for `Server.start`.
        RuntimeError: An event loop is running, or `target` was stopped before.
        TypeError: `target` is neither, but a service, say.
    """
    if asyncio._get_running_loop() is not None:
        raise RuntimeError("gorums.run cannot be used in a running event loop: await gorums.serve there")
    asyncio.run(serve(target, address, grace, on_start))


async def serve(
    target: Server | System,
    address: str | None = None,
    grace: float = 5.0,
    on_start: Callable[[str], object] | None = None,
) -> None:
    """As `run`, in an event loop that is running. One that was started already goes on until a signal comes.

    In another thread than the main one there are no signals to wait for; it ends with the server. If it is cancelled it
    stops the server at once.

    Raises:
        OSError, ConfigurationError: As for `Server.start`.
        RuntimeError: `target` was stopped before.
        TypeError: `target` is neither a server nor a system.
    """
    check_target(target, (Server, System), "pygorums")
    loop = asyncio.get_running_loop()
    stops: list[asyncio.Task[None]] = []

    def stop(seconds: float) -> None:
        stops.append(loop.create_task(target.stop(seconds)))

    with stopped_by_signals(lambda seconds: loop.call_soon_threadsafe(stop, seconds), grace):
        try:
            try:
                bound = await _started(target, address)
            except RuntimeError:
                if stops:  # it was stopped while it started
                    return
                raise
            if on_start is not None:
                on_start(bound)
            await target.wait()
        finally:
            await target.stop()


async def _started(target: Server | System, address: str | None) -> str:
    refuse_stopped(target)
    if target.was_started:
        return target.address
    if isinstance(target, Server):
        return await target.start(address)
    target.check_address(address)
    return await target.start()


def refuse_stopped(target: Server | System) -> None:
    """Refuse to serve with what has ended already, instead of returning at once."""
    if target.was_stopped:
        kind = type(target).__name__.lower()
        raise RuntimeError(f"the {kind} was stopped before; make a new one to serve again")


def check_target(target: object, kinds: tuple[type, ...], world: str) -> None:
    """Refuse to run anything but a server or a system of one of the two worlds."""
    if not isinstance(target, kinds):
        hint = f"; write {world}.Server(…) around it" if isinstance(target, Service) else ""
        raise TypeError(f"{world} runs a Server or a System of its own, not {target!r}{hint}")


@contextmanager
def stopped_by_signals(stop: Callable[[float], object], grace: float) -> Iterator[None]:
    """Have `stop` called with the grace at the first signal, and with 0 at the second; the third interrupts.

    It is called wherever the main thread is at that moment. A signal that is ignored, as SIGINT is by what a shell runs
    in the background, stays so. In another thread than the main one, nothing is done.
    """
    sending_timeout(grace, "grace")
    count = 0

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as Python calls it
        nonlocal count
        count += 1
        if count > 2:
            raise KeyboardInterrupt
        stop(grace if count == 1 else 0)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    ours = [number for number in _SIGNALS if before[number] not in (signal.SIG_IGN, None)]
    for number in ours:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
