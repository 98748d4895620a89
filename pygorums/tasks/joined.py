"""Work that is done once, by the engine, however many wait for it and whatever becomes of them; and waking those."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

__all__ = ["Joined", "resolve"]

T = TypeVar("T")

_running: set[asyncio.Task[Any]] = set()
"""The event loop does not hold on to tasks, and those who wait for one may all have left."""


class Joined(Generic[T]):
    """What is started, closed or stopped: done in a task of its own, which all who ask for it wait for.

    One who is cancelled, or interrupted, only stops waiting. The work goes on, and the next one who asks joins it. If
    it has failed, the next one has it done again.

    Args:
        work: Does it.
        name: The name of the task.

    Attributes:
        told: Whether anybody has got the outcome.
    """

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]], name: str) -> None:
        self._work = work
        self._name = name
        self._task: asyncio.Task[T] | None = None
        self.told = False

    @property
    def begun(self) -> bool:
        """Whether anybody has asked for it."""
        return self._task is not None

    @property
    def done(self) -> bool:
        """Whether the work is over."""
        return self._task is not None and self._task.done()

    def begin(self) -> asyncio.Task[T]:
        """Have it done, and wait for nothing; the task that does it."""
        if self._task is None or _failed(self._task):
            self._task = asyncio.get_running_loop().create_task(self._work(), name=self._name)
            _running.add(self._task)
            self._task.add_done_callback(_ended)
        return self._task

    async def __call__(self) -> T:
        """Have it done, or join those who wait for it.

        Raises:
            Whatever the work raises.
        """
        outcome = await asyncio.shield(self.begin())
        self.told = True
        return outcome

    async def over(self) -> None:
        """Wait until the work that was begun is over, whatever its outcome."""
        if self._task is not None and not self._task.done():
            await asyncio.wait({self._task})


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _ended(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if not task.cancelled():
        task.exception()  # nobody may be left to be told


def resolve(future: asyncio.Future[None] | None) -> None:
    """Wake whoever awaits a future, unless that has happened."""
    if future is not None and not future.done():
        future.set_result(None)
