"""Deriving a configuration from another one again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from pygorums.base.timeout import check_timeout
from pygorums.nodes.node import Pool

__all__ = ["Watch", "check_watch"]

C = TypeVar("C")


class Watch(Generic[C]):
    """What `Configuration.watch` gives: an asynchronous iterator, which to be cancelled does not end.

    Args:
        config: The configuration that others are derived from.
        pool: The pool of its nodes.
        interval: Seconds between looks.
        derive: Makes the other ones.
    """

    def __init__(self, config: C, pool: Pool, interval: float, derive: Callable[[C], C]) -> None:
        self._config = config
        self._pool = pool
        self._interval = interval
        self._derive = derive
        self._current: C | None = None
        self._due = 0.0
        self._left = False

    def __aiter__(self) -> Watch[C]:
        return self

    async def __anext__(self) -> C:
        if self._left:
            raise StopAsyncIteration
        if self._current is None:
            self._current = self._look()
            return self._current
        while not await self._pool.closed_within(self._due - self._pool.loop.time()):
            newest = self._look()
            if newest != self._current:
                self._current = newest
                return newest
        raise StopAsyncIteration

    def _look(self) -> C:
        # Who gives up waiting and asks again goes on waiting for the same moment.
        self._due = self._pool.loop.time() + self._interval
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
