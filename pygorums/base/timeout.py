"""What users give as a timeout."""

from __future__ import annotations

import math

from pygorums.base.handling import HANDLING

__all__ = ["check_timeout", "sending_timeout", "waiting_timeout"]


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
    # An int that is not finite has hundreds of digits, and of thousands Python prints none.
    return "a number that large" if isinstance(timeout, int) else repr(timeout)


def sending_timeout(timeout: float | None, what: str = "timeout") -> float | None:
    """The seconds within which a one-way message must be sent; None for no limit, which `math.inf` means too.

    Raises:
        TypeError, ValueError: As `check_timeout`.
    """
    if timeout is None or timeout == math.inf:
        return None
    check_timeout(timeout, what)
    return timeout


def waiting_timeout(timeout: float | None) -> float | None:
    """The seconds for which a call waits for replies; None for no limit, which `math.inf` means too.

    A call that has none of its own, and is made in a handler, has what is left to those who wait for the handler.

    Raises:
        TypeError, ValueError: As `check_timeout`.
    """
    if timeout is None:
        ctx = HANDLING.get()
        # What a handler has started may go on after it: nobody waits for that.
        return None if ctx is None or ctx.over else ctx.time_remaining()
    if type(timeout) is float and math.isfinite(timeout):
        return timeout
    return sending_timeout(timeout)
