"""Finds what a test left behind: tasks, threads, and errors that only asyncio's log has seen."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterable

# A task or thread that is about to end when a test does gets this many seconds for it.
SETTLE = 5.0

# Threads that may outlive a test, by name, with the reason.
PROCESS_WIDE_THREADS = {
    # grpc.aio has one completion-queue poller per process, started by its first channel or server and
    # ended when the last one is collected. (The threads of grpc's event engine are not Python threads
    # and do not show up in threading.enumerate().)
    "(_poll_wrapper)",
    # In these an event loop looks up names; they end with it.
    "asyncio_",
    # The blocking facade has one event loop thread per process, which serves every later call.
    "pygorums-sync",
    # Its calls with interceptors whose caller goes on meanwhile are read in threads that are kept for later ones.
    "pygorums-sync-reader",
}


async def wait_for_tasks(tasks: Iterable[asyncio.Task[object]]) -> set[asyncio.Task[object]]:
    """Gives `tasks` a moment to end and returns those that did not."""
    left = set(tasks)
    if left:
        _, left = await asyncio.wait(left, timeout=SETTLE)
    return left


def wait_for_threads(threads: Iterable[threading.Thread]) -> list[threading.Thread]:
    """Gives `threads` a moment to end and returns those that did not and are not process-wide."""
    end = time.monotonic() + SETTLE
    left = []
    for thread in threads:
        if isinstance(thread, threading._DummyThread):
            continue  # a native thread that once called Python: not started by Python, cannot be joined
        if any(name in thread.name for name in PROCESS_WIDE_THREADS):
            continue
        thread.join(max(0.0, end - time.monotonic()))
        if thread.is_alive():
            left.append(thread)
    return left


class AsyncioErrors(logging.Handler):
    """Collects what asyncio logs as an error: exceptions never retrieved, callbacks that raised."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._messages: list[str] = []
        self.setFormatter(logging.Formatter())

    def attach(self) -> None:
        """Starts to listen."""
        logging.getLogger("asyncio").addHandler(self)

    def detach(self) -> None:
        """Stops listening."""
        logging.getLogger("asyncio").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the record's text, with its traceback."""
        self._messages.append(self.format(record))

    def take(self) -> list[str]:
        """Returns what has come since the last time and forgets it."""
        messages, self._messages = self._messages, []
        return messages
