"""How a channel to a node is closed: what was sent gets a little time to arrive, over other streams if it has to."""

from __future__ import annotations

import asyncio
from functools import partial

from pygorums.streams.opener_session import OpenerSession
from pygorums.streams.send_queue import SendQueue
from pygorums.tasks.joined import resolve
from pygorums.transports.interface import OpenedTransport

__all__ = ["CLOSE_GRACE", "CLOSE_SOON", "Leaving"]

CLOSE_GRACE = 1.0
"""Seconds that a peer gets to take what was sent already."""

CLOSE_SOON = 0.1
"""The same where nothing is on its way that anybody might want to arrive."""


class Leaving:
    """Ends each stream of a channel in peace: all that is queued is written, the session ended, then the stream.

    The peer ends it, too, when it has handled everything. In a session it has said by then what it has taken; a stream
    that breaks before that is followed by another one, whose end is this one's business again.

    Args:
        queue: What is sent.
        session: The session with the node, or None.
        patience: Seconds that the peer has to end a stream.
    """

    def __init__(self, queue: SendQueue, session: OpenerSession | None, patience: float) -> None:
        self._queue = queue
        self._session = session
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._time_up: asyncio.Future[None] = self._loop.create_future()
        self._finishing: asyncio.Task[None] | None = None
        self._timers = [self._loop.call_later(CLOSE_GRACE, partial(resolve, self._time_up))]

    def stands(self, transport: OpenedTransport) -> None:
        """There is a stream: end it."""
        if self._finishing is not None:
            self._finishing.cancel()
        self._finishing = self._loop.create_task(self._finish(transport), name="pygorums close")

    async def _finish(self, transport: OpenedTransport) -> None:
        queue, session = self._queue, self._session
        if session is not None and session.undecided and session.owes:
            await session.decided()
        await queue.drained(0, everything=True)
        if session is not None:
            session.end()
            await queue.drained(0)
        transport.finish()
        if self._patience < CLOSE_GRACE:
            self._timers.append(self._loop.call_later(self._patience, partial(resolve, self._time_up)))

    async def over(self, task: asyncio.Task[None]) -> None:
        """Wait until there is nothing more to do, which is when `task` has ended, or no time."""
        try:
            await asyncio.wait({task, self._time_up}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for timer in self._timers:
                timer.cancel()
            if self._finishing is not None:
                self._finishing.cancel()
                await asyncio.wait({self._finishing})
