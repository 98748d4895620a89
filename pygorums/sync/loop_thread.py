"""The one thread of a process that runs the event loop of the blocking facade."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any, NoReturn, TypeVar
from weakref import WeakKeyDictionary

from pygorums.calls.active_call import ActiveCall
from pygorums.sync.exiting import begin_exit, is_exiting, refuse_work
from pygorums.sync.waiter import Waiter

__all__ = ["LoopThread", "loop_thread"]

T = TypeVar("T")

EXIT_GRACE = 2.0
"""Seconds that open connections and servers get to close when the interpreter exits."""


class LoopThread:
    """An event loop in a daemon thread, and ways to have it do something from other threads.

    What one thread submits runs in the order in which it was submitted.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.loop = asyncio.new_event_loop()
        self._open: WeakKeyDictionary[Any, Callable[[Any], Coroutine[Any, Any, None]]] = WeakKeyDictionary()
        self._submitted: deque[tuple[Context, Callable[[], object]]] = deque()
        self._context = Context()  # of nobody
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
            RuntimeError: In a running event loop, in a process that was forked off, or while the interpreter exits.
        """
        if asyncio._get_running_loop() is not None:
            self._refuse_loop()
        if os.getpid() != self.pid:
            raise RuntimeError(
                "this process was forked after pygorums.sync was used, which gRPC does not survive: start processes "
                "with the 'spawn' method, or connect only in the child"
            )
        if is_exiting():
            refuse_work()

    def _refuse_loop(self) -> NoReturn:
        if asyncio._get_running_loop() is self.loop:
            if threading.current_thread() is not self._thread:
                raise RuntimeError(
                    "the threads of this program are greenlets in one thread, as gevent and eventlet make them, so "
                    "that a blocking call would stop the event loop that it waits for: leave threads as they are, with "
                    "gevent.monkey.patch_all(thread=False, select=False, queue=False)"
                )
            raise RuntimeError(
                "this runs in the event loop's thread of pygorums.sync, which must not block: make blocking calls in "
                "a plain `def` handler, which has a thread of its own, or hand on to another thread; asynchronous "
                "handlers and interceptors of servers and their callbacks run here"
            )
        raise RuntimeError(
            "pygorums.sync would block the running event loop: use the asyncio API of pygorums here, "
            "or call from another thread, as with asyncio.to_thread"
        )

    def submit(self, task: Callable[[], object]) -> None:
        """Have a function called on the loop, in the caller's context. Wakes the loop once for many; never waits."""
        self._submitted.append((copy_context(), task))
        if not self._scheduled:
            try:
                self._wake()
            except BaseException:
                # An interrupt, at any point of it: without a second time later tasks might wait for ever.
                self._wake()
                raise

    def _wake(self) -> None:
        self._scheduled = True
        # Not in a process that was forked off, whose loop shares its file descriptors with ours.
        if os.getpid() == self.pid:
            with suppress(RuntimeError):  # closed: the interpreter exits
                self.loop.call_soon_threadsafe(self._call_submitted, context=self._context)

    def _call_submitted(self) -> None:
        self._scheduled = False
        submitted = self._submitted
        while submitted:
            context, task = submitted.popleft()
            try:
                context.run(task)
            except Exception as error:
                self.loop.call_exception_handler({"message": "a task of pygorums.sync failed", "exception": error})

    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call a function on the loop and wait for its result."""
        self.check()
        waiter: Waiter[T] = Waiter(self.loop)

        def task() -> None:
            try:
                result = function(*args, **kwargs)
            except Exception as error:
                waiter.set_exception(error)
            else:
                waiter.set_result(result)

        return waiter.wait(lambda: self.submit(task), lambda: None)

    def run(
        self,
        function: Callable[..., Coroutine[Any, Any, T]],
        *args: Any,
        give_up: Callable[[], object] = lambda: None,
    ) -> T:
        """Run a coroutine function on the loop and wait for its result.

        An interrupt cancels it, and `give_up` is called on the loop, for what must be over at once.
        """
        self.check()
        waiter: Waiter[T] = Waiter(self.loop)
        tasks: list[asyncio.Task[T]] = []

        def start() -> None:
            task = self.loop.create_task(function(*args))
            tasks.append(task)
            task.add_done_callback(waiter.take)

        def cancel() -> None:
            give_up()
            for task in tasks:
                task.cancel()

        return waiter.wait(lambda: self.submit(start), lambda: self.submit(cancel))

    def send(self, send: Callable[[Waiter[T]], ActiveCall[T]]) -> T:
        """Send a call and wait for its outcome. An interrupt makes it forgotten.

        Args:
            send: Sends it, on the loop.
        """
        waiter: Waiter[T] = Waiter(self.loop)
        calls: list[ActiveCall[T]] = []

        def start() -> None:
            try:
                calls.append(send(waiter))
            except Exception as error:
                waiter.set_exception(error)

        def give_up() -> None:
            for call in calls:
                call.give_up()

        return waiter.wait(lambda: self.submit(start), lambda: self.submit(give_up))

    def finish(self, function: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> None:
        """As `run`, for what closes something: when the interpreter exits everything is closed anyway."""
        if not (is_exiting() and os.getpid() == self.pid):
            self.run(function, *args)

    def close_at_exit(self, target: T, close: Callable[[T], Coroutine[Any, Any, None]]) -> None:
        """Have a pool, a server or a system closed when the interpreter exits, if it is still there by then."""
        self._open[target] = close

    def _shut_down(self) -> None:
        if os.getpid() != self.pid or not self._thread.is_alive():
            return
        begin_exit()

        async def close_all() -> None:
            with suppress(Exception):
                async with asyncio.timeout(EXIT_GRACE):
                    closing = [close(target) for target, close in list(self._open.items())]
                    await asyncio.gather(*closing, return_exceptions=True)
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            if others:
                await asyncio.wait(others, timeout=EXIT_GRACE / 4)

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
        RuntimeError: As `LoopThread.check`.
    """
    global _instance
    if _instance is None:  # a lock that a fork has copied while it was held is not even looked at
        with _lock:
            if _instance is None:
                _instance = LoopThread()
    _instance.check()
    return _instance
