"""Which handler is running."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

__all__ = ["HANDLING"]

HANDLING: ContextVar[Any] = ContextVar("pygorums_handling", default=None)
"""The `ServerContext` of the request that is being handled, in its handler and in what the handler starts."""
