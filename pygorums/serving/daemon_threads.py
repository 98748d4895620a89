"""Threads that do not keep the interpreter from exiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import ParamSpec, TypeVar

import grpc

from pygorums.base.errors import StatusError

__all__ = ["DaemonThreads", "NoThreadError", "no_thread"]

P = ParamSpec("P")
T = TypeVar("T")

_Task = Callable[[], None]

NO_THREAD_DELAY = 1.0
"""Seconds until a caller is told that no thread can be started.

From Python 3.12 on that is so once the main thread has ended. Most likely the whole process is gone a moment later, and
whoever is told before has no other use for it than to print a traceback. It is different if the interpreter still
waits for a thread that is no daemon.
"""


class NoThreadError(RuntimeError):
    """No thread can be started: the interpreter exits, or the system has no more."""


async def no_thread(error: NoThreadError) -> StatusError:
    """What a handler is told for which no thread can be started, after a while."""
    await asyncio.sleep(NO_THREAD_DELAY)
    return StatusError(grpc.StatusCode.UNAVAILABLE, str(error))


class DaemonThreads(Executor):
    """An executor like `concurrent.futures.ThreadPoolExecutor`, whose threads are daemons.

    The interpreter waits for the threads of that one before anything of ours is told that it exits, and so for ever
    if a call or a handler blocks one of them.

    Args:
        limit: How many threads at the most; further tasks wait. Threads are made as needed and kept.
        name: What the threads' names start with.
    """

    def __init__(self, limit: int, name: str) -> None:
        self._limit = limit
        self._name = name
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._idle = 0  # how many threads will take what comes next
        self._lock = threading.Lock()
        self._started = 0
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a function called in a thread; the future of its result.

        Raises:
            RuntimeError: After `shutdown`.
            NoThreadError: A further thread is needed, and none can be started.
        """
        future: Future[T] = Future()

        def task() -> None:
            if not future.set_running_or_notify_cancel():
                self.free()
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                self.free()
                future.set_exception(error)
            else:
                self.free()
                future.set_result(result)

        self.give(task)
        return future

    def give(self, task: Callable[[], None]) -> None:
        """Have a task done in a thread; as `submit`, for those who need no future.

        Args:
            task: It does not raise, and calls `free` before anybody learns that it is done.

        Raises:
            RuntimeError, NoThreadError: As `submit`.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("these threads have been shut down")
            if self._idle:
                self._idle -= 1
            elif self._started < self._limit:
                self._start_thread()
            self._tasks.put(task)

    def free(self) -> None:
        """Count this thread as idle: whoever learns what its task has given may have something else to do for it."""
        with self._lock:
            self._idle += 1

    async def run(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Have a function called in a thread, and wait for its result.

        Raises:
            RuntimeError: After `shutdown`.
            StatusError: No thread can be started: UNAVAILABLE, after `NO_THREAD_DELAY` seconds.
        """
        try:
            call = self.submit(fn, *args, **kwargs)
        except NoThreadError as error:
            raise await no_thread(error) from None
        return await asyncio.wrap_future(call)

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=f"{self._name}-{self._started + 1}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise NoThreadError(f"no thread can be started: {error}") from error
        self._started += 1

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()
            del task  # it holds on to what it was given
        self._tasks.put(None)  # for the next thread

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - Executor's
        """Let the threads end once they are idle. Never waits for them: they may be blocked for good.

        Args:
            wait: Ignored.
            cancel_futures: Whether what has not begun never will.
        """
        with self._lock:
            self._closed = True
            if cancel_futures:
                with suppress(Empty):
                    while True:
                        self._tasks.get_nowait()
            self._tasks.put(None)
