"""How the streams of a connection ended lately, for the frames that still come on them."""

from __future__ import annotations

from enum import Enum

__all__ = ["Past", "Was"]


class Was(Enum):
    """How a stream ended."""

    RESET_BY_US = 1
    """What the peer sent before it knew is thrown away in silence (section 5.1, "closed")."""
    RESET_BY_PEER = 2
    """What the peer sends is an error of that stream."""
    ENDED = 3
    """Both sides have said that nothing more comes: what the peer sends is an error of the connection."""


class Past:
    """Remembers the last streams. Others were never opened, and are closed because a later one was; or long over."""

    __slots__ = ("_how",)

    SIZE = 1000

    def __init__(self) -> None:
        self._how: dict[int, Was] = {}

    def remember(self, stream_id: int, how: Was) -> None:
        """The stream is over. How it was reset counts for more than that it has ended."""
        if how is Was.ENDED and stream_id in self._how:
            return
        self._how.pop(stream_id, None)
        self._how[stream_id] = how
        if len(self._how) > self.SIZE:
            del self._how[next(iter(self._how))]

    def how(self, stream_id: int) -> Was | None:
        """How it ended, as far as is remembered."""
        return self._how.get(stream_id)
