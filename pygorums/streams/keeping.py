"""For how long the calls to a node that cannot be reached wait for their session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Keeping"]


class Keeping:
    """Measures the time since a stream of a session broke, while further attempts fail.

    Args:
        seconds: How long calls wait.
        on_over: Called when they have waited for so long.
    """

    def __init__(self, seconds: float, on_over: Callable[[], None]) -> None:
        self._seconds = seconds
        self._on_over = on_over
        self._broke_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def broke(self, now: float) -> None:
        """A stream has ended."""
        self._broke_at = now

    def goes_on(self) -> bool:
        """An attempt has failed: whether calls wait all the same."""
        loop = asyncio.get_running_loop()
        left = self._broke_at + self._seconds - loop.time()
        if left <= 0:
            return False
        if self._timer is None:
            self._timer = loop.call_later(left, self._over)
        return True

    def _over(self) -> None:
        self._timer = None
        self._on_over()

    def stop(self) -> None:
        """The session goes on, or is over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
