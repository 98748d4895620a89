"""Event loops that are closed while gRPC still works for them.

What gRPC has begun for a loop ends later, in a thread of its own for all loops, and the loop that runs by then is asked
to hand the news on. To a loop that is closed it cannot, and would say so with a traceback for each. There is nobody to
whom the news matter: so a closed loop takes them, and does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pygorums.tasks.closed_loops import quiet_when_closed, when_closed

__all__ = ["grpc_quiet_when_closed"]


def grpc_quiet_when_closed() -> None:
    """Let the running loop take what gRPC has for it after it was closed, and tell nobody of what it leaves behind."""
    quiet_when_closed()
    when_closed(_ignore_grpc)


def _ignore_grpc(loop: asyncio.AbstractEventLoop) -> None:
    call_soon_threadsafe = loop.call_soon_threadsafe

    def ignoring(callback: Callable[..., object], *args: Any, **options: Any) -> object:
        if (getattr(callback, "__module__", None) or "").startswith("grpc."):
            return None
        return call_soon_threadsafe(callback, *args, **options)

    loop.call_soon_threadsafe = ignoring  # type: ignore[method-assign, assignment] # of this one object
