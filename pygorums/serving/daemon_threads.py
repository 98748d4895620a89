"""Threads that do not keep the interpreter from exiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from typing import ParamSpec, TypeVar

__all__ = ["DaemonThreads"]

P = ParamSpec("P")
T = TypeVar("T")

_Task = Callable[[], None]


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
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._started = 0
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a function called in a thread; the future of its result.

        Raises:
            RuntimeError: After `shutdown`.
        """
        future: Future[T] = Future()

        def task() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._lock:
            if self._closed:
                raise RuntimeError("these threads have been shut down")
            self._tasks.put(task)
            if self._started < self._limit and not self._idle.acquire(blocking=False):
                self._started += 1
                threading.Thread(target=self._work, name=f"{self._name}-{self._started}", daemon=True).start()
        return future

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()
            del task  # it holds on to what it was given
            self._idle.release()
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
                self._drop_tasks()
            self._tasks.put(None)

    def _drop_tasks(self) -> None:
        try:
            while True:
                self._tasks.get_nowait()
        except Empty:
            pass
