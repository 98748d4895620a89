"""The streams of one client, one after the other."""

from __future__ import annotations

from pygorums.serving.in_order import InOrder

__all__ = ["Succession"]


class Succession:
    """Has the handlers of a client's stream begin only when those of all its earlier streams have ended.

    Otherwise one that outlives its stream, which a thread or an `await` in a `finally` can do for long, would run
    beside those of the same client's next stream, and what was sent first could have its effect last.
    """

    def __init__(self) -> None:
        self._busy = 0  # how many earlier ones still have handlers that run
        self._next: InOrder | None = None

    @property
    def busy(self) -> bool:
        """Whether handlers of streams that have ended still run."""
        return self._busy > 0

    def begin(self, requests: InOrder) -> None:
        """Begin to handle the requests of the newest stream, as soon as that may be."""
        if self._busy:
            self._next = requests
        else:
            requests.begin()

    def ended(self, requests: InOrder) -> None:
        """A stream has ended, and its handlers are cancelled."""
        if self._next is requests:
            self._next = None
        self._busy += 1
        requests.when_idle(self._one_is_idle)

    def _one_is_idle(self) -> None:
        self._busy -= 1
        if not self._busy and self._next is not None:
            requests, self._next = self._next, None
            requests.begin()
