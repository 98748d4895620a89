"""The session with a node that we open streams to.

How it works. What is counted and what that means is `OpenerHalf`'s to say; this is what follows from it for the queue
and for the calls. Nothing is written on a stream before the node has confirmed the session, or it is known that there
is none on this stream: its metadata came without a confirmation, or did not come in time. Such a stream follows the
rules that hold without sessions. The first thing that is written in a session is an acknowledgement: by it the
node knows that we have seen its confirmation.

A call is in one of three places: in the queue, and has never left; kept by the half, and may have arrived; or only in
the table of calls that wait for replies, and has arrived.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence

from pygorums.base.errors import OutcomeUnknownError, StatusError, StreamDownError, counted
from pygorums.base.idempotency import is_idempotent
from pygorums.sessions.credit import Credit
from pygorums.sessions.hello import SESSION_KEY, Confirmation, session_value
from pygorums.sessions.opener import OpenerHalf, Verdict
from pygorums.streams.acknowledging import Acknowledging
from pygorums.streams.channel import RequestHandling
from pygorums.streams.crediting import credit_of_opener
from pygorums.streams.keeping import Keeping
from pygorums.streams.outgoing import CANCELLATION, UNOWNED, Outgoing
from pygorums.streams.pending import PendingCall, PendingCalls
from pygorums.streams.reply_sink import ReplySink
from pygorums.streams.resending import (
    fail_calls,
    is_answer,
    is_message,
    request_of,
    resend_kept,
    resend_unanswered,
    tell_time_left,
    written_calls,
)
from pygorums.streams.send_queue import SendQueue
from pygorums.tasks.joined import resolve
from pygorums.wire.framing import encode_session_end
from pygorums.wire.handshake import Pairs

__all__ = ["OpenerSession"]

LEAST_KEPT = 16 << 20
"""Bytes that are kept until they are acknowledged, however little may wait."""

PATIENCE = 5.0
"""Seconds for which a stream waits for the metadata of a node that sends some: it may take its time to let us in."""

_log = logging.getLogger("pygorums.streams")


class OpenerSession:
    """Keeps one session with a node over all streams, and begins another when it is lost.

    Args:
        node_id: The node's ID.
        address: The node's address, for errors.
        queue: What is sent to it.
        pending: The calls that wait for its replies.
        limit: How many bytes may wait for it.
        keep: Seconds for which calls wait for a node that cannot be reached.
        chance: Gives IDs that nobody can guess.
        on_keep_over: Called when they have waited for so long.

    Attributes:
        offered: Whether the stream that is used now, or opened, has offered a session.
        undecided: Whether it is not known yet if it has one, so that nothing may be written.
        ended: Whether this end has said that the session ends, so that it takes no further calls back.
        final: What the node has said that it has taken in all, when it has ended the session; None if it has not.
        hopeless: Why this end has ended the stream, because it would be so again on the next one; None if it has not.
        replies: The way back for answers to the node's calls.
        handling: What handles those.
    """

    def __init__(
        self,
        node_id: int,
        address: str,
        queue: SendQueue,
        pending: PendingCalls,
        limit: int,
        keep: float,
        chance: random.Random,
        on_keep_over: Callable[[], None],
    ) -> None:
        self._node_id = node_id
        self._address = address
        self._queue = queue
        self._pending = pending
        self._keeping = Keeping(keep, on_keep_over)
        # Calls that are sent again to who may be another process, and what they fail with until they have left again.
        self._left_before: dict[int, tuple[PendingCall, Callable[..., StatusError]]] = {}
        self._began_with = 0  # what was taken, in both directions, when the stream was confirmed
        self._useful = False  # whether anything was taken over the last stream, in either direction
        self._half: OpenerHalf[Outgoing] = OpenerHalf(max(limit, LEAST_KEPT), lambda: f"{chance.getrandbits(128):032x}")
        self._acks = Acknowledging(self._half, queue)
        self._credit: Credit[Outgoing] | None = None  # for what is sent
        self.took: Callable[[int, int], None] = self._acks.took
        self._without = False  # whether the node is known to have no sessions
        self._decided: asyncio.Future[None] | None = None
        self.offered = self.undecided = self.ended = False
        self.final: int | None = None
        self.hopeless: str | None = None
        self.replies: ReplySink | None = None
        self.handling: RequestHandling | None = None

    @property
    def active(self) -> bool:
        """Whether the stream that is used now is one of the session."""
        return self._half.active

    @property
    def known(self) -> bool:
        """Whether there is a session that may go on."""
        return self._half.known

    def patience(self, *, silent: bool) -> float:
        """Seconds for which to wait for the metadata of a node, which will send none if it is `silent`."""
        return 0.0 if silent and not self._half.known else PATIENCE

    def offer(self) -> Pairs:
        """What to say on a new stream."""
        self.final = self.hopeless = None
        self.ended = False
        self.offered = self.undecided = not self._without
        window = self._acks.window
        return (
            ((SESSION_KEY, str(self._half.hello(None if window is None else window.credit))),) if self.offered else ()
        )

    def is_called_back(self) -> None:
        """The node may call back: it is told how much of that there may be."""
        self._acks.opened()

    def decide(self, accepted: Pairs | None, now: float) -> bool:
        """The node's metadata have come, or None: not in time. What is in the queue may be written from now on.

        Returns:
            Whether the stream is of any use: not if what the node counts contradicts what we do.
        """
        self.undecided = False
        resolve(self._decided)
        self._keeping.stop()
        answer = None if accepted is None else Confirmation.parse(session_value(accepted))
        self._without = accepted is not None and answer is None
        verdict, frames, owners = self._half.judge(answer)
        self._forget_answered()
        if verdict is not Verdict.RESUMED:
            self._drop_handling()
        if verdict is Verdict.RESUMED:
            resend_kept(self._queue, frames, owners, self._wanted())
        elif verdict is Verdict.LOST:
            self._lose(
                frames, owners, f"{self._address} knows nothing any more of the session that the call had left in"
            )
        else:
            self.begin_without()
        tell_time_left(self._queue, self._pending, now)
        self._began_with = self._progress()
        if self._half.active and answer is not None:
            if verdict is Verdict.RESUMED and self._credit is not None:
                self._credit.tell(answer.credit)
            else:
                self._credit = credit_of_opener(self._half.kept, answer.credit)
            self._queue.keep(self._half.kept, self._credit)
            self._acks.tell(now=True)
        return self._half.active or answer is None

    def heard_late(self, accepted: Pairs) -> None:
        """The node's metadata have come when it was decided already that the stream has no session."""
        if Confirmation.parse(session_value(accepted)) is None:
            self._without = True

    def _wanted(self) -> Callable[[Outgoing], bool]:
        """Whose messages are still to be handled: of all but those who wait for replies no more."""
        waiting = {id(call) for call in self._pending.all()}
        return lambda owner: owner.one_way or owner is UNOWNED or owner is CANCELLATION or id(owner) in waiting

    def _lose(self, frames: Sequence[bytes], owners: Sequence[Outgoing], text: str) -> None:
        """The session is over: what has left may be handled or not, and only what is idempotent is sent again."""
        written = written_calls(self._queue, self._pending)
        again = [call for call in written if not call.streaming and is_idempotent(request_of(call.frame).method)]
        spared, kept = set(map(id, again)), set(map(id, owners))
        self._drop_answers()
        self._note_left(again, OutcomeUnknownError)
        self._fail([call for call in written if id(call) not in spared], OutcomeUnknownError, text)
        pairs: list[tuple[bytes, Outgoing]] = [(call.frame, call) for call in again if id(call) not in kept]
        lost = 0
        for frame, owner in zip(frames, owners, strict=True):
            if id(owner) in spared:
                pairs.append((frame, owner))
            elif is_message(owner) and not is_answer(frame, owner):
                if is_idempotent(request_of(frame).method):
                    pairs.append((frame, owner))
                else:
                    lost += 1
        resend_kept(self._queue, [frame for frame, _ in pairs], [owner for _, owner in pairs], lambda _: True)
        if lost:
            self._tell_lost(lost, text)

    def _drop_answers(self) -> None:
        """Answers to calls of a session that is over are of no use: their numbers may mean others in the next."""
        self._queue.take_out(is_answer)

    def begin_without(self) -> None:
        """The stream that stands now has no session: what has left and is not answered is sent again."""
        self._forget_answered()
        self._note_left(resend_unanswered(self._queue, self._pending), StreamDownError)

    def _forget_answered(self) -> None:
        if self._left_before:
            waiting = {id(call) for call in self._pending.all()}
            self._left_before = {key: left for key, left in self._left_before.items() if key in waiting}

    def _note_left(self, calls: Sequence[PendingCall], kind: Callable[..., StatusError]) -> None:
        """Calls that have left wait to be sent again, to another process perhaps: nobody can say that they have not."""
        self._left_before.update((id(call), (call, kind)) for call in calls)

    def _fail(self, calls: Sequence[PendingCall], kind: Callable[..., Exception], text: str) -> None:
        self._pending.remove(calls)
        for call in calls:
            call.fail(self._node_id, kind(text, node_id=self._node_id))

    async def decided(self) -> None:
        """Wait until it is known whether the stream that is used now is one of the session."""
        self._decided = asyncio.get_running_loop().create_future()
        await self._decided

    @property
    def owes(self) -> bool:
        """Whether there are one-way messages of which it is not known that they have arrived."""
        return bool(self._one_ways())

    def _one_ways(self) -> int:
        waiting = (*self._half.kept.owners, *self._queue.waiting())
        return sum(1 for owner in waiting if is_message(owner))

    def acknowledged(self, taken: int, credit: int | None) -> bool:
        """The node has taken so many messages, and has room for so many bytes; False if there were not that many."""
        if not self._half.kept.acknowledge(taken):
            return False
        self._queue.acknowledged(credit)
        return True

    def handles(self, handling: RequestHandling, replies: ReplySink) -> None:
        """From now on the node's calls are handled so."""
        self.replies, self.handling = replies, handling
        self._acks.opened(handling)

    def waits(self, error: StatusError, *, stood: bool) -> bool:
        """A stream has ended, or could not be opened: whether calls wait for the session to be resumed all the same.

        Whatever the status: proxies, and gRPC, make trailers out of broken connections.
        """
        return self._half.known and (stood or (isinstance(error, StreamDownError) and self._keeping.goes_on()))

    def _progress(self) -> int:
        return self._half.taken + self._half.kept.acknowledged

    def at_once(self, lasted: float, least: float) -> bool:
        """Whether the next attempt need not wait, after a stream that has lasted for so many seconds.

        It need not if that was good for anything. A node that ends each stream as soon as it stands is not hurried.
        """
        useful, self._useful = self._useful, False
        return self._half.known and (useful or lasted >= least)

    def broke(self, now: float) -> bool:
        """The stream is over; whether it was one of the session, or may have become one."""
        if not (self._half.active or self.undecided):
            return False
        self._keeping.broke(now)
        self._acks.stop()
        self._useful = self._progress() != self._began_with
        self._queue.keep(None)
        self._queue.detach()
        if self.final is None:
            self._half.active = False
            if self.hopeless is not None:
                self._give_up(self.hopeless)
                self.hopeless = None
            return True
        # What was beyond that will not be handled, so it waits for another session; the rest was not answered.
        frames, owners = self._half.kept.resume(self.final) or ([], [])
        self.final = None
        self._half.end()
        self._drop_handling()
        resend_kept(self._queue, frames, owners, self._wanted())
        self._drop_answers()
        self._queue.take_out(lambda _, owner: owner is CANCELLATION)
        written = written_calls(self._queue, self._pending)
        self._fail(written, OutcomeUnknownError, f"{self._address} has stopped before it answered the call")
        return True

    def went_down(self, error: StatusError) -> None:
        """The node cannot be reached: those who call it are told. What was sent one-way goes on waiting."""
        self._keeping.stop()
        self._without = False  # it may be another one when it is back
        left_before, self._left_before = {key: kind for key, (_, kind) in self._left_before.items()}, {}
        known = self._half.known
        fail_calls(self._queue, self._pending, self._node_id, error, session=known, left_before=left_before)

    def _give_up(self, text: str) -> None:
        """What has left and is not answered is unknown."""
        self._drop_handling()
        self._lose(*self._half.end(), f"the session with {self._address} was given up: {text}")

    def end(self) -> None:
        """Tell the node that nothing more follows, and how many of its messages were the last that count."""
        if self._half.active:
            self.ended = True
            self._queue.tell(encode_session_end(self._half.taken))

    def close(self) -> None:
        """The channel is closed."""
        self._acks.stop()
        self._keeping.stop()
        self._queue.keep(None)
        # Who was told that it was sent is not told anything else any more.
        self._drop_answers()
        lost = len(self._queue.take_out(lambda _, owner: owner is UNOWNED))
        if self._half.known:
            lost += sum(map(is_message, self._half.kept.owners))
        if lost:
            self._tell_lost(lost, "the connection was closed before they had arrived for certain")
        self._half.end()
        self._drop_handling()

    def _tell_lost(self, count: int, why: str) -> None:
        messages = counted(count, "one-way message")
        _log.warning("%s to node %d (%s) may be lost: %s", messages, self._node_id, self._address, why)

    def _drop_handling(self) -> None:
        if self.handling is not None:
            self._acks.opened()
            self.handling.stop()
            self.handling = None
        if self.replies is not None:
            self.replies.stream_ended()
            self.replies = None
