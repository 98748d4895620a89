"""The futures of the blocking facade.

A program may have thousands of calls in flight. What each of them is made of then costs more than what is done with
it, for the garbage collector goes through all of it again and again.
"""
# ruff: noqa: D102 - methods without a docstring are as Resolvable says

from __future__ import annotations

from _thread import RLock  # the class, which `threading` does not export
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextvars import copy_context
from functools import partial
from threading import Condition
from typing import Any, TypeVar

from pygorums.serving.surroundings import call_apart
from pygorums.sync.exiting import is_exiting

__all__ = ["CallFuture"]

T = TypeVar("T")


class _LightCondition(RLock):  # type: ignore[misc] # at run time it is not final
    """The lock of a future, with what futures use of a `Condition`; that is eight objects, made when somebody blocks.

    An interrupt cannot leave it locked. A `Condition` takes its lock in a function written in Python: interrupted just
    after that, it never releases it, and the event loop, which resolves the future, waits for ever.
    """

    _blocked_on: Condition | None = None

    # As with a `Condition`, the lock is held when these are called.

    def wait(self, timeout: float | None = None) -> bool:
        if self._blocked_on is None:
            self._blocked_on = Condition(self)
        return self._blocked_on.wait(timeout)

    def notify_all(self) -> None:
        blocked_on, self._blocked_on = self._blocked_on, None  # or the two would keep each other alive
        if blocked_on is not None:
            blocked_on.notify_all()


_new: Future[Any] = Future()
_PENDING = vars(_new)

_IS_KNOWN = _PENDING.keys() == {"_condition", "_state", "_result", "_exception", "_waiters", "_done_callbacks"}
"""Whether a future has the attributes that it has in Python 3.11 to 3.14. Otherwise ours leave them alone."""


class CallFuture(Future[T]):
    """The outcome of a call as a `concurrent.futures.Future`. Cancelling it makes the call forgotten."""

    # Defaults of the class: setting them for each future would cost more.
    _call: Any = None
    """What is given up when it is cancelled. None once it is over, or the two would keep each other alive."""

    _forgotten = False

    def __init__(self) -> None:
        if not _IS_KNOWN:
            super().__init__()
            return
        self._condition = _LightCondition()  # type: ignore[assignment] # it is enough of one
        self._state = _PENDING["_state"]
        self._result = None
        self._exception = None
        self._waiters = []
        self._done_callbacks: list[Any] = []

    def _forget(self) -> None:
        """Forget the call. Called once when it is cancelled, in the thread that does it."""
        raise NotImplementedError

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """Have a function called with the future when the call is over, in the context of who asks for it.

        It is called in the event loop's thread, which must not be blocked, or at once if the call is over already.
        """
        super().add_done_callback(partial(call_apart, copy_context(), fn))

    def cancel(self) -> bool:
        """Give the call up. False if it was over already."""
        if not super().cancel():
            return False
        with self._condition:  # several threads may come here, now or later
            forgotten, self._forgotten = self._forgotten, True
        if not forgotten:
            self.set_running_or_notify_cancel()  # who waits for several futures is only told by this
            self._forget()
        return True

    def set_result(self, result: T) -> None:
        if is_exiting():
            return  # as for `Waiter`
        try:
            Future.set_result(self, result)  # `super` would cost more
        except InvalidStateError:
            return  # cancelled at this very moment
        self._call = None

    def set_exception(self, exception: BaseException | None) -> None:
        if is_exiting():
            return  # same
        try:
            Future.set_exception(self, exception)
        except InvalidStateError:
            return  # same
        self._call = None
