"""Serving until a signal says that it is enough, in the blocking world."""

from __future__ import annotations

from collections.abc import Callable

from pygorums.serving.until_signal import check_target, refuse_stopped, stopped_by_signals
from pygorums.sync.loop_thread import loop_thread
from pygorums.sync.server import Server, System

__all__ = ["run"]


def run(
    target: Server | System,
    address: str | None = None,
    grace: float = 5.0,
    on_start: Callable[[str], object] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM comes, let what was received be answered, and return: as `pygorums.run`."""
    check_target(target, (Server, System), "pygorums.sync")
    thread = loop_thread()
    signalled = False

    def stop(seconds: float) -> None:
        nonlocal signalled
        signalled = True
        thread.submit(lambda: thread.loop.create_task(target.asynchronous.stop(seconds)))

    with stopped_by_signals(stop, grace):
        try:
            try:
                bound = _started(target, address)
            except RuntimeError:
                if signalled:  # it was stopped while it started
                    return
                raise
            if on_start is not None:
                on_start(bound)
            target.wait()
        finally:
            target.stop()


def _started(target: Server | System, address: str | None) -> str:
    refuse_stopped(target.asynchronous)
    if target.asynchronous.was_started:
        return target.address
    if isinstance(target, Server):
        return target.start(address)
    target.asynchronous.check_address(address)
    return target.start()
