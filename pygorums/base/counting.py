"""Counts of calls by method and status, with how long they took."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from pygorums.base.histogram import BOUNDS, Histogram
from pygorums.base.method import Method
from pygorums.base.observing import Observable, Pairs
from pygorums.base.outcome import OK, status_name

__all__ = ["OTHER", "Counters", "MethodCounter"]

OTHER = "_OTHER"
"""Stands for all methods that are asked for and not served: their names are the callers' choice, and have no end."""


class MethodCounter(Histogram):
    """The calls of one method that have ended. It observes all of them, one after the other.

    As a histogram it has those that have succeeded.
    """

    __slots__ = ("_others",)
    metadata: Pairs = ()
    each_node = False

    def __init__(self) -> None:
        super().__init__()
        self._others: dict[str, Histogram] = {}

    def replied(self, node_id: int) -> None:
        """Nobody calls it."""

    failed: Any = replied

    def ended(self, seconds: float, error: BaseException | None) -> None:
        """A call has ended."""
        if error is None:
            # As `add`, without the call.
            self.buckets[bisect_right(BOUNDS, seconds)] += 1
            self.sum += seconds
        else:
            self.of(status_name(error)).add(seconds)

    def of(self, status: str) -> Histogram:
        """The durations of the calls that ended with a status other than OK."""
        histogram = self._others.get(status)
        if histogram is None:
            histogram = self._others[status] = Histogram()
        return histogram

    @property
    def by_status(self) -> Mapping[str, Histogram]:
        """Durations by the name of the status. A copy: may be asked for in any thread."""
        histograms: dict[str, Histogram] = {OK: self, **self._others}
        return {status: histogram for status, histogram in histograms.items() if histogram.count}


class Counters:
    """The calls that are made over some connections, and the requests that a server handles.

    Attributes:
        calls: Those that are made, by the full name of the method.
        requests: Those that are handled.
    """

    def __init__(self) -> None:
        self.calls: dict[str, MethodCounter] = {}
        self.requests: dict[str, MethodCounter] = {}

    def counter(self, method: Method[Any, Any], nodes: Sequence[Any]) -> MethodCounter:  # noqa: ARG002 - as observers
        """What counts the calls of a method."""
        return self.calls.get(method.name) or self.calls.setdefault(method.name, MethodCounter())

    def call(self, call: Observable, method: Method[Any, Any], nodes: Sequence[Any]) -> Any:  # noqa: ARG002 - as observers
        """Count a call, when it ends. Where nobody else observes calls this is all that it costs."""
        call.observed = self.calls.get(method.name) or self.calls.setdefault(method.name, MethodCounter())
        return call

    def request(self, name: str, seconds: float, error: BaseException | None) -> None:
        """A request has been handled."""
        counter = self.requests.get(name)
        if counter is None:
            counter = self.requests.setdefault(name, MethodCounter())
        if error is None:
            # As `MethodCounter.ended`: each call costs as much as what is done here.
            counter.buckets[bisect_right(BOUNDS, seconds)] += 1
            counter.sum += seconds
        else:
            counter.ended(seconds, error)

    def refuse(self, name: str, status: str) -> None:
        """A request was not even handled. The name is the caller's, so only those count that were heard of before."""
        counter = self.requests.get(name)
        if counter is None:
            counter = self.requests.setdefault(OTHER, MethodCounter())
        counter.of(status).add(0.0)
