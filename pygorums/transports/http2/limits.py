"""What a connection takes from its peer, and how much of what carries nothing."""

from __future__ import annotations

from dataclasses import dataclass

from pygorums.transports.http2.codes import (
    DEFAULT_FRAME_SIZE,
    LARGEST_FRAME_SIZE,
    LARGEST_WINDOW,
    ErrorCode,
)
from pygorums.transports.http2.faults import GoAwayError

__all__ = ["DEFAULT", "Allowance", "Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one connection takes. All sizes are bytes.

    Raises:
        ValueError: A limit is out of its range.
    """

    max_message: int = 4 << 20
    """The largest gRPC message, without its prefix. A larger one ends its stream with RESOURCE_EXHAUSTED."""

    max_header_list: int = 16 << 10
    """The largest field section, as HTTP/2 counts it: names, values, and 32 for each field."""

    max_streams: int = 100
    """How many streams a client may have open. More are refused."""

    stream_window: int = 4 << 20
    """What a peer may send in one stream before its owner has consumed any of it."""

    connection_window: int = 16 << 20
    """The same of all streams together. One that is not consumed, and may hold a message and a window, should leave
    something of it to the others."""

    max_frame: int = 64 << 10
    """The largest frame that we take, and that we write."""

    max_burst: int = 256 << 10
    """How many bytes of messages that had to wait are written before the socket has taken them: answers to pings and
    other streams have their turns in between."""

    max_partial: int = 64 << 20
    """How many bytes of messages that are not complete may be held for all streams together."""

    max_unread: int = 64 << 10
    """How many bytes of answers (to pings, settings, wrong frames) may wait for a peer that does not read."""

    idle_frames: int = 1000
    """How many frames that carry nothing a peer may send at once, before the connection is ended."""

    idle_frames_per_second: int = 100
    """How fast it may go on with them."""

    def __post_init__(self) -> None:
        ranges = {
            "max_message": (0, (1 << 32) - 1),
            "max_header_list": (1, 1 << 30),
            "max_streams": (0, LARGEST_WINDOW),
            "stream_window": (1, LARGEST_WINDOW),
            "connection_window": (1, LARGEST_WINDOW),
            "max_frame": (DEFAULT_FRAME_SIZE, LARGEST_FRAME_SIZE),
        }
        for name, (least, most) in ranges.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be from {least} to {most}, not {getattr(self, name)}")


DEFAULT = Limits()
"""What is taken where nobody says otherwise."""


class Allowance:
    """Counts the frames of a peer that cost us time and bring nothing.

    Settings, pings, priorities, resets, updates of windows, empty frames and refused streams are all right in their
    place, and an attack when they come without end: CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-27316,
    CVE-2025-8671. Each takes from an allowance that grows with time and, faster, with messages and data in either
    direction, so that no ordinary peer ever sees its end.
    """

    __slots__ = ("_burst", "_left", "_rate", "_seen", "_then")

    EARNED = 4
    """What each message, or each frame full of data, adds."""

    def __init__(self, burst: int, rate: int) -> None:
        self._burst = self._left = float(burst)
        self._rate = rate
        self._then: float | None = None
        self._seen = 0

    def spend(self, cost: int, now: float, progress: int) -> None:
        """Take `cost` from what is left.

        Args:
            cost: 1 for a frame that is only read, more where it makes work.
            now: The time in seconds.
            progress: How many messages and full frames have gone either way, ever.

        Raises:
            GoAwayError: Nothing is left.
        """
        if self._then is None:
            self._then = now
        earned = max(now - self._then, 0.0) * self._rate + (progress - self._seen) * self.EARNED
        self._left = min(self._left + earned, self._burst) - cost
        self._then = now
        self._seen = progress
        if self._left < 0:
            raise GoAwayError(ErrorCode.ENHANCE_YOUR_CALM, "too many frames that carry nothing")
