"""The stream that we open to a node, and open again whenever it breaks.

How it works. One task opens the stream, waits until it breaks (`OpenedStream`), waits a little and opens it again; it
does nothing else. Callers never touch the stream: they put frames into the queue and entries into the table of pending
calls, both of which outlive it. So no timeout and no cancellation of a call can harm it, and what a caller finds
depends on one state alone (`Reach`).

When a stream breaks, nobody can know which of the messages that it had taken have arrived. Calls that wait for one
reply are sent again on the next one, in their order and before all that is newer: a node may get such a request twice,
never out of order. Streaming calls fail, for some of their replies may have come, and so do one-way messages that were
being written. What was not written yet just goes on waiting.
"""
# ruff: noqa: D102 - methods without a docstring are as Channel says

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import grpc

from pygorums.base.backoff import Backoff
from pygorums.base.errors import NodeClosedError, StatusError, StreamDownError, renewed
from pygorums.base.handling import HANDLING
from pygorums.base.session import Session
from pygorums.streams.channel import RequestServer
from pygorums.streams.connection_log import LinkLog
from pygorums.streams.leaving import CLOSE_GRACE, CLOSE_SOON, Leaving
from pygorums.streams.opened_stream import OpenedStream
from pygorums.streams.opener_session import OpenerSession
from pygorums.streams.options import DEFAULT_OPTIONS, StreamOptions
from pygorums.streams.outgoing import Outgoing
from pygorums.streams.pending import PendingCall, PendingCalls
from pygorums.streams.reach import Reach, State
from pygorums.streams.resending import resend_unanswered, tell_time_left
from pygorums.streams.send_queue import SendQueue
from pygorums.transports.interface import ConnectionLostError, Connector, OpenedTransport
from pygorums.wire.handshake import INSTANCE_KEY, Pairs

__all__ = ["OutboundChannel"]

LONG_LIVED = 1.0
"""Seconds that a stream must have stood for its end to count as new, and not as one more failed attempt."""


