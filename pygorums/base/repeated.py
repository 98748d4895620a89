"""What happens again and again is logged now and then: above all what users' code raises, for each of many requests."""

from __future__ import annotations

import logging
from collections.abc import Hashable

from pygorums.base.shown import shown

__all__ = ["FailureLog", "Repeated"]


class Repeated:
    """Decides which occurrences of one kind of event are worth a line: the first, then one an interval.

    Peers choose what happens, so what is remembered is bounded: what is new beyond that counts as one and the same.

    Args:
        interval: Seconds between two lines about the same thing.
        most: How many different things are told apart.
    """

    def __init__(self, interval: float = 60.0, most: int = 256) -> None:
        self._interval = interval
        self._most = most
        self._told: dict[Hashable, tuple[float, int]] = {}  # when, and how often it has happened since

    def due(self, thing: Hashable, now: float) -> int:
        """Something happens `now`: how often since the last line about it, this time included; 0 for no line now."""
        if thing not in self._told and len(self._told) >= self._most:
            self._forget(now)
            if len(self._told) >= self._most:
                thing = _OTHERS
        told = self._told.get(thing)
        if told is not None and now - told[0] < self._interval:
            self._told[thing] = told[0], told[1] + 1
            return 0
        self._told[thing] = now, 0
        return 1 if told is None else told[1] + 1

    def _forget(self, now: float) -> None:
        """Forget the things that have not been told of for an interval."""
        recent = {thing: told for thing, told in self._told.items() if now - told[0] < self._interval}
        self._told = recent


_OTHERS = object()


class FailureLog:
    """Logs an exception with its traceback the first time, and then at intervals one line with the count.

    Two are the same if the text, their type and the line that raised them are. The interval is in seconds.
    """

    def __init__(self, log: logging.Logger, interval: float = 60.0) -> None:
        self._log = log
        self._repeated = Repeated(interval)

    def tell(self, text: str, error: BaseException, now: float, example: str = "") -> None:
        """Log what has failed `now`, what it raised, and for whom, which may be somebody else each time."""
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
