"""Calls in threads that coroutines wait for, at the cost of the way there and back.

How it works. A thread that has done a call puts it with the others that are done, and wakes the event loop unless that
has been told already. There each is finished: its task goes on at once, in the same turn, and what it then writes
leaves with what the others write.

`asyncio.wrap_future` would do it in three turns more, by way of two futures, each with callbacks of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from contextlib import suppress
from contextvars import Context
from typing import Any, Generic, TypeVar

from pygorums.tasks.turns import together

__all__ = ["Finished", "ThreadCall"]

T = TypeVar("T")


class Finished:
    """Calls that threads have done, on their way back to the event loop.

    Attributes:
        loop: The event loop.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._calls: deque[ThreadCall[Any]] = deque()
        self._told = False  # whether the event loop will look

    def put(self, call: ThreadCall[Any]) -> None:
        """A call is done. Called in any thread."""
        self._calls.append(call)
        if not self._told:
            self._told = True
            with suppress(RuntimeError):  # the event loop has ended
                self.loop.call_soon_threadsafe(together, self._take)

    def _take(self) -> None:
        self._told = False  # before looking: what comes later is told anew
        calls = self._calls
        try:
            while calls:
                calls.popleft().finish()
        finally:
            if calls:  # a task was interrupted
                self.loop.call_soon(together, self._take)


class ThreadCall(Generic[T]):
    """A function to be called in a thread, and to be awaited once, by a task of the event loop.

    It is what tasks take for a future. To cancel the task ends the waiting at once; a thread that has begun goes on.

    Args:
        finished: Where to put this when it is done.
        function: What to call, with its arguments.
        free: Called in the thread when it has nothing more to do for this.

    Attributes:
        when_done: Called in the event loop once the thread is done, if that was not so before.
    """

    _asyncio_future_blocking = False  # by this a task sees that it may wait for it
    _cancelled = False
    _context: Context | None = None
    _wake: Callable[[Any], object] | None = None
    _error: BaseException | None = None
    _result: Any = None
    when_done: Callable[[], None] | None = None

    def __init__(
        self,
        finished: Finished,
        function: tuple[Callable[..., T], *tuple[Any, ...]],
        free: Callable[[], None],
    ) -> None:
        # Whoever takes it out has it: the thread, to do it, or who cancels it before that.
        self._function = [function]
        self._free = free
        self._finished = finished
        self._done = False

    def work(self) -> None:
        """Called in the thread."""
        try:
            function, *args = self._function.pop()
        except IndexError:  # it was cancelled before
            self._free()
            return
        try:
            self._result = function(*args)
        except BaseException as error:
            self._error = error
        del function, args
        self._free()
        self._done = True
        self._finished.put(self)

    def finish(self) -> None:
        """Called in the event loop when the thread is done."""
        wake, self._wake = self._wake, None
        if wake is not None and not self._cancelled:
            assert self._context is not None
            self._context.run(wake, self)
        if self.when_done is not None:
            self.when_done()

    def done(self) -> bool:
        """Whether no thread does anything for this, now or later."""
        return self._done

    def __await__(self) -> Generator[Any, None, T]:
        self._asyncio_future_blocking = True
        yield self
        return self.result()

    # What a task needs of a future:

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The event loop."""
        return self._finished.loop

    def add_done_callback(self, wake: Callable[[Any], object], *, context: Context) -> None:
        """A task waits for this."""
        self._wake = wake
        self._context = context

    def cancel(self, msg: str | None = None) -> bool:  # noqa: ARG002 - the task raises it
        """The task does not wait any more."""
        if self._cancelled:
            return False
        self._cancelled = True
        with suppress(IndexError):
            self._function.pop()
            self._done = True
        wake, self._wake = self._wake, None
        if wake is not None:
            self._finished.loop.call_soon(wake, self, context=self._context)
        return True

    def result(self) -> T:
        """What the function has returned.

        Raises:
            asyncio.CancelledError: The task was cancelled.
            BaseException: What the function raised.
        """
        if self._cancelled:
            raise asyncio.CancelledError
        error, self._error = self._error, None
        if error is None:
            result: T = self._result
            return result
        try:
            raise error
        finally:
            del error  # or it would keep itself alive
