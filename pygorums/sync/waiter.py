"""What a thread waits for while the event loop works."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Generic, TypeVar, cast

from pygorums.sync.exiting import is_exiting

__all__ = ["CallFuture", "Waiter"]

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
        """Whether there is an outcome."""
        return self._done

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that works for it."""
        return self._loop

    def set_result(self, result: T) -> None:
        """It has succeeded."""
        self._result = result
        self._finish()

    def set_exception(self, error: BaseException) -> None:
        """It has failed."""
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


class CallFuture(Future[T]):
    """The outcome of a call as a `concurrent.futures.Future`. Cancelling it makes the call forgotten.

    Args:
        loop: The loop that works for it.
        give_up: Called once when it is cancelled, in the thread that does it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, give_up: Callable[[], object]) -> None:
        super().__init__()
        self._call_loop = loop
        self._give_up: Callable[[], object] | None = give_up
        self._cancelling = threading.Lock()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that works for it."""
        return self._call_loop

    def cancel(self) -> bool:
        """Give the call up. False if it was over already."""
        if not super().cancel():
            return False
        with self._cancelling:
            give_up, self._give_up = self._give_up, None
        if give_up is not None:
            self.set_running_or_notify_cancel()  # who waits for several futures is only told by this
            give_up()
        return True

    def set_result(self, result: T) -> None:
        """It has succeeded."""
        if is_exiting():
            return  # as for `Waiter`
        with suppress(InvalidStateError):  # cancelled at this very moment
            super().set_result(result)
            self._give_up = None  # or the call and its future would keep each other alive

    def set_exception(self, exception: BaseException | None) -> None:
        """It has failed."""
        if is_exiting():
            return  # same
        with suppress(InvalidStateError):  # same
            super().set_exception(exception)
            self._give_up = None  # same
