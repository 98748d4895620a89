"""One stream that we have opened to a node, from the moment it stands until it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

import grpc
from google.protobuf.message import DecodeError

from pygorums.base.errors import StatusError, StreamDownError, counted
from pygorums.sessions.hello import SESSION_KEY
from pygorums.streams.channel import RequestHandling, RequestServer
from pygorums.streams.intake import Intake
from pygorums.streams.opener_session import OpenerSession
from pygorums.streams.outgoing import CANCELLATION
from pygorums.streams.pending import PendingCalls
from pygorums.streams.refusing import refuse_larger, refuse_requests
from pygorums.streams.reply_sink import ReplySink
from pygorums.streams.send_queue import SendQueue
from pygorums.streams.vigil import Vigil
from pygorums.streams.writer import Writer
from pygorums.transports.interface import OpenedTransport
from pygorums.wire.batching import MAX_ENVELOPE
from pygorums.wire.framing import (
    ANNOUNCEMENT,
    LAST_CALL,
    MAYBE_SIGN,
    NO_SIGN,
    PIECE,
    SIGNS,
    Frame,
    Message,
    pieces,
    sign_end,
    split,
)
from pygorums.wire.handshake import NO_LIMIT, SLOWEST, Pairs, Terms

__all__ = ["OpenedStream"]

YIELD_AFTER = 256
"""An envelope of more replies than this lets other tasks have their turn before the next frame is read."""

TOGETHER = 1024
"""So many messages of one envelope are taken at once: without content each takes two bytes."""

LEAVE_GRACE = 1.0
"""Seconds that a node which leaves gets to answer what it has taken, while something waits for the next stream."""

END_COMES_FIRST = 0.1
"""Seconds in which a node that stops, and therefore leaves, says that it ends the session."""


class OpenedStream:
    """Uses a stream until it breaks: what comes goes to the calls that wait, what is queued is written.

    Args:
        transport: The stream.
        node_id: The node's ID.
        address: The node's address, for errors.
        queue: The queue of what is sent, which outlives the stream.
        pending: The calls that wait for replies.
        server: Handles the calls that the node makes back over the stream; without one they are refused.
        terms: What we agree to.
        session: The session that it is to be a stream of, or None.
        heartbeat: What the node has confirmed on the stream before, it will confirm again: so one that freezes
            before it has done so is noticed too.
        on_drained: Called when the node takes no more calls, though the stream goes on.
        suspect_after: From which level on silence makes the node suspected; None for never.
        on_suspicion: Called with whether it is suspected from now on.

    Attributes:
        heartbeat: Seconds between the signs of life that the node has confirmed.
        confirmed: Whether the node has confirmed any extension.
        heard: Whether any message has come, or another sign that the node has taken the stream.
        drained: Whether the node has said that it takes no more calls.
    """

    def __init__(
        self,
        transport: OpenedTransport,
        node_id: int,
        address: str,
        queue: SendQueue,
        pending: PendingCalls,
        *,
        server: RequestServer | None,
        terms: Terms,
        session: OpenerSession | None = None,
        heartbeat: float | None,
        on_drained: Callable[[], None],
        suspect_after: float | None,
        on_suspicion: Callable[[bool], None],
    ) -> None:
        self._on_drained = on_drained
        self._transport = transport
        self._writer = Writer(queue, transport)
        self._intake = Intake(
            transport,
            self._steps,
            brake=self._must_wait,
            failed=self._abort,
            ended=self._ended,
            together=YIELD_AFTER,
        )
        self._node_id = node_id
        self._address = address
        self._queue = queue
        self._pending = pending
        self._server = server
        self._terms = terms
        self._session = session
        self._took: Callable[[int, int], None] | None = None  # while what comes counts for the session
        self._replies = ReplySink(queue)
        self._handling: RequestHandling | None = None
        self._deciding: asyncio.TimerHandle | None = None
        self._vigil = Vigil(address, queue, self._last_heard_at, transport.abort, suspect_after, on_suspicion)
        self._leaving: asyncio.TimerHandle | None = None
        self._clock = asyncio.get_running_loop().time
        self._heard_at = self._clock()
        self._batching = False
        self._over: asyncio.Future[StatusError] = asyncio.get_running_loop().create_future()
        self.writable = self._writer.writable
        self.heartbeat = heartbeat
        self.confirmed = self.heard = self.drained = False

    def answered(self, accepted: Pairs, /) -> None:
        """Take note of the acceptor's metadata."""
        self._heard_at = self._clock()
        self.confirmed = bool(accepted) and any(key.startswith("pygorums-") for key, _ in accepted)
        agreement = self._terms.opened(accepted)
        self.heartbeat = agreement.heartbeat
        self._batching = agreement.batching
        self._queue.agree(agreement)
        if agreement.largest < NO_LIMIT:
            refuse_larger(self._queue, self._pending, self._node_id, self._address)
        self._vigil.begin(agreement.heartbeat, agreement.heartbeat_wanted)
        session = self._session
        if session is not None and session.undecided:
            self._decide(session, accepted)
        elif session is not None:
            session.heard_late(accepted)
        if self._server is not None:
            if session is not None and session.active and session.replies is not None:
                self._replies, self._handling = session.replies, session.handling
                return
            self._handling = self._server.handle_requests(
                self._pending,  # which outlives the stream
                self._replies,
                metadata=tuple(pair for pair in accepted if pair[0] != SESSION_KEY),
                peer=self._address,
                peer_id=self._node_id,
                mark_end=agreement.stream_end,
            )
            if session is not None and session.active:
                session.handles(self._handling, self._replies)

    def _decide(self, session: OpenerSession, accepted: Pairs | None) -> None:
        """It is known whether this is a stream of the session: what waits for that is written."""
        if self._deciding is not None:
            self._deciding.cancel()
        if session.decide(accepted, self._clock()):
            self._took = session.took if session.active else None
            self._writer.begin()
        else:
            self._transport.abort(StreamDownError(f"{self._address} has another count of what was sent"))

    async def use(self) -> StatusError:
        """Use the stream until it breaks, and say why it did."""
        try:
            self._vigil.begin(self.heartbeat)
            self._pending.no_more = self._drain
            self._transport.use(self)
            session = self._session
            if session is None or not session.offered:
                self._writer.begin()
            elif session.undecided:
                patience = session.patience(silent=self._transport.silent)
                if not patience:
                    self._decide(session, None)
                else:
                    self._deciding = asyncio.get_running_loop().call_later(patience, self._decide, session, None)
            return await self._over
        finally:
            self._intake.drop()
            if self._deciding is not None:
                self._deciding.cancel()
            self._vigil.stop()
            if self._leaving is not None:
                self._leaving.cancel()
            if self._session is None or self._session.replies is not self._replies:
                if self._handling is not None:
                    self._handling.stop()
                self._replies.stream_ended()
            self._writer.stop()

    def ended(self, error: StatusError | None, /) -> None:
        """Called by the transport: nothing more comes."""
        self._intake.end(error)

    def _ended(self, error: StatusError | None) -> None:
        self._writer.stop()
        if not self._over.done():
            self._over.set_result(error or StreamDownError(f"{self._address} ended the stream"))

    def leaving(self) -> None:
        """Called by the transport: the connection will end before long. What it has taken is still answered.

        So nothing new is written, and the node is told, which ends the stream when it has handled everything. It does
        not get so much time if somebody waits for the next stream. If the node calls back, and needs our answers, the
        stream goes on as it is.
        """
        self.heard = True
        session = self._session
        if self.drained:
            return
        if session is not None and session.active and session.final is None:
            self._leaving = self._leaving or asyncio.get_running_loop().call_later(END_COMES_FIRST, self._take_over)
        elif self._server is None and self._leaving is None:
            self._writer.finish()
            self._transport.finish()
            self._leave_on()

    def _drain(self) -> None:
        """The node takes no more calls: what was called before is the last."""
        if not self.drained and self._queue.drains:
            self.drained = True
            self._on_drained()
            self._queue.put_anyway(LAST_CALL, CANCELLATION)

    def _take_over(self) -> None:
        """Whoever leaves is a proxy, or its connection too old: the session goes on over another one."""
        if self._session is not None and self._session.final is None:
            self._transport.abort(StreamDownError(f"{self._address} has left"))

    def _leave_on(self) -> None:
        if self._leaving is not None and not self._queue.empty:
            self._transport.abort(StreamDownError(f"{self._address} has left"))
            return
        self._leaving = asyncio.get_running_loop().call_later(LEAVE_GRACE, self._leave_on)

    def _last_heard_at(self) -> float:
        return max(self._heard_at, self._transport.heard_at)

    def received(self, messages: Sequence[bytes], /) -> None:
        """Called by the transport: messages have come."""
        self.heard = True
        before, self._heard_at = self._heard_at, self._clock()
        if len(messages) > 1 or len(data := messages[0]) > PIECE or MAYBE_SIGN <= data < NO_SIGN:
            self._intake.take(messages)
            return
        # Nearly always; this only saves what steps would cost.
        if not data:
            if (suspicion := self._vigil.suspicion) is not None:
                suspicion.beat(self._heard_at - before)
            return
        try:
            taken = self._split(data, self._batching)
            if len(taken) > TOGETHER:
                self._intake.take(messages)
                return
            self._take(taken, len(data))
        except StatusError as error:
            self._abort(error)
            return
        if self._must_wait():
            self._intake.hold()

    def _steps(self, messages: Sequence[bytes]) -> Iterator[int]:
        batching, announced = self._batching, self.heartbeat is not None
        for data in messages:
            if announced and data.startswith(ANNOUNCEMENT):
                # What comes next may take its time.
                self._heard_at = self._clock() + Message.FromString(data).following / SLOWEST
                continue
            if data.startswith(SIGNS) and self._session is not None and self._session.active:
                data = self._take_sign(data, self._session)
                if not data:
                    continue
            for piece in pieces(data) if batching and len(data) > PIECE else (data,):
                taken = self._split(piece, batching)
                count = len(taken)
                for start in range(0, count, TOGETHER):
                    part = taken if count <= TOGETHER else taken[start : start + TOGETHER]
                    self._take(part, len(piece) * len(part) // count)
                    yield len(part)

    def _abort(self, error: StatusError) -> None:
        if self._session is not None:
            self._session.hopeless = error.message
        self._transport.abort(error)

    def _take_sign(self, data: bytes, session: OpenerSession) -> bytes:
        """Take note of what the node says of the session; what follows that in the same message."""
        end = sign_end(data)
        try:
            sign = Message.FromString(data[:end])
        except DecodeError:
            raise self._no_message(data) from None
        if sign.HasField("session_end"):
            # It takes no further request; what it has taken it still answers. It may need our answers, too.
            session.final = sign.session_end
            if self._server is None:
                self._took = None
                self._writer.finish()
        elif not session.acknowledged(sign.ack, sign.credit if sign.HasField("credit") else None):
            raise StatusError(grpc.StatusCode.INTERNAL, f"{self._address} has taken more than it was sent")
        return data[end:]

    def _must_wait(self) -> bool:
        """Whether the node has to take its replies first. What it takes is a sign of life meanwhile."""
        if not self._replies.full:
            return False
        self._heard_at = self._clock() + MAX_ENVELOPE / SLOWEST
        self._replies.on_progress = self._look_again
        return True

    def _look_again(self) -> None:
        if not self._must_wait():
            self._heard_at = self._clock()
            self._intake.go_on()

    def _split(self, data: bytes, batching: bool) -> Sequence[Message | Frame]:
        try:
            return split(data, batching=batching)
        except DecodeError:
            raise self._no_message(data) from None

    def _take(self, messages: Sequence[Message | Frame], size: int) -> None:
        """Hand on what came, so many bytes."""
        if self._took is not None and size:
            self._took(len(messages), size)
        requests = self._pending.deliver(messages, self._heard_at)
        if requests is not None:
            if self._session is not None and self._session.ended:
                return  # the node was told that these do not count any more
            if self._handling is not None:
                self._handling.take(requests, size)
                if self._handling.gap:
                    text = f"too many messages of {self._address} wait for their handlers: this end gives up"
                    raise StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
            else:
                refuse_requests(requests, self._replies)

    def _no_message(self, data: bytes) -> StatusError:
        text = f"{self._address} sent what is not a message ({counted(len(data), 'byte')})"
        return StatusError(grpc.StatusCode.INTERNAL, text)
