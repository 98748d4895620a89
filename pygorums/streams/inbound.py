"""Calls to a node over the streams that the node has opened to us."""
# ruff: noqa: D102 - methods without a docstring are as Channel says

from __future__ import annotations

from dataclasses import dataclass

import grpc

from pygorums.base.errors import NodeClosedError, StatusError, StreamDownError
from pygorums.base.handling import HANDLING
from pygorums.streams.outgoing import Outgoing
from pygorums.streams.pending import PendingCall, PendingCalls
from pygorums.streams.resending import fail_calls
from pygorums.streams.send_queue import SendQueue

__all__ = ["InboundChannel"]


@dataclass(frozen=True, slots=True, eq=False)
class _Accepted:
    """A stream that the node has opened, and the calls that were sent over it."""

    address: str
    queue: SendQueue
    pending: PendingCalls
    instance: str | None
    session: bool


class InboundChannel:
    """Sends calls back over whichever stream the node has opened last; without one they fail at once.

    When that ends, the one that was opened before it is used again, if it still stands. A node has two streams if a
    program of its connects twice, or if somebody else claims its ID, who must not be able to cut it off by that.

    Numbers of calls can be guessed, so each stream has a table of its own: a reply counts only over the stream
    that was asked. Only the node can open a stream, so nothing is sent again: calls fail with the stream that
    carried them.

    Args:
        node_id: The node's ID, for errors.
        name: What to call the node in errors.
        send_buffer: How many bytes may wait for it.
    """

    inbound = True
    suspected = False

    def __init__(self, node_id: int, name: str, *, send_buffer: int) -> None:
        self._node_id = node_id
        self._name = name
        self._send_buffer = send_buffer
        self._streams: dict[SendQueue, _Accepted] = {}  # those that stand, the newest last
        self._latest: _Accepted | None = None  # the one in use
        self._closed: str | None = None  # why
        self.pending = PendingCalls(node_id, send_buffer)  # of the stream in use, or of the one before
        self.last_error: Exception | None = None
        self.opened = 0

    @property
    def connected(self) -> bool:
        return self._latest is not None and self._closed is None

    @property
    def waiting(self) -> int:
        return sum(len(stream.pending) for stream in self._streams.values())

    @property
    def queued_bytes(self) -> int:
        queues = tuple(self._streams)
        return sum(queue.queued_bytes + queue.held_bytes for queue in queues)

    @property
    def closed(self) -> bool:
        return self._closed is not None

    def attach(self, address: str, queue: SendQueue, instance: str | None, *, session: bool = False) -> PendingCalls:
        """Send over a new stream from now on.

        If its opener is the one of an older stream, or neither says who it is, the older one was most likely lost on
        the way, and its calls fail now. Otherwise they go on waiting for their replies there.

        Returns:
            Where the replies that come over the new stream belong.
        """
        older = self._latest
        if older is not None and older.instance == instance:
            self._fail(older, f"{self._name} has opened a new stream")
        self.pending = PendingCalls(self._node_id, self._send_buffer, self.pending)
        self.opened += 1
        self._latest = self._streams[queue] = _Accepted(address, queue, self.pending, instance, session)
        return self.pending

    def detach(self, queue: SendQueue, error: StatusError) -> bool:
        """A stream has ended, and the calls over it fail; whether it was the last one."""
        stream = self._streams.pop(queue, None)
        if stream is not None:
            latency = self.pending.latency
            self._latest = next(reversed(self._streams.values()), None)
            self.pending = (self._latest or stream).pending
            self.pending.latency = latency
            self._fail(stream, error.message)
        return self._latest is None

    def rival(self, instance: str | None) -> str | None:
        """From where the stream in use comes, unless that is known to be of the opener `instance`."""
        latest = self._latest
        return None if latest is None or (instance is not None and latest.instance == instance) else latest.address

    def _fail(self, stream: _Accepted, text: str) -> None:
        self.last_error = error = StreamDownError(text, node_id=self._node_id)
        if stream.session:
            fail_calls(stream.queue, stream.pending, self._node_id, error, session=True)
        else:
            stream.pending.fail_all(error)

    def request(self, seq_no: int, call: PendingCall) -> None:
        """Send a call and expect replies; it fails at once without a stream, or if the message does not fit."""
        if (handling := HANDLING.get()) is not None:
            handling.calls()
        frame = call.frame
        stream = self._stream_for(frame)
        if stream is not None and stream.queue.put(frame, call):
            stream.pending.add(seq_no, call, len(frame))
            if stream.pending.when_any is not None:
                stream.pending.when_any()
        else:
            call.fail(self._node_id, self._refusal(frame))

    def post(self, frame: bytes, owner: Outgoing) -> None:
        stream = self._stream_for(frame)
        if stream is None or not stream.queue.put_one_way(frame, owner):
            owner.fail(self._node_id, self._refusal(frame))

    def forget(self, seq_no: int) -> bool:
        return any(stream.pending.forget(seq_no) is not None for stream in reversed(self._streams.values()))

    def give_up(self, seq_no: int) -> bool:
        for stream in reversed(self._streams.values()):
            call = stream.pending.forget(seq_no)
            if call is not None:
                stream.queue.give_up(seq_no, call)
                return True
        return False

    def withdraw(self) -> None:
        for stream in self._streams.values():
            stream.queue.withdraw()

    async def close(self, why: str | None = None) -> None:
        """Send nothing more and fail all calls. The streams themselves belong to the server."""
        self.shut(why or f"the server that {self._name} connected to has stopped")

    def shut(self, why: str) -> None:
        """The same, with what the calls are told."""
        if self._closed is None:
            self._closed = why
        for stream in self._streams.values():
            stream.pending.fail_all(NodeClosedError(self._closed, node_id=self._node_id))

    def _stream_for(self, frame: bytes) -> _Accepted | None:
        """Where to send a frame; None if there is no stream or no room."""
        stream = self._latest
        if stream is None or self._closed is not None:
            return None
        queue = stream.queue
        return stream if queue.queued_bytes + queue.held_bytes + len(frame) <= self._send_buffer else None

    def _refusal(self, frame: bytes) -> StatusError:
        if self._closed is not None:
            return NodeClosedError(self._closed, node_id=self._node_id)
        if self._latest is None:
            return StreamDownError(f"{self._name} is not connected to this server", node_id=self._node_id)
        text = self._latest.queue.why_not(frame, self._name, self._send_buffer)
        return StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text, node_id=self._node_id)
