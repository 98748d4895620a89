"""A call of which somebody wants to know each node's answer, as the streams that carry it see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pygorums.base.method import Method
from pygorums.base.observing import CallObservation, Observable, observer_failed

__all__ = ["beginner"]


def beginner(begin: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """What calls look for in `Observers.call`, for observers that are begun by a function; None if there are none."""
    if begin is None:
        return None

    def observe(call: Observable, method: Method[Any, Any], nodes: Sequence[Any]) -> Any:
        if getattr(call, "decided", False):
            return call  # it is over already, as it goes to no node
        observed: CallObservation | None = begin(method, nodes)
        if observed is None:
            return call
        call.observed = observed
        return _Told(call, observed) if observed.each_node else call

    return observe


class _Told:
    """Tells of each answer, and passes it on."""

    __slots__ = ("_call", "_observed")

    def __init__(self, call: Any, observed: CallObservation) -> None:
        self._call = call
        self._observed = observed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    def deliver(self, node_id: int, payload: bytes) -> None:
        self._tell_replied(node_id)
        self._call.deliver(node_id, payload)

    def sent(self, node_id: int) -> None:
        if self._call.one_way:
            self._tell_replied(node_id)
        self._call.sent(node_id)

    def fail(self, node_id: int, error: Exception) -> None:
        try:
            self._observed.failed(node_id, error)
        except Exception:
            observer_failed()
        self._call.fail(node_id, error)

    def _tell_replied(self, node_id: int) -> None:
        try:
            self._observed.replied(node_id)
        except Exception:
            observer_failed()
