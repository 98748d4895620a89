"""The one clock of the engine: that of the event loop."""

from __future__ import annotations

import asyncio
import time

__all__ = ["now"]


def now() -> float:
    """Seconds by the clock of the event loop that runs; in threads, which have none, by what loops take theirs from."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return time.monotonic()
