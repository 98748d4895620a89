"""What users give as a timeout."""

from __future__ import annotations

import math

__all__ = ["check_timeout"]


def check_timeout(timeout: float | None, what: str = "timeout") -> None:
    """Refuse what is no number of seconds, or None.

    Args:
        timeout: What was given.
        what: For what.

    Raises:
        TypeError: It is not a number.
        ValueError: It is not a finite number.
    """
    if timeout is None:
        return
    if not isinstance(timeout, int | float):
        raise TypeError(f"{what} must be seconds or None, not {timeout!r}")
    try:
        finite = math.isfinite(timeout)
    except OverflowError:  # an int that no float can hold
        finite = False
    if not finite:
        raise ValueError(f"{what} must be a finite number of seconds or None, not {_shown(timeout)}")


def _shown(timeout: float) -> str:
    try:
        return repr(timeout)
    except ValueError:  # an int of too many digits to be printed
        return "a number of thousands of digits"
