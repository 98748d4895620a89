"""Who is told of each call: protocols for observers, and how several of them share one hook.

An observer sees the calls themselves, and not their messages as an interceptor does. So it costs nothing where there is
none, and a call that is observed still takes the short path.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from pygorums.base.method import Method

__all__ = [
    "CallObservation",
    "CallObserver",
    "Observable",
    "Observer",
    "Pairs",
    "RequestObservation",
    "RequestObserver",
    "checked_observers",
    "observer_failed",
    "together",
]

Pairs = Sequence[tuple[str, str]]

_log = logging.getLogger("pygorums.telemetry")


class RequestObservation(Protocol):
    """One request that is being handled, as its observer follows it."""

    def ended(self, seconds: float, error: BaseException | None, /) -> None:
        """The handler has ended, so many seconds after the request came, with what it raised. Called once."""


class CallObservation(RequestObservation, Protocol):
    """One call, as its observer follows it. All of it happens on the event loop, and none of it may wait."""

    @property
    def metadata(self) -> Pairs:
        """What is sent with the request, besides what the caller sends: to all nodes the same."""

    @property
    def each_node(self) -> bool:
        """Whether `replied` and `failed` are to be called."""

    def replied(self, node_id: int, /) -> None:
        """A node has replied; a one-way message was sent to it. Not called once the call has ended."""

    def failed(self, node_id: int, error: Exception, /) -> None:
        """A node has failed, before or after the call has ended."""

    def ended(self, seconds: float, error: BaseException | None, /) -> None:
        """The call is over, so many seconds after it was sent, with what its caller gets to see.

        Called once, whatever becomes of the call: `error` is None if it succeeded, and no `Exception` if it was
        cancelled or abandoned.
        """


class CallObserver(Protocol):
    """Is told of calls that are made."""

    def call(self, method: Method[Any, Any], nodes: Sequence[Any], /) -> CallObservation | None:
        """A call to some nodes is being sent, in the context of who makes it. None if it is not to be followed."""


class RequestObserver(Protocol):
    """Is told of requests that a server handles."""

    def request(self, ctx: Any, /) -> RequestObservation | None:
        """A handler is about to be called, in the context that it will have, with this `ServerContext`."""


class Observable(Protocol):
    """A call that tells who observes it of its end."""

    observed: CallObservation | None
    """Who is told; None if nobody is."""

    decided: bool
    """Whether it is over."""

    frame: bytes
    """What is added to its metadata, encoded, until it is encoded itself."""


Observer = CallObserver | RequestObserver
"""What a server may be observed by: what is told of its requests, of the calls that it makes to peers, or of both."""


def checked_observers(observers: Iterable[Any], *methods: str) -> tuple[Any, ...]:
    """Observers as they are kept: each has one of some methods.

    Raises:
        TypeError: One of them has none, or they are no list.
    """
    try:
        listed = tuple(observers)
    except TypeError:
        raise TypeError(f"observers must be a list, not {observers!r:.100}; write [x] for a single one") from None
    for observer in listed:
        if isinstance(observer, type) or not any(hasattr(observer, name) for name in methods):
            wanted = " or ".join(f"`{name}`" for name in methods)
            raise TypeError(f"an observer must be an object with a method {wanted}, not {observer!r:.100}")
    return listed


def together(begin: Sequence[Callable[..., Any]]) -> Callable[..., Any] | None:
    """One function that begins all observations, with whatever arguments; None if there is nothing to begin.

    What an observer raises is logged, and harms neither the call nor other observers.
    """
    if not begin:
        return None
    if len(begin) == 1:
        return _guarded(begin[0])
    guarded = [_guarded(each) for each in begin]

    def begin_all(*args: Any) -> Any:
        begun = [observation for each in guarded if (observation := each(*args)) is not None]
        return begun[0] if len(begun) == 1 else _Several(begun) if begun else None

    return begin_all


def _guarded(begin: Callable[..., Any]) -> Callable[..., Any]:
    def begin_one(what: Any, *others: Any) -> Any:
        try:
            return begin(what, *others) if others else begin(what)
        except Exception:
            observer_failed()

    return begin_one


def observer_failed() -> None:
    """Log that an observer has raised something, which must not harm what it observes."""
    _log.exception("an observer failed")


class _Several:
    """Several observations of one call or request."""

    __slots__ = ("_observations", "each_node", "metadata")

    def __init__(self, observations: Sequence[Any]) -> None:
        self._observations = observations
        self.metadata = tuple(pair for each in observations for pair in getattr(each, "metadata", ()))
        self.each_node = any(getattr(each, "each_node", False) for each in observations)

    def replied(self, node_id: int) -> None:
        for each in self._observations:
            if each.each_node:
                _tell(each.replied, node_id)

    def failed(self, node_id: int, error: Exception) -> None:
        for each in self._observations:
            if each.each_node:
                _tell(each.failed, node_id, error)

    def ended(self, seconds: float, error: BaseException | None) -> None:
        for each in self._observations:
            _tell(each.ended, seconds, error)


def _tell(told: Callable[..., None], *args: Any) -> None:
    try:
        told(*args)
    except Exception:
        observer_failed()
