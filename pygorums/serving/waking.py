"""Waking those who wait."""

from __future__ import annotations

import asyncio

__all__ = ["resolve"]


def resolve(future: asyncio.Future[None] | None) -> None:
    """Wake whoever awaits a future, unless that has happened."""
    if future is not None and not future.done():
        future.set_result(None)
