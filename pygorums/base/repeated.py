"""What happens again and again is logged now and then."""

from __future__ import annotations

from collections.abc import Hashable

__all__ = ["Repeated"]


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
        """Something happens: how often it has since the last line about it, this time included; 0 for no line now.

        Args:
            thing: What happens.
            now: The time in seconds, by any clock that does not go back.
        """
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
