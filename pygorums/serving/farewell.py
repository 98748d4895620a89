"""Taking leave of the client of a stream, so that none of its calls is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pygorums.serving.in_order import InOrder
from pygorums.streams.outgoing import UNOWNED
from pygorums.streams.send_queue import SendQueue
from pygorums.transports.interface import Transport
from pygorums.wire.framing import LAST_CALL

__all__ = ["Farewell"]

ANSWER_WITHIN = 1.0
"""Seconds for which a client that was told may be silent before nothing more is expected of it."""


class Farewell:
    """Tells a client that no more calls are taken, and waits until it says that it has made its last one.

    Only a client that has agreed to that is told. One that stays silent is not waited for.

    Args:
        requests: What the client asks for.
        queue: What is sent to it.
        transport: The stream.
        done: Called, in the end or at once, when no more calls of it are to be taken.
    """

    def __init__(self, requests: InOrder, queue: SendQueue, transport: Transport, done: Callable[[], None]) -> None:
        self._requests = requests
        self._queue = queue
        self._transport = transport
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._look: asyncio.TimerHandle | None = None
        self._begun = False
        self._waited = False  # whether requests waited for their turn when it was last looked
        requests.callers.on_last = self._over

    def begin(self) -> None:
        """Tell it, if it wants to be told. A second time does nothing."""
        if not self._begun:
            self._begun = True
            if self._queue.drains:
                self._queue.put_anyway(LAST_CALL, UNOWNED)
                self._look = self._loop.call_later(ANSWER_WITHIN, self._look_again)
            else:
                self._done()

    def stop(self) -> None:
        """Wait no more: the stream has ended."""
        if self._look is not None:
            self._look.cancel()

    def _over(self) -> None:
        if self._begun:
            self.stop()
            self._done()

    def _look_again(self) -> None:
        now = self._loop.time()
        due = self._transport.heard_at + ANSWER_WITHIN
        waited, self._waited = self._waited, bool(self._requests.backlog.waiting)
        if self._waited or waited:  # and so it may have to wait, and cannot say anything
            due = now + ANSWER_WITHIN
        if due > now:  # what it has sent before may take its time
            self._look = self._loop.call_at(due, self._look_again)
        else:
            self._over()
