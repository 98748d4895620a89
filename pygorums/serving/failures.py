"""What becomes of what handlers raise: what the client is told, and what the log."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import grpc

from pygorums.base.errors import StatusError
from pygorums.base.method import Method
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
    """

    def __init__(self, *, hide: bool) -> None:
        self._hide = hide
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
            if times := self._repeated.due((method.name, text), now()):
                _log.error("The handler of %s failed%s: %s", method.name, _count(times), text)

    def unserved(self, name: str) -> None:
        """Log that a method was called which no service has: the senders of one-way messages may never hear of it."""
        name = shown(name, 200)
        if times := self._repeated.due(name, now()):
            text = "%s was called%s, and no service here has it: was the service registered?"
            _log.warning(text, name, _count(times))

    def unreleased(self, method: str) -> None:
        """Log that a handler waits for a nested call and has not released its stream."""
        if times := self._repeated.due(("unreleased", method), now()):
            text = (
                "The handler of %s waits for a nested call%s and has not released its stream: if the called node waits "
                "for this one in the same way, neither goes on. Call ctx.release() before the nested call."
            )
            _log.warning(text, method, _count(times))

    def slow(self, method: str, peer: str, seconds: float) -> None:
        """Log that a handler has held its stream for long while requests wait."""
        if times := self._repeated.due(("slow", method), now()):
            text = (
                "The handler of %s for %s has held up the requests behind it for %.3g s%s: if they need not wait for "
                "it, call ctx.release()."
            )
            _log.warning(text, method, peer, seconds, _count(times))

    def unsendable(self, method: Method[Any, Any], error: Exception) -> None:
        """Log that what a handler raised cannot be sent: its text or its details are broken themselves."""
        self._failures.tell(f"What the handler of {method.name} raised cannot be sent", error, now())


def status_within(error: BaseException) -> StatusError | None:
    """The only `StatusError` in a group of exceptions, such as a `TaskGroup` raises, or in groups within it.

    Args:
        error: What was raised. It may be a `StatusError` itself.
    """
    if isinstance(error, BaseExceptionGroup):
        error = _only(error.split(StatusError)[0] or error)
    return error if isinstance(error, StatusError) else None


def _only(error: BaseException) -> BaseException:
    """The only exception in a group, or in groups within it; anything else is itself."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _count(times: int) -> str:
    return f" {times} times more" if times > 1 else ""
