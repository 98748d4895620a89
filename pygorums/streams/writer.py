"""What drives the frames of a queue out over one stream.

How it works. Callers never write, they put frames into the queue. In the event loop's next turn all that was put until
then goes out, as one envelope if the peer takes envelopes: callers whose replies came together write together again.
While the stream takes nothing the queue fills, and all that is there goes out when it does: the busier a stream is, the
larger the envelopes get, and the less a message costs.
"""

from __future__ import annotations

import asyncio

from pygorums.streams.send_queue import SendQueue
from pygorums.tasks.turns import soon
from pygorums.transports.interface import Transport

__all__ = ["Writer"]


class Writer:
    """Sends what a queue holds over one stream.

    Args:
        queue: The queue.
        transport: The stream, whose user has to hand on `StreamUser.writable`.
    """

    def __init__(self, queue: SendQueue, transport: Transport) -> None:
        self._queue = queue
        self._write = transport.write
        self._at_once = transport.at_once
        self._loop = asyncio.get_running_loop()
        self._clock = self._loop.time
        self._stopped = False
        self._finished = False

    def begin(self) -> None:
        """Send what is queued, now and later."""
        self._flush()

    def finish(self) -> None:
        """Begin no further write: what is not written yet waits for the next stream."""
        self._finished = True
        self._queue.wake = None

    def stop(self) -> None:
        """Send nothing more. If frames were being written, the queue has to be told that its stream broke."""
        if not self._stopped:
            self._stopped = True
            self._queue.wake = None  # by now it may be another stream's

    def writable(self) -> None:
        """The stream has taken what it had not before."""
        if not self._stopped:
            self._queue.wrote()
            self._flush()

    def _begin_soon(self) -> None:
        self._queue.wake = None
        # Callers whose replies came together have their turn in this round: a first one alone would part from them.
        soon(self._loop, self._flush)

    def _flush(self) -> None:
        """Write until the queue is empty or the stream takes no more for now."""
        if self._stopped or self._finished:
            return
        queue = self._queue
        while messages := queue.next_messages(self._at_once):
            queue.wrote_at = self._clock()
            if not self._write(messages):
                return
            queue.wrote()
        queue.wake = self._begin_soon
