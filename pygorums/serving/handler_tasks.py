"""Starting the task of a handler, which begins to run at once.

That saves a turn of the event loop for each request, and most of what a task costs. Besides, what the handlers of
requests that came together reply leaves together.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

__all__ = ["start_task"]

if sys.version_info >= (3, 12):
    from asyncio import Task

    def start_task(
        coroutine: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop, name: str, context: Context
    ) -> asyncio.Task[None]:
        """Run a coroutine in a task and a context of its own, up to where it first waits."""
        return Task(coroutine, loop=loop, name=name, context=context, eager_start=True)

else:
    from asyncio import Task, current_task
    from asyncio.tasks import _enter_task, _leave_task

    def start_task(
        coroutine: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop, name: str, context: Context
    ) -> asyncio.Task[None]:
        """Run a coroutine in a task and a context of its own, up to where it first waits."""
        # A new task asks the loop, and that only, to call it soon. It is called now instead.
        first: Any = None

        def keep(step: Callable[[], object], *, context: Context) -> None:  # noqa: ARG001 - that is its name
            nonlocal first
            first = step

        methods = loop.__dict__
        methods["call_soon"] = keep
        try:
            task = Task(coroutine, loop=loop, name=name, context=context)
        finally:
            del methods["call_soon"]
        outer = current_task(loop)
        if outer is None:
            context.run(first)
        else:
            _leave_task(loop, outer)
            try:
                context.run(first)
            finally:
                _enter_task(loop, outer)
        return task
