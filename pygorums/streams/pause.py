"""The wait between two attempts to open a stream."""

from __future__ import annotations

import asyncio
import math

from pygorums.tasks.joined import resolve

__all__ = ["Pause"]


class Pause:
    """A wait that can be cut short, when there is news of the node or somebody calls it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._attempted_at = 0.0
        self._until = 0.0
        self._apart = math.inf  # how soon after the last attempt, as was said while it was under way
        self._over: asyncio.Future[None] | None = None  # while somebody waits
        self._timer: asyncio.TimerHandle | None = None

    def attempt(self) -> None:
        """An attempt begins."""
        self._attempted_at = self._loop.time()
        self._apart = math.inf

    async def wait(self, seconds: float) -> None:
        """Wait so long, or until `hasten` says that it is enough."""
        self._over = self._loop.create_future()
        self._arm(min(self._loop.time() + seconds, self._attempted_at + self._apart))
        try:
            await self._over
        finally:
            self._over = None
            if self._timer is not None:
                self._timer.cancel()

    def hasten(self, apart: float) -> bool:
        """Make the wait, or the next one, end as soon as the last attempt began `apart` seconds ago; whether now."""
        if self._over is None:
            self._apart = min(self._apart, apart)
            return False
        if self._over.done():
            return False
        until = self._attempted_at + apart
        if until <= self._loop.time():
            self._over.set_result(None)
            return True
        if until < self._until:
            self._arm(until)
        return False

    def _arm(self, until: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._until = until
        self._timer = self._loop.call_at(until, self._end)

    def _end(self) -> None:
        resolve(self._over)