class OutboundChannel:
    """Sends calls to one node over a stream that it keeps open in the background.

    Args:
        node_id: The node's ID, for errors.
        address: The node's address, for errors.
        connect: Opens a new stream.
        metadata: Sent whenever a stream is opened, the extensions that we offer included.
        send_buffer: How many bytes may wait for the node.
        options: What we agree to.
        backoff: The rhythm of reopening.
        on_change: Called when the node gets connected, is found to be down, or was closed.
        server: Handles the calls that the node makes back over the stream; without one they are refused.
        chance: Varies the waits, and gives the number that the node knows us by, which nobody should guess.
        session: How a session is kept with the node; None for none.
    """

    inbound = False
    suspected = False

    def __init__(
        self,
        node_id: int,
        address: str,
        connect: Connector,
        *,
        metadata: Pairs,
        send_buffer: int,
        backoff: Backoff,
        on_change: Callable[[], None],
        server: RequestServer | None = None,
        options: StreamOptions = DEFAULT_OPTIONS,
        chance: random.Random,
        session: Session | None = None,
    ) -> None:
        self._node_id = node_id
        self._address = address
        self._connect = connect
        # So that the node knows us again, and handles nothing of an older stream beside the new one.
        self._metadata = (*metadata, (INSTANCE_KEY, f"{chance.getrandbits(128):032x}"))
        self._send_buffer = send_buffer
        self._backoff = backoff
        self._on_change = on_change
        self._server = server
        self._options = options
        self._chance = chance
        self._loop = asyncio.get_running_loop()
        self._queue = SendQueue(node_id, send_buffer)
        self.pending = PendingCalls(node_id, send_buffer)
        self._session: OpenerSession | None = None
        if session is not None:
            self._session = OpenerSession(
                node_id, address, self._queue, self.pending, send_buffer, session.keep, chance, self._keep_over
            )
            if server is not None:
                self._session.is_called_back()
        self._reach = Reach(backoff.initial, self._went_down)
        self._transport: OpenedTransport | None = None  # while the stream stands
        self._heartbeat: float | None = None
        self._posted = False  # whether any one-way message ever was
        self._leaving: Leaving | None = None  # once it is closed, while there is something to do for that
        self._log = LinkLog(node_id, address)
        self.last_error: Exception | None = None
        self.opened = 0
        self._task = self._loop.create_task(self._run(), name=f"pygorums node {node_id} ({address})")

    @property
    def connected(self) -> bool:
        return self._reach.state is State.CONNECTED

    @property
    def waiting(self) -> int:
        return len(self.pending)

    @property
    def queued_bytes(self) -> int:
        return self._queue.queued_bytes + self._queue.held_bytes

    @property
    def closed(self) -> bool:
        return self._reach.state is State.CLOSED

    @property
    def ended(self) -> bool:
        """Whether nothing of it is open, or will not be in a moment, because its task has ended or was cancelled."""
        return self._task.done() or self._task.cancelling() > 0

    def request(self, seq_no: int, call: PendingCall) -> None:
        """Send a call and expect replies; the call fails at once if the node is down or the message does not fit."""
        frame = call.frame
        if self._server is not None and (handling := HANDLING.get()) is not None:
            handling.calls()
        reach = self._reach
        if (reach.refusal is None or reach.tries_now()) and self._queue.put(frame, call):
            self.pending.add(seq_no, call, len(frame))
        else:
            call.fail(self._node_id, self._why_not(frame))

    def post(self, frame: bytes, owner: Outgoing) -> None:
        self._posted = True
        reach = self._reach
        if not ((reach.refusal is None or reach.tries_now()) and self._queue.put_one_way(frame, owner)):
            owner.fail(self._node_id, self._why_not(frame))

    def hasten(self, *, new: bool) -> None:
        """The node is there: an attempt to reach it does not wait for its time, or not for long if that is no news."""
        if self._transport is None:
            self._reach.hasten(new=new)

    def forget(self, seq_no: int) -> bool:
        return self.pending.forget(seq_no) is not None

    def give_up(self, seq_no: int) -> bool:
        call = self.pending.forget(seq_no)
        if call is not None:
            self._queue.give_up(seq_no, call)
        return call is not None

    def withdraw(self) -> None:
        self._queue.withdraw()

    async def close(self, why: str | None = None) -> None:
        """End the stream and fail all calls. What was sent a moment ago gets `CLOSE_GRACE` seconds to arrive.

        In a session one-way messages do that over further streams, if this one breaks or there is none now.
        """
        error = NodeClosedError(why or f"the connection to {self._address} is closed", node_id=self._node_id)
        if not self.closed:
            may_arrive = self._reach.state is State.CONNECTING and self._owes
            self._reach.enter(State.CLOSED, error)
            patience = self._patience()
            self.pending.fail_all(self._copy(error))
            if self._transport is not None or may_arrive:
                self._leaving = Leaving(self._queue, self._session, patience)
                if self._transport is not None:
                    self._leaving.stands(self._transport)
                await self._leaving.over(self._task)
            self._task.cancel()
            self._on_change()
        if not self._task.done():  # its loop may have ended before
            await asyncio.wait({self._task})
        if self._session is not None:
            self._session.close()
        self._queue.stream_broke(error)
        self._queue.discard(error)

    def _patience(self) -> float:
        """How long to wait for the node, which ends the stream when it has handled everything.

        If it owes no reply, and no one-way message was written a moment ago, what it still handles was given up.
        """
        recent = self._loop.time() - self._queue.wrote_at < CLOSE_GRACE
        if self._queue.waiting() or self.pending.owed or (self._posted and recent) or self._owes:
            return CLOSE_GRACE
        return CLOSE_SOON

    @property
    def _owes(self) -> bool:
        """Whether the session has to go on, because one-way messages may not have arrived."""
        return self._session is not None and self._session.known and self._session.owes

    def _why_not(self, frame: bytes) -> StatusError:
        if self._reach.refusal is not None:
            return renewed(self._reach.refusal, self._node_id, certain=True)
        text = self._queue.why_not(frame, self._address, self._send_buffer)
        return StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text, node_id=self._node_id)

    def _copy(self, error: StatusError) -> StatusError:
        # Whoever is told in a session that the node is down has sent nothing, or is told otherwise.
        return renewed(error, self._node_id, certain=self._session is not None)

    async def _run(self) -> None:
        failures, broken, session, terms = 0, 0, self._session, self._options.terms
        while True:
            self._reach.pause.attempt()
            self._reach.expect()
            offer = () if session is None else (*session.offer(), *terms.limit())
            transport = self._connect((*self._metadata, *offer))
            try:
                error, stood, lasted = await self._use(transport)
            finally:
                await transport.close()
            broken = broken + 1 if isinstance(error, ConnectionLostError) and not stood else 0
            drained = self._reach.state is State.DRAINED
            refused = drained or not (stood or broken == 1) or not isinstance(error, StreamDownError)
            ended, error = error, self._copy(error)
            self.last_error = error
            # It has left, could not be opened, or the node wants no stream with us: nothing to wait for.
            lost = refused and (drained or session is None or not session.waits(ended, stood=stood))
            if self.closed and (lost or not self._owes):
                self._log.closed()
                return
            self._log.ended(error, stood=stood)
            if lost:
                self._went_down(error)
            delay = self._backoff.delay(failures, self._chance.random())
            if lasted >= LONG_LIVED:
                failures = 0
                # The first attempt after a break comes soon, but not at the same moment from all clients.
                delay = self._chance.uniform(0, self._backoff.initial)
            elif session is not None and session.at_once(lasted, self._backoff.initial):
                failures, delay = 0, 0.0
            else:
                failures += 1
            await self._reach.pause.wait(delay)

    async def _use(self, transport: OpenedTransport) -> tuple[StatusError, bool, float]:
        """Use a stream until it breaks: why, whether it had ever stood, and how many seconds it lasted.

        Whatever the status: one that is ended at once, before the node has said anything, was refused. If its
        connection broke, that may be mere chance, once.
        """
        try:
            await transport.opened()
        except StatusError as refusal:
            return self._copy(refusal), False, 0.0
        opened_at = self._loop.time()
        stream = OpenedStream(
            transport,
            self._node_id,
            self._address,
            self._queue,
            self.pending,
            server=self._server,
            terms=self._options.terms,
            session=self._session,
            heartbeat=self._heartbeat,
            on_drained=self._drained,
            suspect_after=self._options.suspect_after,
            on_suspicion=self._suspect,
        )
        self._came_up(transport)
        try:
            error = await stream.use()
        finally:
            self._transport = None
            self.suspected = False
            if not stream.drained:
                self._reach.enter(State.CONNECTING)
            self._heartbeat = stream.heartbeat
        self._broke(error)
        lasted = self._loop.time() - opened_at
        return error, stream.confirmed or stream.heard or lasted >= LONG_LIVED, lasted

    def _came_up(self, transport: OpenedTransport) -> None:
        self._transport = transport
        self.opened += 1
        self._reach.enter(State.CONNECTED)
        self._log.connected()
        if self._session is None or not self._session.offered:
            if self._session is None:
                resend_unanswered(self._queue, self.pending)
            else:
                self._session.begin_without()
            tell_time_left(self._queue, self.pending, self._loop.time())
        if self._leaving is not None:
            self._leaving.stands(transport)
        self._on_change()

    def _broke(self, error: StatusError) -> None:
        self.last_error = self._copy(error)
        if self._session is None or not self._session.broke(self._loop.time()):
            error = renewed(error, self._node_id)
            self._queue.stream_broke(error)
            # What was not written yet waits for the next stream, and then nobody is told otherwise.
            waiting = {id(owner) for owner in self._queue.waiting()}
            self.pending.fail_streaming(error, spared=waiting)
        self._on_change()

    def _suspect(self, suspected: bool) -> None:
        self.suspected = suspected
        self._on_change()

    def _drained(self) -> None:
        text = f"{self._address} is about to stop, and takes no more calls"
        self.last_error = StreamDownError(text, node_id=self._node_id)
        self._reach.enter(State.DRAINED, self.last_error)
        self._on_change()

    def _keep_over(self) -> None:
        if self._reach.state is State.CONNECTING and isinstance(self.last_error, StatusError):
            self._went_down(self.last_error)

    def _went_down(self, error: StatusError) -> None:
        self._reach.enter(State.DOWN, error)
        if self._session is not None:
            self._session.went_down(error)
            self._on_change()
            return
        self._queue.discard(self._copy(error))
        self.pending.fail_all(self._copy(error))
        self._on_change()
