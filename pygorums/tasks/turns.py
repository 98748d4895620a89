"""What is done together in one turn of the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["soon", "together"]


class _Turn(threading.local):
    afterwards: list[Callable[[], object]] | None = None


_turn = _Turn()


def together(function: Callable[..., object], *args: Any) -> None:
    """Call a function, and then what it, or what it called, wants to have called `soon`.

    For those who tell of several things at once: what these make others write leaves together, and needs no turn of the
    event loop of its own.
    """
    if _turn.afterwards is not None:
        function(*args)
        return
    afterwards: list[Callable[[], object]] = []
    _turn.afterwards = afterwards
    try:
        function(*args)
    finally:
        _turn.afterwards = None
        for callback in afterwards:
            callback()


def soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], object]) -> None:
    """Have something called after what is done `together` now, or else in the event loop's next turn.

    Args:
        loop: The event loop of this thread.
        callback: What to call. It does not raise.
    """
    afterwards = _turn.afterwards
    if afterwards is None:
        loop.call_soon(callback)
    else:
        afterwards.append(callback)
