"""What users give as a timeout."""

from __future__ import annotations

import math

__all__ = ["check_timeout"]


def check_timeout(timeout: float | None) -> None:
    """Refuse what is no number of seconds.

    Raises:
        TypeError: It is not a number.
        ValueError: It is not a finite number.
    """
    if timeout is None:
        return
    if not isinstance(timeout, int | float):
        raise TypeError(f"timeout must be seconds or None, not {timeout!r}")
    if not math.isfinite(timeout):
        raise ValueError(f"timeout must be a finite number of seconds or None, not {timeout!r}")
