"""What a thread waits for while the event loop works."""
# ruff: noqa: D102 - methods without a docstring are as Resolvable says

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from pygorums.sync.exiting import is_exiting

__all__ = ["Waiter"]

T = TypeVar("T")


class Waiter(Generic[T]):
    """One outcome, for one thread that waits for it. Lighter than a future: it is a lock and two fields."""

    __slots__ = ("_done", "_error", "_lock", "_loop", "_result")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._lock.acquire()
        self._done = False
        self._result: T | None = None
        self._error: BaseException | None = None

    def done(self) -> bool:
        return self._done

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def set_result(self, result: T) -> None:
        self._result = result
        self._finish()

    def set_exception(self, error: BaseException) -> None:
        self._error = error
        self._finish()

    def _finish(self) -> None:
        self._done = True
        if not is_exiting():  # then only daemon threads are left, which would only complain of what is closed
            self._lock.release()

    def take(self, task: asyncio.Future[T]) -> None:
        """Take the outcome of a task."""
        if task.cancelled():
            self.set_exception(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self.set_exception(error)
        else:
            self.set_result(task.result())

    def wait(self, start: Callable[[], object], give_up: Callable[[], object]) -> T:
        """Have the work started, and wait for its outcome, in the thread that made this.

        Args:
            start: Called first.
            give_up: Called if the wait is interrupted, as by Ctrl-C, before the interrupt goes on. The interrupt may
                have come before the work was started.
        """
        try:
            start()
            if sys.platform == "win32":
                while not self._lock.acquire(timeout=0.1):  # nothing else lets Ctrl-C through there
                    pass
            else:
                self._lock.acquire()
        except BaseException:
            give_up()
            raise
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # or the error and its traceback would keep each other alive
        return cast("T", self._result)
