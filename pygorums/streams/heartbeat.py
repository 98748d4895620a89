"""Signs of life, so that a peer which is frozen or cut off is noticed.

gRPC's own pings do not do for clients: servers of other implementations end a connection on which pings come
often, and a client cannot know beforehand whom it talks to. So a client offers `pygorums-heartbeat` with a number
of milliseconds, and a server that confirms it sends an empty message whenever it has sent nothing else for that
long. It sends them from its event loop, whether a handler is busy or not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from time import monotonic

from pygorums.streams.writer import UNOWNED, Writer

__all__ = ["HEARTBEAT_KEY", "Heartbeat", "SilenceWatch", "heartbeat_of"]

HEARTBEAT_KEY = "pygorums-heartbeat"

SHORTEST = 0.05
"""Seconds; a client that wants to hear more often is not obliged."""

PATIENCE = 1.75
"""How many heartbeats' time a client waits: at least one was due by then, and it is before two are."""


def heartbeat_of(metadata: Iterable[tuple[str, str | bytes]]) -> float | None:
    """The seconds between heartbeats that a peer offers or confirms; None if it does not."""
    for key, value in metadata:
        if key == HEARTBEAT_KEY and isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
            return max(int(value) / 1000, SHORTEST)
    return None


class Heartbeat:
    """The acceptor's part: keeps a stream from being silent for more than `interval` seconds, until stopped."""

    def __init__(self, writer: Writer, interval: float) -> None:
        self._writer = writer
        self._every = interval / 2
        self._loop = asyncio.get_running_loop()
        self._sent = writer.write_count
        self._timer = self._loop.call_later(self._every, self._beat)

    def stop(self) -> None:
        """Send no more."""
        self._timer.cancel()

    def _beat(self) -> None:
        # What waits already is a sign of life too, if it ever gets through; more of it would only pile up.
        if self._writer.write_count == self._sent and self._writer.empty:
            self._writer.put(b"", UNOWNED)
        self._sent = self._writer.write_count
        self._timer = self._loop.call_later(self._every, self._beat)


class SilenceWatch:
    """The opener's part: calls `on_silence` once nothing was heard for too long, until stopped.

    Args:
        interval: Seconds between heartbeats.
        heard_at: When something was last heard, by the monotonic clock.
        on_silence: Called with the length of the silence in seconds, at most once.
    """

    def __init__(self, interval: float, heard_at: Callable[[], float], on_silence: Callable[[float], None]) -> None:
        self._limit = interval * PATIENCE
        self._heard_at = heard_at
        self._on_silence = on_silence
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self._limit, self._check)

    def stop(self) -> None:
        """Watch no more."""
        self._timer.cancel()

    def _check(self) -> None:
        silence = monotonic() - self._heard_at()
        if silence >= self._limit:
            self._on_silence(silence)
        else:
            self._timer = self._loop.call_later(self._limit - silence, self._check)
