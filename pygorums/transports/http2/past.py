"""Which streams of a connection were reset lately, for the frames that still come on them."""

from __future__ import annotations

from enum import Enum

__all__ = ["Past", "ResetBy"]


class ResetBy(Enum):
    """Whose reset ended a stream."""

    US = 1
    """What the peer sent before it knew is thrown away in silence (section 5.1, "closed")."""
    PEER = 2
    """What the peer sends is an error of that stream."""


class Past:
    """Remembers the last resets. Whatever is not here has ended in peace, after which nothing may come."""

    __slots__ = ("_how",)

    SIZE = 1000

    def __init__(self) -> None:
        self._how: dict[int, ResetBy] = {}

    def _remember(self, stream_id: int, how: ResetBy) -> None:
        self._how.pop(stream_id, None)
        self._how[stream_id] = how
        if len(self._how) > self.SIZE:
            del self._how[next(iter(self._how))]

    def reset_by_us(self, stream_id: int) -> None:
        """We have written RST_STREAM, or take nothing of this stream."""
        self._remember(stream_id, ResetBy.US)

    def reset_by_peer(self, stream_id: int) -> None:
        """The peer has."""
        self._remember(stream_id, ResetBy.PEER)

    def how(self, stream_id: int) -> ResetBy | None:
        """Who reset it; None if nobody did, as far as is remembered."""
        return self._how.get(stream_id)
