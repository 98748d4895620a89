"""Event loops that end, or are closed, though not all has ended that runs in them."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from weakref import WeakKeyDictionary

__all__ = ["quiet_when_closed", "when_closed"]

_OURS = str(Path(__file__).parents[1])

AtClose = Callable[[asyncio.AbstractEventLoop], None]

_known: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[AtClose, None]] = WeakKeyDictionary()


def when_closed(do: AtClose) -> None:
    """Have something done once the running loop is closed; the same thing only once, however often it is asked for."""
    loop = asyncio.get_running_loop()
    if loop in _known:
        _known[loop][do] = None
        return
    wanted = _known[loop] = {do: None}
    close = loop.close

    def close_and_do() -> None:
        close()
        for each in wanted:
            each(loop)

    with suppress(AttributeError):  # a loop of another make may be shut to this
        loop.close = close_and_do  # type: ignore[method-assign] # of this one object


def quiet_when_closed() -> None:
    """Let nobody be told of the tasks of the engine that the running loop leaves behind when it or the program ends.

    asyncio would log each of them as an error when it is collected. A program that closes its loop with connections
    open, or that ends without closing it, has done with them, and could not have ended the tasks itself.
    """
    when_closed(_forget_tasks)


def _forget_tasks(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        code = getattr(task.get_coro(), "cr_code", None)
        if code is not None and code.co_filename.startswith(_OURS):
            task._log_destroy_pending = False  # type: ignore[attr-defined] # as asyncio does with those of its own


@atexit.register
def _forget_all() -> None:
    for loop in tuple(_known):
        _forget_tasks(loop)
