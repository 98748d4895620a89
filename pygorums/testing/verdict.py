"""What checking a history has found, and how it is told."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Hashable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pygorums.testing.linearizability import Search
from pygorums.testing.models import Model
from pygorums.testing.operations import Operation, Outcome
from pygorums.testing.picture import picture_of
from pygorums.testing.timeline import timeline_of

__all__ = ["NotLinearizableError", "UndecidedError", "Verdict", "check_operations"]

_clock = time.perf_counter  # the real one: simulated time stands still while somebody computes

_WINDOW_SECONDS = 1.0  # for making a window short, which is a service and no verdict
_SHOWN = 30  # operations of a window, and states


class NotLinearizableError(AssertionError):
    """A history that no order of its operations explains. `verdict` has the details."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(str(verdict))
        self.verdict = verdict


class UndecidedError(AssertionError):
    """A history that could not be checked in time. `verdict` says how long was tried."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(str(verdict))
        self.verdict = verdict


class Verdict:
    """Whether a history is linearizable. As a truth value: whether it certainly is.

    Attributes:
        linearizable: True, False, or None if the time did not suffice to find out.
        operations: The history's, in the order in which they were invoked.
        key: The key whose operations cannot be explained, if the model has keys and `linearizable` is False.
        order: The order in which they can have taken effect, by key, where it was found.
        seconds: How long it took.
    """

    def __init__(self, operations: Sequence[Operation], model: Model) -> None:
        self.linearizable: bool | None = None
        self.operations = tuple(operations)
        self.key: Hashable = None
        self.order: dict[Hashable, list[Operation]] = {}
        self.seconds = 0.0
        self._model = model
        self._search: Search | None = None
        self._part: Sequence[Operation] = ()

    def __bool__(self) -> bool:
        return self.linearizable is True

    @property
    def culprit(self) -> Operation | None:
        """The first operation whose return no order explains; what returned before it can be explained."""
        search = self._search
        return None if search is None else self._part[search.returns[search.reached]]

    @cached_property
    def window(self) -> tuple[Operation, ...]:
        """The operations of the shortest stretch that cannot be explained, whatever the state was when it began.

        It ends with the return of `culprit`. States are those that came up in the search. If there are too many of them
        to try in a second the stretch is longer than it need be.
        """
        if self._search is None or self.culprit is None:
            return ()
        end = self.culprit.returned or 0
        prefix = [_until(end, operation) for operation in self._part if operation.invoked < end]
        starts = sorted(operation.returned for operation in prefix if operation.returned is not None)
        deadline = _clock() + _WINDOW_SECONDS
        # The more returns it has, the less can explain it, so the shortest is found by halving.
        low, high = 1, len(starts)
        while low < high:
            middle = (low + high) // 2
            stretch = _since(starts[-middle], prefix)
            search = Search(stretch, self._model, self._search.states)
            if _run([search], deadline) is False:
                high = middle
            else:
                low = middle + 1
        shown = {operation.invoked for operation in _since(starts[-high], prefix)}
        return tuple(operation for operation in self._part if operation.invoked in shown)

    def __str__(self) -> str:
        count = f"{len(self.operations)} operations"
        if self.linearizable:
            return f"linearizable: {count}"
        if self.linearizable is None:
            return f"undecided after {self.seconds:.1f} s: {count}"
        culprit = self.culprit
        assert self._search is not None
        assert culprit is not None
        where = "" if self._model.key is None else f" of {self.key!r}"
        lines = [
            f"not linearizable: no order of the operations{where} explains that {culprit.process} had {culprit}",
            *_possible(self._search.possible()),
            f"the shortest stretch that cannot be, whatever was before it ({len(self.window)} of {count}):",
            "",
            timeline_of(self.window[-_SHOWN:], culprit),
        ]
        return "\n".join(lines)

    def html(self, path: str | Path) -> None:
        """Write a picture of the history to `path`, as one HTML file: what cannot be explained is marked."""
        marked = set(self.window)
        order = {id(operation): index + 1 for part in self.order.values() for index, operation in enumerate(part)}
        text = str(self)
        Path(path).write_text(picture_of(self.operations, text, marked, self.culprit, order), encoding="utf-8")


def _possible(states: Sequence[Any]) -> Iterable[str]:
    if states:
        shown = ", ".join(repr(state) for state in states[:_SHOWN])
        more = "" if len(states) <= _SHOWN else f", or one of {len(states) - _SHOWN} more"
        yield f"when it returned, the state can only have been {shown}{more}, or what open operations make of that"


def _until(end: int, operation: Operation) -> Operation:
    """As it looked when something else returned: what returned later may have any result."""
    if operation.returned is None or operation.returned <= end:
        return operation
    open_still = copy.copy(operation)
    open_still.returned, open_still.outcome, open_still.result = None, Outcome.UNKNOWN, None
    return open_still


def _since(start: int, operations: Iterable[Operation]) -> list[Operation]:
    """What was open at some time from a return on."""
    return [operation for operation in operations if operation.returned is None or operation.returned >= start]


def check_operations(operations: Iterable[Operation], model: Model, limit: float | None) -> Verdict:
    """Whether a history is linearizable.

    Args:
        operations: In any order.
        model: What they are operations of.
        limit: Seconds after which to give up; None for never.
    """
    began = _clock()
    ordered = sorted(operations, key=lambda operation: operation.invoked)
    verdict = Verdict(ordered, model)
    parts: dict[Hashable, list[Operation]] = {}
    for operation in ordered:
        if operation.outcome is not Outcome.FAILED:
            parts.setdefault(None if model.key is None else model.key(operation), []).append(operation)
    searches = {key: Search(part, model) for key, part in parts.items()}
    verdict.linearizable = _run(searches.values(), None if limit is None else began + limit)
    for key, search in searches.items():
        if search.linearizable:
            verdict.order[key] = search.order
        elif search.linearizable is False:
            verdict.key, verdict._search, verdict._part = key, search, parts[key]
    verdict.seconds = _clock() - began
    return verdict


def _run(searches: Iterable[Search], deadline: float | None) -> bool | None:
    """Search all until one has found that there is no order, each for a while and then for longer.

    One key may take for ever where the next one shows at once that something is wrong.
    """
    left = [(search, iter(search)) for search in searches]
    for turns in (1 << exponent for exponent in itertools.count(4)):
        unfinished = []
        for search, steps in left:
            for _ in itertools.islice(steps, turns):
                if deadline is not None and _clock() > deadline:
                    return None
            if search.linearizable is False:
                return False
            if search.linearizable is None:
                unfinished.append((search, steps))
        if not unfinished:
            return True
        left = unfinished
    return None
