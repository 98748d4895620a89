"""The time that a stop may take."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["Grace"]

LONGEST = 1e9
"""Seconds that stand for all that is longer, infinity included."""


class Grace:
    """A deadline that can be brought forward and never be put off, for those who wait for what is going on."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = float("inf")
        self._timer: asyncio.TimerHandle | None = None
        self._over = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether there is no time left."""
        return self._over.is_set()

    def cut(self, seconds: float | None) -> None:
        """Allow so many seconds from now at the most; None or 0 allows nothing more."""
        end = self._loop.time() + min(seconds or 0, LONGEST)
        if end >= self._end:
            return
        self._end = end
        if self._timer is not None:
            self._timer.cancel()
        if end > self._loop.time():
            self._timer = self._loop.call_at(end, self._over.set)
        else:
            self._over.set()

    async def wait(self, work: asyncio.Future[Any]) -> bool:
        """Wait for work, but not when the time is up: whether it is done. It is not cancelled."""
        over = self._loop.create_task(self._over.wait())
        try:
            await asyncio.wait({work, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
        return work.done()
