"""Event loops that are closed while gRPC still works for them.

What gRPC has begun for a loop ends later, in a thread of its own for all loops, and the loop that runs by then is asked
to hand the news on. To a loop that is closed it cannot, and would say so with a traceback for each. There is nobody to
whom the news matter: so a closed loop takes them, and does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

__all__ = ["quiet_when_closed"]

_known: WeakSet[asyncio.AbstractEventLoop] = WeakSet()


def quiet_when_closed() -> None:
    """Let the running loop take what gRPC has for it after it was closed."""
    loop = asyncio.get_running_loop()
    if loop in _known:
        return
    _known.add(loop)
    close = loop.close

    def close_and_be_quiet() -> None:
        close()
        _ignore_grpc(loop)

    with suppress(AttributeError):  # a loop of another make may be shut to this
        loop.close = close_and_be_quiet  # type: ignore[method-assign] # of this one object


def _ignore_grpc(loop: asyncio.AbstractEventLoop) -> None:
    call_soon_threadsafe = loop.call_soon_threadsafe

    def ignoring(callback: Callable[..., object], *args: Any, **options: Any) -> object:
        if (getattr(callback, "__module__", None) or "").startswith("grpc."):
            return None
        return call_soon_threadsafe(callback, *args, **options)

    loop.call_soon_threadsafe = ignoring  # type: ignore[method-assign, assignment] # of this one object
