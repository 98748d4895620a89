"""One stream that a client has opened to us, from when it was let in until it has ended."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from pygorums.base.errors import StatusError, StreamDownError, counted
from pygorums.serving.accepted_session import AcceptedSession
from pygorums.serving.brake import Brake
from pygorums.serving.farewell import Farewell
from pygorums.streams.intake import Intake
from pygorums.streams.pending import PendingCalls
from pygorums.streams.writer import Writer
from pygorums.transports.interface import Transport
from pygorums.wire.framing import MAYBE_SIGN, NO_SIGN, PIECE, SERVER_INITIATED, SIGNS, Frame, Message, pieces, split
from pygorums.wire.handshake import Pairs

__all__ = ["AcceptedStream"]

TOGETHER = 1024
"""So many messages of an envelope are taken before other streams have their turn."""

SMALL = 2048
"""Bytes of what has no more messages than that: each takes two at least."""

LAST_WORDS = 1.0
"""Seconds that a client gets to take what was written to it before its stream is ended with a status."""

DISMISSAL_GRACE = 1.0
"""Seconds that handlers have to answer what has come, when their client is not wanted any more."""

HEARD_APART = 0.5
"""Seconds between two times that others are told that a node is heard."""


class AcceptedStream:
    """Serves one stream until it ends.

    A client is braked (`Brake`). If that does not do, because it is a node that owes us a reply, the stream ends.

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
        self._counts = session.half is not None
        self._requests = session.requests
        self._queue = session.queue
        self._replies = session.requests.replies
        self._batching = batching
        self._heartbeats = heartbeats
        self._pending = session.pending
        self._on_heard = on_heard
        self._on_connect = on_connect
        self._connecting: asyncio.Task[None] | None = None
        self._broken: StatusError | None = None
        self._dismissal: StatusError | None = None  # what to end the stream with when all is handled
        self._last_moment: asyncio.TimerHandle | None = None
        self._gone = False  # whether there is nobody to write to any more
        self.went_on = False  # whether the session has not ended with the stream
        self._taking = True  # whether further requests are handled
        self._reading = True  # whether to listen on, be it for replies only
        self._within = False  # whether a message is being taken
        self._told_at = -math.inf  # when others were told that the node is heard
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._writer = Writer(session.queue, transport)
        self.writable = self._writer.writable
        self._intake = Intake(
            transport,
            self._steps,
            brake=self._must_wait,
            failed=self.end_with,
            ended=self._finished,
            together=TOGETHER,
        )
        self._brake = Brake(session.requests, session.queue, self._intake.go_on, peer)
        self._brake.pending = session.pending
        self._farewell = Farewell(session.requests, session.queue, transport, self._take_no_more)
        self.when_idle = session.when_idle

    @property
    def tasks(self) -> Sequence[asyncio.Task[None]]:
        """The tasks that run handlers, or wait for them to go on."""
        return (*self._requests.tasks, *(() if self._brake.task is None else (self._brake.task,)))

    @property
    def open(self) -> bool:
        """Whether further requests are handled."""
        return self._taking

    def drain(self) -> None:
        """Ask for no more requests; `serve` returns once those that come before the last are handled and answered."""
        self._farewell.begin()

    async def asked_all(self) -> None:
        """Wait until no more requests are taken."""
        await asyncio.shield(self._over)

    def _take_no_more(self) -> None:
        self._taking = False
        self._session.finish()
        self._end(None)

    def replaced(self) -> None:
        """The client has opened a new stream: what it asked for over this one it will ask for again over that."""
        self._end(StatusError(grpc.StatusCode.ABORTED, f"{self._peer} has opened a new stream"))

    def call_back(self, pending: PendingCalls) -> None:
        """The client is a node that we call back from now on."""
        self._pending = self._brake.pending = pending

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

    def _end(self, error: StatusError | None) -> None:
        if error is not None:
            self._broken = self._broken or error
            self._give_up()
            if self._connecting is not None:
                self._connecting.cancel()
        if not self._over.done():
            self._over.set_result(None)

    def _give_up(self) -> None:
        """Handle nothing any more, and listen to nothing."""
        self._taking = False
        if self._reading:
            self._reading = False
            self._transport.pause()
            self._intake.drop()
            self._brake.cancel()
            self.went_on = self._session.broke(self)
            if self.went_on:
                self._gone = True
                self._writer.stop()
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
            if self._reading:
                self._session.succession.begin(self._requests)
            # The future is not awaited bare: it would be cancelled together with whoever waits here.
            await asyncio.shield(self._over)
            if not self.went_on:
                await self._requests.finished()
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

    def received(self, messages: Sequence[bytes], /) -> None:
        """Called by the transport: messages have come."""
        if not self._reading:
            return
        if len(messages) > 1 or len(data := messages[0]) > SMALL or self._pending is not None or not self._taking:
            self._intake.take(messages)
            return
        # Nearly always; this only saves what steps would cost.
        del messages
        if not data and self._heartbeats:
            return
        try:
            if self._counts and MAYBE_SIGN <= data < NO_SIGN and data.startswith(SIGNS):
                self._take_sign(data)
            else:
                self._put(self._split(data), len(data))
        except StatusError as error:
            self.end_with(error)
            return
        if self._must_wait():
            self._intake.hold()

    def answered(self, metadata: Pairs, /) -> None:
        """Never called at this end."""

    def leaving(self) -> None:
        """Called by the transport: the client opens no more streams on this connection, which does not matter."""

    def ended(self, error: StatusError | None, /) -> None:
        """Called by the transport: the client has sent all it had to send, or the stream broke."""
        if error is None:
            self._intake.end(None)
        else:
            self._gone = True
            self._end(error)
            self._stop_writing()

    def _finished(self, error: StatusError | None) -> None:
        """The client sends nothing more. If it has not ended its session, something on the way has ended its stream."""
        if error is None and self._session.resumable:
            error = StreamDownError(f"{self._peer} has ended its stream, and not its session")
        self._end(error)

    def _take_sign(self, data: bytes) -> None:
        """Take note of what the client says of the session."""
        sign = self._split(data)[0]
        if sign.HasField("session_end"):
            self._session.ended()
        elif not self._session.acknowledged(sign.ack):
            raise StatusError(grpc.StatusCode.INTERNAL, f"{self._peer} has taken more than it was sent")

    def _steps(self, messages: Sequence[bytes]) -> Iterator[int]:
        batching, heartbeats, pending = self._batching, self._heartbeats, self._pending
        if pending is not None and (now := self._loop.time()) - self._told_at > HEARD_APART:
            self._told_at = now
            self._on_heard()
        left = deque(messages)
        del messages  # what is taken may be kept as something smaller, if handlers run for long
        while left:
            data = left.popleft()
            if heartbeats and not data:
                continue
            if self._counts and data.startswith(SIGNS):
                self._take_sign(data)
                continue
            self._within = True
            for piece in pieces(data) if batching and len(data) > PIECE else (data,):
                together = self._split(piece)
                count = len(together)
                for start in range(0, count, TOGETHER):
                    part = together if count <= TOGETHER else together[start : start + TOGETHER]
                    size = len(piece) * len(part) // count
                    replies = 0
                    if pending is not None:
                        requests = self._deliver(part, pending)
                        replies, part = len(part) - len(requests), requests
                        del requests
                    if self._taking:  # or handlers may still wait for replies
                        self._put(part, size, replies)
                    del part
                    if count > TOGETHER:
                        yield TOGETHER
                del piece, together
            del data
            self._within = False
            yield count

    def _split(self, data: bytes) -> Sequence[Message | Frame]:
        try:
            return split(data, batching=self._batching)
        except DecodeError:
            text = f"{self._peer} sent what is not a message ({counted(len(data), 'byte')})"
            raise StatusError(grpc.StatusCode.INTERNAL, text) from None

    def _deliver(self, messages: Sequence[Message | Frame], pending: PendingCalls) -> Sequence[Message | Frame]:
        """Give replies to their calls; the requests among the messages."""
        replies = [message for message in messages if message.message_seq_no >= SERVER_INITIATED]
        if not replies:
            return messages
        pending.deliver(replies, self._loop.time())
        return [message for message in messages if message.message_seq_no < SERVER_INITIATED]

    def _put(self, requests: Sequence[Message | Frame], size: int, replies: int = 0) -> None:
        """Have requests handled, which came together with replies that were delivered.

        Raises:
            StatusError: There is no room for a one-way message. It could be refused, but its sender would not know,
                and go on to send others as if it had been handled.
        """
        if self._counts:
            # Before handlers start, so that what they send is not sent before the client is known to have declined.
            self._session.took(len(requests) + replies, size)
        for refused in self._requests.put(requests, size) if requests else ():
            if self._requests.is_one_way(refused.method):
                text = f"too many messages wait for their handlers: there is no room for one of {refused.method}"
                raise StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
            self._replies.overloaded(refused)

    def _must_wait(self) -> bool:
        """Whether the client is braked; then somebody waits until that is over.

        A node that we call back is not while a handler may wait for its reply.
        """
        if self._within:
            return False
        if not self._reading:
            return True
        return self._brake.must_wait()
