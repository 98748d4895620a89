"""A call of which somebody wants to know each node's answer, as the streams that carry it see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pygorums.base.metadata import encode_repeated
from pygorums.base.method import Method
from pygorums.base.observing import CallObservation, Observable, observer_failed, together

__all__ = ["beginner"]


def beginner(begin: Sequence[Callable[..., Any]]) -> Callable[..., Any] | None:
    """What calls look for in `Observers.call`, for functions that begin to observe; None if there are none."""
    all_of_them = together(begin)
    if all_of_them is None:
        return None
    only = begin[0] if len(begin) == 1 else all_of_them

    def observe(call: Observable, method: Method[Any, Any], nodes: Sequence[Any]) -> Any:
        if call.decided:
            return call  # it is over already, as it goes to no node
        try:
            observed: CallObservation | None = only(method, nodes)
        except Exception:
            observer_failed()
            return call
        if observed is None:
            return call
        encoded: bytes | None = getattr(observed, "encoded", None)
        if encoded is not None:
            call.frame = encoded
            return call  # nobody wants to know how it ends
        if observed.metadata:
            call.frame = _encoded(observed)
        call.observed = observed
        return _Told(call, observed) if observed.each_node else call

    return observe


def _encoded(observed: CallObservation) -> bytes:
    """What an observer adds to the metadata of a message."""
    try:
        return encode_repeated(tuple(observed.metadata))
    except Exception:
        observer_failed()
        return b""


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
