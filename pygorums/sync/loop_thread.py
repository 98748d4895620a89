"""The one thread of a process that runs the event loop of the blocking facade."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

from pygorums.sync.waiter import Waiter

__all__ = ["Closable", "LoopThread", "loop_thread"]

T = TypeVar("T")

EXIT_GRACE = 2.0
"""Seconds that open connections and servers get to close when the interpreter exits."""


class Closable(Protocol):
    """What is closed when the interpreter exits: the pool of a configuration, a server, a system."""

    def close(self) -> Coroutine[Any, Any, None]:
        """Close, on the event loop."""


class LoopThread:
    """An event loop in a daemon thread, and ways to have it do something from other threads.

    What one thread submits runs in the order in which it was submitted.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.loop = asyncio.new_event_loop()
        self.open: WeakSet[Closable] = WeakSet()
        self._submitted: deque[Callable[[], object]] = deque()
        self._scheduled = False
        self._thread = threading.Thread(target=self._run, name="pygorums-sync", daemon=True)
        self._thread.start()
        atexit.register(self._shut_down)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        with suppress(RuntimeError):
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def check(self) -> None:
        """Refuse to block where that would never end.

        Raises:
            RuntimeError: In a running event loop, or in a process that was forked off.
        """
        if asyncio._get_running_loop() is not None:
            raise RuntimeError(
                "pygorums.sync would block the running event loop: use the asyncio API of pygorums here, "
                "or call from another thread, as with asyncio.to_thread"
            )
        if os.getpid() != self.pid:
            raise RuntimeError(
                "this process was forked after pygorums.sync was used, which gRPC does not survive: start processes "
                "with the 'spawn' method, or connect only in the child"
            )

    def submit(self, task: Callable[[], object]) -> None:
        """Have a function called on the loop; it must not raise. Wakes the loop at most once for many."""
        self._submitted.append(task)
        if not self._scheduled:
            self._scheduled = True
            self.loop.call_soon_threadsafe(self._call_submitted)

    def _call_submitted(self) -> None:
        self._scheduled = False
        submitted = self._submitted
        while submitted:
            submitted.popleft()()

    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call a function on the loop and wait for its result."""
        self.check()
        waiter: Waiter[T] = Waiter(self.loop)

        def task() -> None:
            try:
                waiter.set_result(function(*args, **kwargs))
            except Exception as error:
                waiter.set_exception(error)

        self.submit(task)
        return waiter.wait()

    def run(self, function: Callable[..., Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> T:
        """Run a coroutine function on the loop and wait for its result. An interrupt cancels it."""
        self.check()
        waiter: Waiter[T] = Waiter(self.loop)
        tasks: list[asyncio.Task[T]] = []

        def start() -> None:
            task = self.loop.create_task(function(*args, **kwargs))
            tasks.append(task)
            task.add_done_callback(waiter.take)

        self.submit(start)
        return waiter.wait(lambda: self.submit(lambda: tasks[0].cancel()))

    def _shut_down(self) -> None:
        if os.getpid() != self.pid or not self._thread.is_alive():
            return

        async def close_all() -> None:
            with suppress(Exception):
                async with asyncio.timeout(EXIT_GRACE):
                    await asyncio.gather(*(item.close() for item in list(self.open)), return_exceptions=True)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0)

        with suppress(Exception):
            asyncio.run_coroutine_threadsafe(close_all(), self.loop).result(EXIT_GRACE + 1)
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(1)


_lock = threading.Lock()
_instance: LoopThread | None = None


def loop_thread() -> LoopThread:
    """The loop thread of this process, started when it is first needed.

    Raises:
        RuntimeError: In a process that was forked off one that has a loop thread.
    """
    global _instance
    with _lock:
        if _instance is None:
            _instance = LoopThread()
    _instance.check()
    return _instance
