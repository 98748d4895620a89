"""What a simulated loop calls, and the tasks that it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

from pygorums.transports.carrier import CARRIER

__all__ = ["Handle", "NumberedTask"]

T = TypeVar("T")


class Handle:
    """What is to be called, with the methods of `asyncio.TimerHandle`."""

    __slots__ = ("_args", "_callback", "_cancelled", "_context", "_when")

    def __init__(self, when: float, callback: Callable[..., Any], args: tuple[Any, ...], context: Context) -> None:
        self._when = when
        self._callback = callback
        self._args = args
        self._context = context
        self._cancelled = False

    def cancel(self) -> None:
        """Do not call it."""
        self._cancelled = True
        self._args = ()

    def cancelled(self) -> bool:
        """Whether it will not be called."""
        return self._cancelled

    def when(self) -> float:
        """When it will be."""
        return self._when

    @property
    def process(self) -> Any:
        """The process in which it is called; None outside of all."""
        return self._context.get(CARRIER)

    def __repr__(self) -> str:
        callback = self._callback
        task = getattr(callback, "__self__", None)
        if isinstance(task, asyncio.Task):
            return f"{getattr(task.get_coro(), '__qualname__', task)}"
        return f"{getattr(callback, '__qualname__', callback)}"


class NumberedTask(asyncio.Task[T]):
    """A task with a place among all tasks, so that those who keep sets of tasks go through them in one order."""

    def __init__(self, number: int, coro: Coroutine[Any, Any, T], **options: Any) -> None:
        self._number = number
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other
