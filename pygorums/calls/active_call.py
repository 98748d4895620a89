"""Calls whose outcome is one future."""

from __future__ import annotations

import asyncio
from typing import Generic, Protocol, TypeVar

from pygorums.base.observing import CallObservation, observer_failed

__all__ = ["ActiveCall", "CallFuture", "Resolvable"]

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Resolvable(Protocol[T_contra]):
    """What a call needs of the future that it resolves: `asyncio.Future` has it, and what threads wait for."""

    def done(self) -> bool:
        """Whether it is resolved or cancelled."""

    def set_result(self, result: T_contra, /) -> None:
        """The call has succeeded."""

    def set_exception(self, error: Exception, /) -> None:
        """The call has failed."""

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the call belongs to."""


class CallFuture(asyncio.Future[T]):
    """The outcome of a call. Cancelling it makes the call forgotten at once, at every node."""

    __slots__ = ("call",)  # set by the call
    call: ActiveCall[T] | None

    def cancel(self, msg: str | None = None) -> bool:
        """Give the call up. False if it was over already."""
        if self.done():
            return False
        call = getattr(self, "call", None)
        if call is not None:
            call.give_up()
        return super().cancel(msg)


class ActiveCall(Generic[T]):
    """A call under way, seen by the streams that carry it, whose outcome resolves one future.

    Attributes:
        frame: The encoded request, shared by all nodes; until it is encoded, what observers add to its metadata.
        future: The outcome. With a plain future it is for whoever awaits it to `give_up`.
        decided: Whether the future is resolved, so that nobody waits for further replies.
        observed: Who is told of its end.
        sent_at: When the request was queued, in seconds of the event loop's clock.
        streaming: Whether a node may reply more than once.
        one_way: Whether it wants to be told when its request is sent.
        withdrawn: Whether it was given up, or its time was up, so that it need not be sent any more.
    """

    __slots__ = ("_timer", "decided", "frame", "future", "observed", "sent_at", "timeout", "withdrawn")
    streaming = False
    one_way = False

    def __init__(self, future: Resolvable[T], timeout: float | None) -> None:
        self.future = future
        self.frame = b""
        self.decided = False
        self.withdrawn = False
        self.observed: CallObservation | None = None
        self.timeout = timeout
        loop = future.get_loop()
        self.sent_at = loop.time()
        self._timer = None if timeout is None else loop.call_later(max(timeout, 0), self.expire)
        if isinstance(future, CallFuture):
            future.call = self

    def succeed(self, result: T) -> None:
        """Resolve the future."""
        self.decided = True  # as `_finish`, which would be one more call
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        future = self.future
        if isinstance(future, CallFuture):
            future.call = None
        observed = self.observed
        if observed is not None:
            self.observed = None
            try:
                observed.ended(future.get_loop().time() - self.sent_at, None)
            except Exception:
                observer_failed()
        if not future.done():
            future.set_result(result)

    def lose(self, error: Exception) -> None:
        """Fail the future."""
        self._finish(error)
        if not self.future.done():
            self.future.set_exception(error)

    def give_up(self) -> None:
        """Forget the call: nobody wants its outcome any more."""
        if not self.decided:
            self._finish(asyncio.CancelledError())
            self.withdrawn = True
            self.forget()

    def expire(self, timeout: float | None = None) -> None:
        """The time is up, after its own timeout or another one."""
        if not self.decided:
            self.timeout = timeout or self.timeout
            self.withdrawn = True
            self.lose(self.timeout_error())

    def _finish(self, error: BaseException | None) -> None:
        self.decided = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if isinstance(self.future, CallFuture):
            self.future.call = None  # or the two would keep each other alive
        if self.observed is not None:
            self._tell(error)

    def _tell(self, error: BaseException | None) -> None:
        observed, self.observed = self.observed, None
        if observed is not None:
            try:
                observed.ended(self.future.get_loop().time() - self.sent_at, error)
            except Exception:
                observer_failed()

    def sent(self, node_id: int) -> None:
        """A node's request was sent; calls with replies wait for those instead."""

    def forget(self) -> None:
        """Tell all nodes' streams that no reply is expected any more."""
        raise NotImplementedError

    def timeout_error(self) -> Exception:
        """Forget the call and tell what it fails with because the time is up."""
        raise NotImplementedError
