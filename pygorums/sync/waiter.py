"""What a thread waits for while the event loop works."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Generic, TypeVar, cast

from pygorums.calls.future import FutureCall

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
        self._done = True
        self._lock.release()

    def set_exception(self, error: BaseException) -> None:
        """It has failed."""
        self._error = error
        self._done = True
        self._lock.release()

    def take(self, task: asyncio.Future[T]) -> None:
        """Take the outcome of a task."""
        if task.cancelled():
            self.set_exception(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self.set_exception(error)
        else:
            self.set_result(task.result())

    def wait(self, give_up: Callable[[], object] | None = None) -> T:
        """Wait for the outcome, in the thread that made this.

        Args:
            give_up: Called if the wait is interrupted, as by Ctrl-C, before the interrupt goes on.
        """
        try:
            self._lock.acquire()
        except BaseException:
            if give_up is not None:
                give_up()
            raise
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # or the error and its traceback would keep each other alive
        return cast("T", self._result)


class CallFuture(Future[T]):
    """The outcome of a call as a `concurrent.futures.Future`. Cancelling it makes the call forgotten."""

    def __init__(self, loop: asyncio.AbstractEventLoop, submit: Callable[[Callable[[], object]], None]) -> None:
        super().__init__()
        self._call_loop = loop
        self._submit = submit
        self.call: FutureCall[T] | asyncio.Future[T] | None = None

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that works for it."""
        return self._call_loop

    def cancel(self) -> bool:
        """Give the call up. False if it was over already."""
        if not super().cancel():
            return False
        self._submit(self._give_up)
        return True

    def _give_up(self) -> None:
        if isinstance(self.call, FutureCall):
            self.call.give_up()
        elif self.call is not None:
            self.call.cancel()

    def set_result(self, result: T) -> None:
        """It has succeeded."""
        with suppress(InvalidStateError):  # cancelled at this very moment
            super().set_result(result)

    def set_exception(self, exception: BaseException | None) -> None:
        """It has failed."""
        with suppress(InvalidStateError):  # same
            super().set_exception(exception)
