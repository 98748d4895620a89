"""What a client has at a server, be it for one stream or, in a session, for as many as it takes.

How it works. Handlers, the order in which they start, what waits to be sent and the calls back belong to this, and not
to a stream. A stream without a session takes it along when it ends. In a session it stays when the stream breaks: the
handlers go on, and what they give waits. The client is back when a new stream is confirmed (`attach`). If it
stays away for a moment those who call it back are told (`_unlist`), and after a longer time it is given up (`end`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Protocol

from pygorums.base.errors import NodeClosedError, StatusError, StreamDownError, counted
from pygorums.serving.holdings import Holdings
from pygorums.serving.in_order import InOrder
from pygorums.serving.opener import Opener
from pygorums.serving.succession import Succession
from pygorums.sessions.acceptor import AcceptorHalf
from pygorums.sessions.credit import Credit
from pygorums.streams.acknowledging import Acknowledging
from pygorums.streams.crediting import credit_of_acceptor
from pygorums.streams.outgoing import CANCELLATION, UNOWNED, Outgoing
from pygorums.streams.pending import PendingCalls
from pygorums.streams.resending import resend_kept
from pygorums.streams.send_queue import SendQueue
from pygorums.wire.framing import encode_ack, encode_session_end

__all__ = ["AcceptedSession", "Registry", "SessionStream"]

_log = logging.getLogger("pygorums.server")


class SessionStream(Protocol):
    """A stream, as the session sees it."""

    def replaced(self) -> None:
        """There is a newer one."""

    def end_with(self, error: StatusError) -> None:
        """End it with an error."""


class Registry(Protocol):
    """Who keeps sessions."""

    @property
    def linger(self) -> float:
        """Seconds for which a client without a stream can still be called back."""

    def detached(self, session: AcceptedSession, /) -> None:
        """A session has no stream any more, and goes on."""

    def over(self, session: AcceptedSession, half: AcceptorHalf[Outgoing], /) -> None:
        """A session has ended; its handlers may still run."""


class AcceptedSession:
    """The client's side of a server.

    Args:
        requests: Handles what the client asks for.
        queue: What is sent to it.
        half: What is counted; None without a session.
        succession: The client's earlier streams and sessions, whose handlers must have ended before.
        opener: Who the client is, and whether it is called back.
        holdings: Where what it holds is counted with what others do.
        registry: Who keeps the session.

    Attributes:
        client: Who the opener is, in the registry.
        stream: The stream that is used now, by identity; None while there is none.
        pending: The calls back that wait for replies; None if there are none.
        took: Called with the number of messages that were taken, and their bytes.
        final: Whether either end has said that it ends the session, so that nothing counts any more.
        greeted: Whether `on_connect` was done.
        over: Whether it has ended.
    """

    def __init__(
        self,
        requests: InOrder,
        queue: SendQueue,
        half: AcceptorHalf[Outgoing] | None,
        succession: Succession,
        opener: Opener,
        holdings: Holdings,
        registry: Registry,
    ) -> None:
        self.requests = requests
        self.queue = queue
        self.half = half
        self.succession = succession
        self.opener = opener
        self._holdings = holdings
        self._registry = registry
        self.client: Hashable = None
        self._acks = None if half is None else Acknowledging(half, queue)
        self._credit: Credit[Outgoing] | None = None  # for calls back
        self.took: Callable[[int, int], None] = self._decline
        self._linger: asyncio.TimerHandle | None = None
        self._listed = False
        self.stream: SessionStream | None = None
        self.pending: PendingCalls | None = None
        self._known = half is not None  # whether the client may rely on it
        self._client_took: int | None = None  # in all, if it has ended the session
        self._settles = False  # whether it has ended, its stream broke, and what was taken is handled all the same
        self.greeted = self.final = self.over = False
        requests.holding.all = holdings
        holdings.enter(requests.holding, self._too_much)

    def take_over(self) -> None:
        """The client has a new stream: nothing is taken any more from the one before."""
        stream, self.stream = self.stream, None
        if stream is not None:
            if self._acks is not None:
                self._acks.stop()
            self.queue.detach()
            stream.replaced()

    def attach(self, credit: int | None) -> None:
        """The client has a stream, and room for so many bytes of calls back."""
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        self.took = self._decline
        if self.half is not None:
            if self._credit is None:
                self._credit = credit_of_acceptor(self.half.kept, credit)
            else:
                self._credit.tell(credit)
            self.queue.keep(self.half.kept, self._credit)
        self.list()

    def known_now(self) -> bool:
        """Whether the client is one of the peers now, and was not before."""
        if not self.opener.known_now():
            return False
        self.queue.node_id = self.opener.node_id or 0
        self.requests.context.peer_id = self.opener.node_id
        return True

    def list(self) -> None:
        """The client can be called back, if it is one of those."""
        if not self._listed:
            self.pending = self.opener.attach(self.queue, session=self.half is not None)
            self._listed = self.pending is not None
            if self._listed and self._acks is not None and self._acks.window is None:
                # From now on its stream is read whatever waits, for replies.
                self._acks.opened(self.requests.backlog)

    @property
    def room(self) -> int | None:
        """How many bytes the client may send; None if it is braked by its connection."""
        return None if self._acks is None or self._acks.window is None else self._acks.window.credit

    def resume(self, frames: Sequence[bytes], owners: Sequence[Outgoing]) -> None:
        """Send again what the client has not taken on its last stream, except of calls back that are over."""
        waiting = set() if self.pending is None else {id(call) for call in self.pending.all()}
        resend_kept(
            self.queue,
            frames,
            owners,
            lambda owner: owner.one_way or owner is UNOWNED or owner is CANCELLATION or id(owner) in waiting,
        )

    def _decline(self, count: int, size: int) -> None:  # noqa: ARG002 - as Acknowledging.took
        """A message has come of a client that has not said before that it knows the session: so it does not."""
        if not self.final:
            self._known = False
            self.decline()

    def decline(self) -> None:
        """There is no session any more; what there is ends with the stream."""
        half, self.half = self.half, None
        if half is not None and self._acks is not None:
            self._acks.stop()
            self._acks = None
            self.took = _uncounted
            self.queue.keep(None)
            self._registry.over(self, half)

    def _too_much(self, error: StatusError) -> None:
        if self.stream is not None:
            self.stream.end_with(error)
        else:
            self.end(error)

    def acknowledged(self, taken: int, credit: int | None) -> bool:
        """The client has taken so many messages, and has room for so many bytes; False if there were not that many."""
        if self._acks is None or self.half is None or self.final:
            return True
        if self.took == self._decline:
            self.took = self._acks.took
            if self._acks.window is not None:
                self._acks.tell(now=True)  # there may be more room than when the stream was confirmed
        if not self.half.kept.acknowledge(taken):
            return False
        self.queue.acknowledged(credit)
        return True

    def finish(self) -> None:
        """This end takes no further request, and says so."""
        if self.half is not None and not self.final:
            self.queue.tell(encode_session_end(self.half.taken))
        self.ended()

    def ended(self, taken: int | None = None) -> None:
        """One of the ends has said that it ends the session; the client, that it has taken so many messages."""
        if self.half is not None and taken is not None and not self.final:
            # It waits for that, to know whether it needs another stream.
            self.queue.tell(encode_ack(self.half.taken))
        self._client_took = taken
        self.final = True
        self.took = _uncounted
        self.queue.keep(self.queue.kept)  # what is not acknowledged any more cannot be waited for

    @property
    def resumable(self) -> bool:
        """Whether it goes on if the stream breaks."""
        return self.half is not None and not self.final and not self.over

    def broke(self, stream: SessionStream) -> bool:
        """A stream is over: whether the session goes on, with another stream or without one."""
        if self.stream is not stream:
            return self.half is not None
        if not self.resumable:
            return False
        self._forget_stream()
        if self._listed:
            self._linger = asyncio.get_running_loop().call_later(self._registry.linger, self._unlist)
        self._registry.detached(self)
        return True

    def _forget_stream(self) -> None:
        if self._acks is not None:
            self._acks.stop()
        self.stream = None
        handlers = self.requests.tasks
        if not handlers or not all(task.cancelling() for task in handlers):  # else the event loop ends
            self.requests.owner = None  # which may have been cancelled with its connection
        self.queue.keep(None)
        self.queue.detach()

    def settle(self) -> bool:
        """A stream broke when the session had ended: whether what was taken before is still handled.

        Nobody is there to be answered. If it is the client that has ended the session it waits for no answer either,
        and only its one-way messages matter. A session that follows waits until it is done.
        """
        if self.half is None or not self.final or self.over or not self.requests.begun:
            return False
        self._forget_stream()
        if self._client_took is not None:
            self.requests.callers.abandon()
        self.queue.largest = 0  # replies have nowhere to go
        self._settles = True
        self.succession.ended(self.requests)
        return True

    def _unlist(self) -> None:
        """The client cannot be called back any more, for now."""
        self._linger = None
        self.unlist(StreamDownError(f"the connection to {self.requests.context.peer} is gone"))

    def unlist(self, error: StatusError) -> None:
        """The client cannot be called back any more; calls that wait for it fail."""
        if self._listed:
            self._listed = False
            if self.half is not None and self._client_took is not None:
                # Calls back beyond that were certainly not handled: they are as if they had never left.
                self.resume(*(self.half.kept.resume(self._client_took) or ((), ())))
            self.opener.detach(self.queue, error)

    def cancel(self, refusal: StatusError | None = None) -> None:
        """Handle nothing any more: cancel all handlers, and forget what was not begun."""
        if not self.over:
            self.over = True
            if self._acks is not None:
                self._acks.stop()
            lost = self.requests.cancel(refusal)
            if lost and self._known:
                _log.info("%s of %s will not be handled", counted(lost, "one-way message"), self.requests.context.peer)
            if not self._settles:
                self.succession.ended(self.requests)

    def leave(self, error: StatusError) -> None:
        """It has ended, with its stream or without one."""
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        self.unlist(error)
        self.decline()
        left = partial(self._holdings.leave, self.requests.holding)
        if self._settles and not self.over:
            self.when_idle(left)
        else:
            left()

    def end(self, error: StatusError) -> None:
        """Give up what is left of it."""
        self.cancel()
        self.leave(error)
        self.queue.stream_broke(error)
        self.queue.discard(error)

    @property
    def tasks(self) -> Sequence[asyncio.Task[None]]:
        """The tasks that run handlers."""
        return self.requests.tasks

    async def drained(self) -> None:
        """The server stops: wait until what came before is handled, though nobody is there to be answered."""
        await self.requests.finished()

    def shut_down(self) -> None:
        """The server stops: cancel what is being handled."""
        self.end(NodeClosedError("the server has stopped"))

    def when_idle(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once no handler runs any more."""
        self.requests.when_idle(callback)


def _uncounted(count: int, size: int) -> None:
    """What is taken after the end of a session does not count."""
