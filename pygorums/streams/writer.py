"""What drives the frames of a queue out over one stream.

How it works. gRPC allows one write at a time, and ends the stream if that is cancelled; so callers never write, they
put frames into the queue. Here one write follows the other. Each time one completes, all that has queued up meanwhile
goes out, as one envelope if the peer takes envelopes: the busier a stream is, the larger they get, and the less a
message costs. While nothing is being written a frame leaves in the next turn of the event loop, with those that are put
until then.

A write is a coroutine of the transport, but no task runs it: `_proceed` steps it by hand, until it waits for a future,
and is that future's callback. So the next write begins in the very turn in which the transport is ready for it, and
one that does not have to wait costs no turn at all. `run` only waits for a write to fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from pygorums.streams.send_queue import SendQueue

__all__ = ["Send", "Writer"]

Send = Callable[[bytes], Coroutine[Any, Any, None]]
"""Writes one frame; done when the transport has taken it."""


class Writer:
    """Sends what a queue holds over one stream.

    Args:
        queue: The queue.
        send: Writes to the stream.
    """

    def __init__(self, queue: SendQueue, send: Send) -> None:
        self._queue = queue
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()  # gets the exception when a write fails
        self._write: Coroutine[Any, Any, None] | None = None  # that has begun
        self._awaited: asyncio.Future[Any] | None = None  # what it waits for
        self._stopped = False

    async def run(self) -> None:
        """Send what is queued, for ever, or until a write fails, and raise what it raised.

        Then, and when this is cancelled, the frames of the last write are gone from the queue, which has to be
        told that its stream broke.
        """
        self._proceed(None)
        try:
            await self._over
        finally:
            self._stop()

    def _begin(self) -> None:
        self._queue.wake = None
        # Callers whose replies came together have their turn in this round: a first one alone would part from them.
        self._loop.call_soon(self._proceed, None)

    def _proceed(self, awaited: asyncio.Future[Any] | None) -> None:
        """Go on with the write that has waited for `awaited`, and then with further ones until one has to wait."""
        if awaited is not self._awaited or self._stopped:
            return  # the stream is over
        queue = self._queue
        try:
            while True:
                write = self._write
                if write is None:
                    data = queue.next_data()
                    if data is None:
                        queue.wake = self._begin
                        return
                    queue.wrote_at = self._loop.time()
                    write = self._write = self._send(data)
                try:
                    self._awaited = write.send(None)
                except StopIteration:
                    self._write = self._awaited = None
                    queue.wrote()
                else:
                    if self._awaited is not None:
                        self._awaited.add_done_callback(self._proceed)
                    else:  # it only lets others have their turn
                        self._loop.call_soon(self._proceed, None)
                    return
        except Exception as error:
            if not self._over.done():
                self._over.set_exception(error)
                self._over.exception()  # `run` may be cancelled at this moment, and never see it

    def _stop(self) -> None:
        write, self._write = self._write, None
        awaited, self._awaited = self._awaited, None
        self._stopped = True
        self._queue.wake = None
        if awaited is not None and not awaited.cancel() and not awaited.cancelled():
            awaited.exception()  # or it would be said that nobody has asked for it
        if write is not None:
            with suppress(BaseException):
                write.throw(asyncio.CancelledError())
            write.close()
