"""Suspecting a node that is silent for longer than it used to be, before its stream is given up.

A node that has agreed to signs of life is never silent for more than half of the interval, but for what the network
and the two programs add. Where nothing else is sent, the signs tell how much that is. Where much else is sent none
come, and nothing is learned: what was known before holds for the next pause.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pygorums.base.accrual import Accrual

__all__ = ["Suspicion"]

SECOND_LOOK = 0.05
"""Seconds after which a silence is looked at once more: this process may have been held up itself."""

CLOSE_ENOUGH = 0.001
"""Seconds that are not waited for: a clock may not even show them."""

LOOKS_APART = 0.1
"""Seconds between looks at a node that is suspected."""


class Suspicion:
    """Says when a node is suspected, and when it is not any more, until stopped.

    Args:
        level: From which φ on.
        interval: Seconds between the signs of life that were agreed on, of which there are two in each.
        heard_at: When something was last heard, by the event loop's clock.
        changed: Called with whether the node is suspected now.
    """

    def __init__(
        self, level: float, interval: float, heard_at: Callable[[], float], changed: Callable[[bool], None]
    ) -> None:
        self._accrual = Accrual(level, interval / 2)
        self._heard_at = heard_at
        self._changed = changed
        self._suspected = self._looked = False
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self._accrual.patience, self._look)

    def beat(self, after: float) -> None:
        """A sign of life has come, so many seconds after anything before it."""
        self._accrual.heard(after)

    def stop(self) -> None:
        """Watch no more."""
        self._timer.cancel()

    def _look(self) -> None:
        left = self._accrual.patience - (self._loop.time() - self._heard_at())
        if left > CLOSE_ENOUGH:
            self._looked = False
            self._set(suspected=False)
        elif not self._suspected and not self._looked:
            self._looked = True
            left = SECOND_LOOK
        else:
            self._set(suspected=True)
            left = LOOKS_APART
        self._timer = self._loop.call_later(left, self._look)

    def _set(self, *, suspected: bool) -> None:
        if suspected != self._suspected:
            self._suspected = suspected
            self._changed(suspected)
