"""Waits that are bounded, and that fail with what they were waiting for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

# Seconds. Far more than anything here takes on a loaded machine; a wait this long is a failure.
LIMIT = 10.0


async def within(awaitable: Awaitable[T], seconds: float = LIMIT) -> T:
    """Awaits, but not for ever."""
    async with asyncio.timeout(seconds):
        return await awaitable


async def until(condition: Callable[[], object], what: str = "", seconds: float = LIMIT) -> None:
    """Waits for a condition that nothing announces, looking again every few milliseconds."""
    end = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > end:
            raise AssertionError(f"still not true after {seconds} s: {what or condition}")
        await asyncio.sleep(0.005)


async def turns(count: int = 5) -> None:
    """Lets everything run that is ready now, and what that makes ready, `count` times."""
    for _ in range(count):
        await asyncio.sleep(0)
