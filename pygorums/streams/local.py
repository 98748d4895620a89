"""Calls of a node to itself, without a network."""
# ruff: noqa: D102 - methods without a docstring are as Channel or FrameSink says

from __future__ import annotations

import grpc

from pygorums.base.errors import NodeClosedError, StatusError
from pygorums.base.handling import HANDLING
from pygorums.streams.channel import RequestHandling, RequestServer
from pygorums.streams.clock import now
from pygorums.streams.outgoing import Outgoing
from pygorums.streams.pending import PendingCall, PendingCalls
from pygorums.wire.framing import Message
from pygorums.wire.handshake import Pairs

__all__ = ["LocalChannel"]

SENT_BELOW = 1 << 20
"""Bytes of requests whose turn has not come, below which a one-way message counts as sent at once."""


class LocalChannel:
    """Hands calls to the handlers of a server in the same process, in the order in which they were made.

    Requests and replies are encoded and decoded as for a remote node, so the caller and the handler never
    share a message. The handlers start when the event loop next gets its turn, not during the call.

    Args:
        node_id: The own node's ID.
        server: Whose handlers answer.
        metadata: What handlers see as the metadata of the stream.
        limit: How many bytes calls that nobody waits for may hold on to.
    """

    inbound = False
    suspected = False

    def __init__(self, node_id: int, server: RequestServer, *, metadata: Pairs, limit: int) -> None:
        self._node_id = node_id
        self._server = server
        self._metadata = metadata
        self._handling: RequestHandling | None = None
        self._closed: str | None = None  # why
        self.pending = PendingCalls(node_id, limit)
        self.last_error: Exception | None = None
        self.queued_bytes = 0
        self.opened = 1

    @property
    def connected(self) -> bool:
        """Always, until it is closed."""
        return self._closed is None

    @property
    def waiting(self) -> int:
        return len(self.pending)

    @property
    def closed(self) -> bool:
        return self._closed is not None

    def request(self, seq_no: int, call: PendingCall) -> None:
        if self._closed is not None:
            call.fail(self._node_id, self._refusal())
            return
        if (handling := HANDLING.get()) is not None:
            handling.calls()
        self.pending.add(seq_no, call, len(call.frame))
        self._take(call.frame)

    def post(self, frame: bytes, owner: Outgoing) -> None:
        """Hand a one-way message to its handler.

        Its owner is told at once that it is sent, and not only when its turn has come: the caller may be a handler
        of this node, and the turn would not come before that has ended. But while more than `SENT_BELOW` bytes wait
        the owner is not told, which brakes those who send faster than messages are handled.
        """
        if self._closed is not None:
            owner.fail(self._node_id, self._refusal())
            return
        handling = self._take(frame)
        if handling is None:
            text = f"too many messages to the own node wait for their handlers: {len(frame)} bytes do not fit"
            owner.fail(self._node_id, StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text, node_id=self._node_id))
        elif handling.waiting_bytes <= SENT_BELOW:
            owner.sent(self._node_id)
        else:
            handling.when_below(SENT_BELOW, lambda: owner.sent(self._node_id))

    def _take(self, frame: bytes) -> RequestHandling | None:
        """Who handles a request; None if it was refused."""
        if self._handling is None:
            self._handling = self._server.handle_requests(
                self, self, metadata=self._metadata, peer="local", peer_id=self._node_id, mark_end=True
            )
        return self._handling if self._handling.take((Message.FromString(frame),), len(frame)) else None

    def put(self, frame: bytes, owner: Outgoing, /) -> bool:  # noqa: ARG002 - nobody asks after replies
        self.pending.deliver((Message.FromString(frame),), now())
        return True

    async def drained(self, limit: int, /) -> None:
        """Replies never wait."""

    def forget(self, seq_no: int) -> bool:
        return self.pending.forget(seq_no) is not None

    def give_up(self, seq_no: int) -> bool:
        owed = self.forget(seq_no)
        if owed and self._handling is not None:
            self._handling.take((Message(message_seq_no=seq_no, cancel=True),), 0)
        return owed

    def withdraw(self) -> None:
        """What was handed over is not taken back."""

    async def close(self, why: str | None = None) -> None:
        """Cancel what is being handled and fail all calls."""
        self._closed = self._closed or why or "the own node is closed"
        if self._handling is not None:
            self._handling.stop()
        self.pending.fail_all(self._refusal())

    def _refusal(self) -> NodeClosedError:
        return NodeClosedError(self._closed or "", node_id=self._node_id)
