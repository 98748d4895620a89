"""Noticing handlers that hold up the requests behind them."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

from pygorums.serving.failures import HandlerFailures
from pygorums.serving.in_order import InOrder

__all__ = ["SlowHandlers"]


class SlowHandlers:
    """Looks now and then whether handlers have held their streams for long while requests wait, and logs it.

    Nothing is noted for a request, so it costs them nothing.

    Args:
        seconds: What is long; 0 for never.
        failures: Where it is logged.
    """

    def __init__(self, seconds: float, failures: HandlerFailures) -> None:
        self._seconds = seconds
        self._failures = failures
        self._watched: WeakKeyDictionary[InOrder, None] = WeakKeyDictionary()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, requests: InOrder) -> None:
        """Look at the requests of one more stream, for as long as it lasts."""
        if self._seconds:
            self._watched[requests] = None
            if self._timer is None:
                self._look_later()

    def stop(self) -> None:
        """Look no more."""
        self._seconds = 0
        self._watched.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds / 2, self._look)

    def _look(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for requests in list(self._watched):
            ctx = requests.holds_up()
            if ctx is not None and now - ctx.begun_at >= self._seconds:
                self._failures.slow(ctx.method, ctx.peer, now - ctx.begun_at)
        if self._watched:
            self._look_later()
