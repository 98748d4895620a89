"""One stream that a client has opened to us, from when it was let in until it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import grpc

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.serving.accepted_session import AcceptedSession
from pygorums.serving.arrivals import Arrivals
from pygorums.serving.farewell import Farewell
from pygorums.streams.writer import Writer
from pygorums.transports.interface import Transport
from pygorums.wire.handshake import Pairs

__all__ = ["AcceptedStream"]

LAST_WORDS = 1.0
"""Seconds that a client gets to take what was written to it before its stream is ended with a status."""

DISMISSAL_GRACE = 1.0
"""Seconds that handlers have to answer what has come, when their client is not wanted any more."""


class AcceptedStream:
    """Serves one stream until it ends.

    Args:
        transport: The accepted end of the stream.
        peer: The client's address, for texts.
        session: What the client has here, which may outlive the stream.
        batching: Whether the client may send envelopes.
        heartbeats: Whether an empty message of the client is a sign of life, and means nothing else.
        on_heard: Called from time to time while messages come over the stream of a node that we call back.
        on_connect: Awaited before the first request is handled; it may call back over the stream already. Or None.
    """

    def __init__(
        self,
        transport: Transport,
        peer: str,
        session: AcceptedSession,
        *,
        batching: bool,
        heartbeats: bool,
        on_heard: Callable[[], None],
        on_connect: Callable[[], Coroutine[Any, Any, None]] | None,
    ) -> None:
        self._transport = transport
        self._peer = peer
        self._session = session
        self._requests = session.requests
        self._queue = session.queue
        self._on_connect = on_connect
        self._connecting: asyncio.Task[None] | None = None
        self._broken: StatusError | None = None
        self._dismissal: StatusError | None = None  # what to end the stream with when all is handled
        self._last_moment: asyncio.TimerHandle | None = None
        self._gone = False  # whether there is nobody to write to any more
        self._settles = False  # whether what was taken is handled though the stream is over
        self._finishing: asyncio.Task[None] | None = None  # while it ends in peace, and that is waited for
        self.went_on = False  # whether the session has not ended with the stream
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._writer = Writer(session.queue, transport)
        self.writable = self._writer.writable
        self._arrivals = Arrivals(
            transport,
            peer,
            session,
            batching=batching,
            heartbeats=heartbeats,
            on_heard=on_heard,
            failed=self.end_with,
            ended=self._finished,
        )
        self.received = self._arrivals.received
        self.call_back = self._arrivals.call_back
        self._farewell = Farewell(session.requests, session.queue, transport, self._take_no_more)
        self.when_idle = session.when_idle

    @property
    def tasks(self) -> Sequence[asyncio.Task[None]]:
        """The tasks that run handlers, or wait for them to go on."""
        braked = self._arrivals.brake.task
        return (*self._requests.tasks, *(() if braked is None else (braked,)))

    @property
    def open(self) -> bool:
        """Whether further requests are handled."""
        return self._arrivals.taking

    def drain(self) -> None:
        """Ask for no more requests; `serve` returns once those that come before the last are handled and answered."""
        if not self._settles:
            self._farewell.begin()

    async def say_end(self) -> None:
        """The server stops now: tell the client what was taken, so that it knows that all else will not be handled."""
        self._arrivals.taking = False
        if self._session.resumable:
            self._session.finish()
            await self._queue.drained(0)

    async def asked_all(self) -> None:
        """Wait until no more requests are taken."""
        await asyncio.shield(self._over)

    def _take_no_more(self) -> None:
        self._arrivals.taking = False
        self._session.finish()
        self._end(None)

    def replaced(self) -> None:
        """The client has opened a new stream: what it asked for over this one it will ask for again over that."""
        self._end(StatusError(grpc.StatusCode.ABORTED, f"{self._peer} has opened a new stream"))

    def dismiss(self, error: StatusError) -> None:
        """Take no more requests, and end the stream with an error soon, when those that have come are answered."""
        self._dismissal = error
        self._last_moment = self._loop.call_later(DISMISSAL_GRACE, self._end, error)
        self._take_no_more()

    def end_with(self, error: StatusError) -> None:
        """End the stream with an error of this end, which ends the session too: it would be so again."""
        self._session.decline()
        self._end(error)

    def cut(self) -> None:
        """The server stops: cancel all handlers."""
        self._session.decline()
        self._give_up()
        if not self.went_on:
            self._session.cancel()

    def _end(self, error: StatusError | None, *, broke: bool = False) -> None:
        if error is not None:
            self._broken = self._broken or error
            self._give_up(broke=broke)
            if self._connecting is not None:
                self._connecting.cancel()
        if not self._over.done():
            self._over.set_result(None)

    def _give_up(self, *, broke: bool = False) -> None:
        """Listen to nothing, and handle nothing any more, unless the session goes on or the client has to rely on it.

        Args:
            broke: Whether that is neither this end's will nor the client's.
        """
        if self._arrivals.reading:
            self._arrivals.stop()
            self.went_on = self._session.broke(self)
            if self.went_on:
                self._gone = True
                self._writer.stop()
            elif broke and self._dismissal is None and self._session.settle():
                self._gone = self._settles = True
                if self._finishing is not None:
                    self._finishing.cancel()
            else:
                self._session.cancel()

    async def serve(self) -> None:
        """Handle requests until the client ends the stream, it breaks, is replaced, or `drain` was called.

        When the client ends it, or it is drained, what has been received is handled and answered first. When it
        breaks or is replaced, or this is cancelled, a session goes on. Without one handlers are cancelled: the client
        will send unanswered requests again on its next stream, and two streams must not handle requests of one client
        side by side.

        Raises:
            StatusError: The stream broke, or the client sent bytes that are not a message.
        """
        self._requests.owner = asyncio.current_task()
        self._transport.use(self)
        self._writer.begin()
        try:
            await self._connected()
            if self._arrivals.reading:
                self._session.succession.begin(self._requests)
            # The future is not awaited bare: it would be cancelled together with whoever waits here.
            await asyncio.shield(self._over)
            if not self.went_on and not self._settles:
                await self._finished_requests()
            if (error := self._broken or self._dismissal) is not None:
                raise error
            await self._queue.drained(0)
        except StatusError as error:
            self._broken = error
            self._give_up()
            await self._last_words()
            raise
        except asyncio.CancelledError:
            # Of whatever accepts streams, because the connection is gone or the server stops.
            self._broken = self._broken or StreamDownError(f"the connection to {self._peer} is gone")
            self._give_up(broke=True)
            raise
        finally:
            if self._last_moment is not None:
                self._last_moment.cancel()
            self._farewell.stop()
            self._give_up()
            self._stop_writing()

    def _stop_writing(self) -> None:
        self._writer.stop()
        if self.went_on:
            return
        ended_with = self.ended_with
        self._session.unlist(ended_with)  # before it is forgotten what has not left
        self._queue.stream_broke(ended_with)
        self._queue.discard(ended_with)

    async def _connected(self) -> None:
        """Have `on_connect` done with the stream, unless it breaks before that.

        Raises:
            StatusError: It did.
        """
        if self._on_connect is not None and not self._session.greeted:
            self._connecting = self._loop.create_task(self._on_connect())
            try:
                await asyncio.wait({self._connecting})
            finally:
                self._connecting.cancel()
        if self._broken is not None:
            raise self._broken
        self._session.greeted = True

    async def _finished_requests(self) -> None:
        """Wait until what came is handled, or the stream breaks meanwhile and need not stay for that."""
        self._finishing = self._loop.create_task(self._requests.finished(), name=f"pygorums end of {self._peer}")
        try:
            await asyncio.wait({self._finishing})
        finally:
            self._finishing.cancel()

    @property
    def broken(self) -> StatusError | None:
        """Why the stream did not end in peace, if it did not."""
        return self._broken

    @property
    def ended_with(self) -> StatusError:
        """Why the stream has ended."""
        return self._broken or StreamDownError(f"{self._peer} has ended its stream")

    async def _last_words(self) -> None:
        """Let what is written leave before the status that ends the stream."""
        if not self._gone:
            drained = self._loop.create_task(self._queue.drained(0))
            await asyncio.wait({drained}, timeout=LAST_WORDS)
            drained.cancel()

    def answered(self, metadata: Pairs, /) -> None:
        """Never called at this end."""

    def leaving(self) -> None:
        """Called by the transport: the client opens no more streams on this connection, which does not matter."""

    def ended(self, error: StatusError | None, /) -> None:
        """Called by the transport: the client has sent all it had to send, or the stream broke."""
        if error is None:
            self._arrivals.end(None)
        else:
            self._gone = True
            self._end(error, broke=True)
            self._stop_writing()

    def _finished(self, error: StatusError | None) -> None:
        """The client sends nothing more. If it has not ended its session, something on the way has ended its stream."""
        if error is None and self._session.resumable:
            error = StreamDownError(f"{self._peer} has ended its stream, and not its session")
        self._end(error)
