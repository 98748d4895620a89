"""Logging what users' code raises, which it may raise for each of many requests."""

from __future__ import annotations

import logging

from pygorums.base.repeated import Repeated
from pygorums.base.shown import shown

__all__ = ["FailureLog"]


class FailureLog:
    """Logs an exception with its traceback the first time, and then at intervals one line with the count.

    Two are the same if the text, their type and the line that raised them are.

    Args:
        log: Where to.
        interval: Seconds between two lines about the same thing.
    """

    def __init__(self, log: logging.Logger, interval: float = 60.0) -> None:
        self._log = log
        self._repeated = Repeated(interval)

    def tell(self, text: str, error: BaseException, now: float, example: str = "") -> None:
        """Log `error`.

        Args:
            text: What has failed.
            error: What it raised.
            now: The time in seconds, by a clock that does not go back.
            example: For whom, which may be somebody else each time.
        """
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        line = None if where is None else (where.tb_frame.f_code, where.tb_lineno)
        times = self._repeated.due((text, type(error), line), now)
        if times == 1:
            self._log.error("%s%s", text, example, exc_info=error)
        elif times:
            self._log.error("%s %d times more, last%s: %s", text, times, example, _described(error))


def _described(error: BaseException) -> str:
    try:
        return shown(f"{type(error).__name__}: {error}")
    except Exception:  # its own text may be broken too
        return type(error).__name__
