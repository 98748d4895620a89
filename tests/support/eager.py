"""Runs the suite under eager tasks: ``pytest --eager-tasks``, on Python 3.12 or later.

Applications may set `asyncio.eager_task_factory` for their loop. A task then begins within the call that makes it, so
code runs inside of other code that otherwise never meets it.
"""

import asyncio
import os
from typing import Any

__all__ = ["AVAILABLE", "use_eager_tasks", "use_eager_tasks_if_asked"]

AVAILABLE = hasattr(asyncio, "eager_task_factory")

_VARIABLE = "PYGORUMS_TEST_EAGER_TASKS"
_make = asyncio.BaseEventLoop.__init__


def use_eager_tasks() -> None:
    """Have each event loop that is made from now on start its tasks eagerly, here and in the programs of tests."""
    os.environ[_VARIABLE] = "1"
    asyncio.BaseEventLoop.__init__ = _init  # type: ignore[assignment,method-assign] # that is what is wanted


def use_eager_tasks_if_asked() -> None:
    """The same, in a program that a test has started, if the suite runs under eager tasks."""
    if _VARIABLE in os.environ:
        use_eager_tasks()


def _init(loop: Any, *args: Any, **kwargs: Any) -> None:
    _make(loop, *args, **kwargs)
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined,unused-ignore] # since 3.12
