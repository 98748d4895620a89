"""The wait between two attempts to open a stream."""

from __future__ import annotations

import asyncio

__all__ = ["Pause"]


class Pause:
    """A wait that can be cut short, when there is news of the node or somebody calls it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._attempted_at = 0.0
        self._until = 0.0
        self._over: asyncio.Future[None] | None = None  # while somebody waits
        self._timer: asyncio.TimerHandle | None = None

    def attempt(self) -> None:
        """An attempt begins."""
        self._attempted_at = self._loop.time()

    async def wait(self, seconds: float) -> None:
        """Wait so long, or until `hasten` says that it is enough."""
        self._over = self._loop.create_future()
        self._arm(self._loop.time() + seconds)
        try:
            await self._over
        finally:
            self._over = None
            if self._timer is not None:
                self._timer.cancel()

    def hasten(self, apart: float) -> bool:
        """Make the wait end as soon as the last attempt began `apart` seconds ago; whether that is now."""
        if self._over is None or self._over.done():
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
        if self._over is not None and not self._over.done():
            self._over.set_result(None)
