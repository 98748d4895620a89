"""Signs of life, so that a peer which is frozen or cut off is noticed, and one that is only slow is not.

gRPC's own pings do not do for clients: servers of other implementations end a connection on which pings come
often, and a client cannot know beforehand whom it talks to. So a client offers `pygorums-heartbeat` with a number
of milliseconds, and a server that confirms it sends an empty message whenever it has sent nothing else for half
that long. It sends them from its event loop, whether a handler is busy or not.

Here only whole messages are seen to arrive, and over a slow network a large one takes its time. Therefore such a
server tells the length of a large message beforehand, and puts no more into one envelope than may be late without
worrying anybody.

A server pings its clients, which any of them answers; but gRPC sends no ping to one who has just sent something, and a
ping may wait for long behind what is on its way to a slow client. So the server says how often it would like to hear
from a client that knows heartbeats, and that sends them too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pygorums.streams.send_queue import SendQueue
from pygorums.wire.handshake import PATIENCE

__all__ = ["Heartbeat", "SilenceWatch"]

LOOKS = 8
"""How often a watch looks before it gives the other end up."""


class Heartbeat:
    """Keeps a stream from being silent for more than half of `interval` seconds, until stopped."""

    def __init__(self, queue: SendQueue, interval: float) -> None:
        self._queue = queue
        self._every = interval / 2
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self._every, self._beat)

    def stop(self) -> None:
        """Send no more."""
        self._timer.cancel()

    def _beat(self) -> None:
        now = self._loop.time()
        due = self._queue.wrote_at + self._every
        if due <= now:
            due = now + self._every
            # What waits already is a sign of life too, if it ever gets through; more of it would only pile up.
            self._queue.beat()
        self._timer = self._loop.call_at(due, self._beat)


class SilenceWatch:
    """Calls `on_silence` once nothing was heard for too long, until stopped.

    It looks several times, and only what it sees counts: while this process is held up itself, by work or by a
    debugger, nobody reads what has come.

    Args:
        interval: Seconds between heartbeats.
        heard_at: When something was last heard, by the clock of the event loop; later than now if it was something
            that announced what may take until then.
        on_silence: Called with the length of the silence in seconds, at most once.
    """

    def __init__(self, interval: float, heard_at: Callable[[], float], on_silence: Callable[[float], None]) -> None:
        self._step = interval * PATIENCE / LOOKS
        self._heard_at = heard_at
        self._last = heard_at()
        self._in_vain = 0
        self._on_silence = on_silence
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self._step, self._look)

    def stop(self) -> None:
        """Watch no more."""
        self._timer.cancel()

    def _look(self) -> None:
        heard_at, silence = self._heard_at(), self._loop.time() - self._heard_at()
        if heard_at != self._last or silence < 0:
            self._last = heard_at
            self._in_vain = 0
        else:
            self._in_vain += 1
            if self._in_vain >= LOOKS:
                self._on_silence(silence)
                return
        self._timer = self._loop.call_later(self._step, self._look)
