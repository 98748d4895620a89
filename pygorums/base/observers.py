"""The observers of one pool of connections or one server, and its counters once somebody wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pygorums.base.observed_call import beginner
from pygorums.base.observing import together

if TYPE_CHECKING:
    from pygorums.base.counting import Counters  # at run time only once somebody counts

__all__ = ["Observers"]


class Observers:
    """Who observes.

    Args:
        given: What users have given.

    Attributes:
        given: The same.
        call: Begins to observe a call to some nodes, and gives what their streams get for it; None if nobody observes.
            Calls look at that and at nothing else.
        request: Begins to observe the request of a context; None if nobody does. What it gives is told of the end.
        handled: Told of each request when it has ended: the method, after how many seconds, and with what error. None
            if nobody is.
        counters: What is counted; None if nothing is.
    """

    __slots__ = ("call", "counters", "given", "handled", "request")

    def __init__(self, given: Sequence[Any] = ()) -> None:
        self.given = given
        self.counters: Counters | None = None
        self.handled: Callable[[str, float, BaseException | None], None] | None = None
        self.call: Callable[..., Any] | None = beginner(_methods(given, "call"))
        self.request: Callable[..., Any] | None = together(_methods(given, "request"))

    def count(self) -> Counters:
        """Count from now on, if that was not done before. May be called in any thread."""
        if self.counters is None:
            from pygorums.base.counting import Counters

            counters = self.counters = Counters()
            # Alone, as they mostly are, they are asked directly.
            calls = _methods(self.given, "call")
            self.call = beginner([counters.counter, *calls]) if calls else counters.call
            self.handled = counters.request
        return self.counters


def _methods(given: Sequence[Any], name: str) -> list[Callable[..., Any]]:
    return [getattr(each, name) for each in given if hasattr(each, name)]
