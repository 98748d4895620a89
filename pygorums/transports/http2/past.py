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

    __slots__ = ("_how", "_left")

    SIZE = 1000

    def __init__(self) -> None:
        self._how: dict[int, Was] = {}
        self._left: dict[int, int] = {}

    def reset_by_us(self, stream_id: int, window: int) -> None:
        """We have reset it, or looked at nothing of it. Its window lets the peer send so many more bytes."""
        self._remember(stream_id, Was.RESET_BY_US)
        self._left[stream_id] = window

    def reset_by_peer(self, stream_id: int) -> None:
        """The peer has reset it."""
        self._remember(stream_id, Was.RESET_BY_PEER)

    def ended(self, stream_id: int) -> None:
        """It is over; in peace, unless it was said that it was reset."""
        if stream_id not in self._how:
            self._remember(stream_id, Was.ENDED)

    def _remember(self, stream_id: int, how: Was) -> None:
        self._how.pop(stream_id, None)
        self._how[stream_id] = how
        if len(self._how) > self.SIZE:
            oldest = next(iter(self._how))
            del self._how[oldest]
            self._left.pop(oldest, None)

    def how(self, stream_id: int) -> Was | None:
        """How it ended, as far as is remembered."""
        return self._how.get(stream_id)

    def on_its_way(self, stream_id: int, length: int) -> bool:
        """Whether data for a stream that we have reset may have been sent before the peer knew."""
        left = self._left.get(stream_id, 0) - length
        self._left[stream_id] = left
        return length > 0 <= left
