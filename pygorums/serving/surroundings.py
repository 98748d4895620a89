"""What code of users runs in: never in a task of ours, and never in a context that another request sees."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

__all__ = ["Surroundings", "call_apart"]

T = TypeVar("T")

_DECIMAL = "decimal_context"
"""The name of the context variable in which `decimal` keeps its settings."""


class Surroundings:
    """Copies of the context in which a server was made.

    What a handler or callback changes there ends with it: nobody else gets that copy. And while it runs the current
    task is its own, or none: whoever cancels that, now or much later, hits nobody else.

    Attributes:
        base: What is copied.
    """

    def __init__(self) -> None:
        self.base = contextvars.copy_context()
        # Its settings are an object that can be changed, which copies of the context share.
        self._has_decimal = any(variable.name == _DECIMAL for variable in self.base)

    def context(self) -> contextvars.Context:
        """A fresh copy."""
        context = self.base.copy()
        if self._has_decimal:
            context.run(_copy_decimal)
        return context

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function that does not wait."""
        return call_apart(self.context(), function, *args)

    async def run(self, function: Callable[..., Awaitable[T] | T], *args: Any) -> T:
        """Call a function, asynchronous or not, in a task of its own, and wait for it.

        Raises:
            asyncio.CancelledError: The caller was cancelled, and so was that task, which has ended.
            Exception: What the function raised. To be cancelled is its own affair: that is a RuntimeError.
        """
        task = asyncio.Task(_call(function, *args), context=self.context())
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # or it would be said that nobody has asked for it
            raise
        if task.cancelled():
            raise RuntimeError("it was cancelled")
        return task.result()


def call_apart(context: contextvars.Context, function: Callable[..., T], *args: Any) -> T:
    """Call a function in a context of its own, and with no current task."""
    loop, task = _current()
    if loop is None or task is None:
        return context.run(function, *args)
    # What asyncio has for tasks of another make: this one stands aside.
    asyncio.tasks._leave_task(loop, task)
    try:
        return context.run(function, *args)
    finally:
        asyncio.tasks._enter_task(loop, task)


def _current() -> tuple[asyncio.AbstractEventLoop | None, asyncio.Task[Any] | None]:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None, None
    return loop, asyncio.current_task(loop)


async def _call(function: Callable[..., Awaitable[T] | T], *args: Any) -> T:
    result = function(*args)
    return await result if inspect.isawaitable(result) else result


def _copy_decimal() -> None:
    import decimal

    decimal.setcontext(decimal.getcontext().copy())
