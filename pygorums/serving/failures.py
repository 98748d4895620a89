"""What becomes of what handlers raise: what the client is told, and what the log."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable
from typing import Any

import grpc

from pygorums.base.errors import StatusError
from pygorums.base.method import Method
from pygorums.base.observers import Observers
from pygorums.base.repeated import FailureLog, Repeated
from pygorums.base.shown import shown
from pygorums.streams.clock import now

__all__ = ["HandlerFailures", "status_within"]

_log = logging.getLogger("pygorums.server")


class HandlerFailures:
    """The failures of the handlers of one server.

    Args:
        hide: Whether clients are told no more of what a handler raises than its type. What a `StatusError` says is
            meant for them, and always sent.
        observers: Who counts requests that are not even handled.
    """

    def __init__(self, *, hide: bool, observers: Observers) -> None:
        self._hide = hide
        self._observers = observers
        self._failures = FailureLog(_log)
        self._repeated = Repeated()

    def status_of(self, method: Method[Any, Any], error: BaseException) -> tuple[grpc.StatusCode, str, Iterable[Any]]:
        """Code, text and details that a client is answered with."""
        error = status_within(error) or _only(error)
        if isinstance(error, StatusError):
            return error.code(), error.message, error.details
        if isinstance(error, NotImplementedError):
            text = "" if self._hide else str(error)
            return grpc.StatusCode.UNIMPLEMENTED, text or f"{method.name} is not implemented", ()
        kind = type(error).__name__
        text = "" if self._hide else str(error)
        if text and isinstance(error, KeyError):  # whose text is the key and nothing else
            text = f"{kind}: {text}"
        return grpc.StatusCode.UNKNOWN, text or kind, ()

    def log(self, method: Method[Any, Any], error: BaseException) -> None:
        """Log what was not meant for the client, or has no client that waits for it."""
        only = _only(error)
        if not isinstance(only, StatusError | NotImplementedError):
            self._failures.tell(f"The handler of {method.name} failed", error, now())
        elif method.one_way:
            text = str(only) if isinstance(only, StatusError) else "it is not implemented"
            self._tell(logging.ERROR, (method.name, text), "The handler of %s failed{}: %s", method.name, text)

    def unserved(self, name: str) -> None:
        """Log that a method was called which no service has: the senders of one-way messages may never hear of it."""
        self.refused(name, grpc.StatusCode.UNIMPLEMENTED)
        name = shown(name, 200)
        text = "%s was called{}, and no service here has it: was the service registered?"
        self._tell(logging.WARNING, name, text, name)

    def refused(self, name: str, code: grpc.StatusCode) -> None:
        """Count a request that no handler gets."""
        if self._observers.counters is not None:
            self._observers.counters.refuse(name, code.name)

    def unreleased(self, method: str) -> None:
        """Log that a handler waits for a nested call and has not released its stream."""
        text = (
            "The handler of %s waits for a nested call{} and has not released its stream: if the called node waits "
            "for this one in the same way, neither goes on. Call ctx.release() before the nested call."
        )
        self._tell(logging.WARNING, ("unreleased", method), text, method)

    def slow(self, method: str, peer: str, seconds: float) -> None:
        """Log that a handler has held its stream for long while requests wait."""
        text = (
            "The handler of %s for %s has held up the requests behind it for %.3g s{}: if they need not wait for "
            "it, call ctx.release()."
        )
        self._tell(logging.WARNING, ("slow", method), text, method, peer, seconds)

    def _tell(self, level: int, what: Hashable, text: str, *args: object) -> None:
        if times := self._repeated.due(what, now()):
            _log.log(level, text.format(f" {times} times more" if times > 1 else ""), *args)

    def unsendable(self, method: Method[Any, Any], error: Exception) -> None:
        """Log that what a handler raised cannot be sent: its text or its details are broken themselves."""
        self._failures.tell(f"What the handler of {method.name} raised cannot be sent", error, now())


def status_within(error: BaseException) -> StatusError | None:
    """The `StatusError` that an exception is, or the only one in a group such as a `TaskGroup` raises, however deep."""
    if isinstance(error, BaseExceptionGroup):
        error = _only(error.split(StatusError)[0] or error)
    return error if isinstance(error, StatusError) else None


def _only(error: BaseException) -> BaseException:
    """The only exception in a group, or in groups within it; anything else is itself."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
