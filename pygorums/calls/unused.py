"""Warning of calls that were made and never used, as Python does of coroutines that were never awaited."""

from __future__ import annotations

import sys
import traceback
import warnings

__all__ = ["made_here", "warn_unused"]

_DEPTH = 10


def made_here() -> str:
    """Where a call was made, outside of this package: the innermost frames as text."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("pygorums."):
        frame = frame.f_back
    return "".join(traceback.format_list(traceback.extract_stack(frame, _DEPTH)))


def warn_unused(method_name: str, made: str | None, source: object) -> None:
    """Say that a call was forgotten before it was sent.

    Args:
        method_name: The method's full name.
        made: What `made_here` said, in debug mode.
        source: The forgotten object, for tracemalloc.
    """
    if sys.is_finalizing():
        return
    text = f"a call of {method_name} was never used, so nothing was sent: await majority(), say, or iterate over it"
    if made is not None:
        text += f"\nMade at (most recent call last)\n{made.rstrip()}"
    warnings.warn(text, RuntimeWarning, stacklevel=3, source=source)
