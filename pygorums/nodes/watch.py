"""Deriving a configuration from another one again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pygorums.base.timeout import check_timeout

if TYPE_CHECKING:
    from pygorums.nodes.configuration import Configuration

__all__ = ["Watch", "check_watch"]


class Watch:
    """What `Configuration.watch` gives: an asynchronous iterator, which to be cancelled does not end.

    Args:
        config: The configuration that others are derived from.
        interval: Seconds between looks.
        derive: Makes the other ones.
    """

    def __init__(
        self, config: Configuration, interval: float, derive: Callable[[Configuration], Configuration]
    ) -> None:
        self._config = config
        self._interval = interval
        self._derive = derive
        self._current: Configuration | None = None
        self._due = 0.0
        self._left = False

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Configuration:
        pool = self._config.pool
        if self._left:
            raise StopAsyncIteration
        if self._current is None:
            self._current = self._look()
            return self._current
        while not await pool.closed_within(self._due - pool.loop.time()):
            newest = self._look()
            if newest != self._current:
                self._current = newest
                return newest
        raise StopAsyncIteration

    def _look(self) -> Configuration:
        # Who gives up waiting and asks again goes on waiting for the same moment.
        self._due = self._config.pool.loop.time() + self._interval
        return self._derive(self._config)

    async def aclose(self) -> None:
        """Stop watching."""
        self._left = True


def check_watch(interval: float, derive: object) -> None:
    """Refuse what cannot be watched.

    Raises:
        ValueError: The interval is not a positive number.
        TypeError: `derive` cannot be called.
    """
    check_timeout(interval, "the interval")
    if interval is None or not interval > 0:
        raise ValueError(f"the interval must be a positive number of seconds, not {interval!r}")
    if not callable(derive):
        raise TypeError(f"derive must be a function of a configuration, not {derive!r}")
