"""Calls to a node over the stream that the node has opened to us."""

from __future__ import annotations

import grpc

from pygorums.base.errors import NodeClosedError, StatusError, StreamDownError
from pygorums.streams.pending import PendingCall, PendingCalls
from pygorums.streams.writer import Outgoing, Writer

__all__ = ["InboundChannel"]


class InboundChannel:
    """Sends calls back over whichever stream the node has opened last; without one they fail at once.

    Only the node can open a stream, so nothing is sent again: calls fail with the stream that carried them.

    Args:
        node_id: The node's ID, for errors.
        name: What to call the node in errors.
        send_buffer: How many bytes may wait for it.
    """

    inbound = True

    def __init__(self, node_id: int, name: str, *, send_buffer: int) -> None:
        self._node_id = node_id
        self._name = name
        self._send_buffer = send_buffer
        self._writer: Writer | None = None
        self._closed = False
        self.pending = PendingCalls(node_id, send_buffer)
        self.last_error: Exception | None = None

    @property
    def connected(self) -> bool:
        """Whether the node has a stream to us."""
        return self._writer is not None and not self._closed

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def attach(self, writer: Writer) -> None:
        """Send over a new stream from now on. Calls that went over an older one fail: its replies are lost."""
        if self._writer is not None:
            self._lose(StreamDownError(f"{self._name} has opened a new stream", node_id=self._node_id))
        self._writer = writer

    def detach(self, writer: Writer, error: StatusError) -> bool:
        """A stream has ended; False if it was replaced before, and so is not the one in use."""
        if self._writer is not writer:
            return False
        self._writer = None
        self._lose(StreamDownError(error.message, node_id=self._node_id))
        return True

    def _lose(self, error: StreamDownError) -> None:
        self.last_error = error
        self.pending.fail_all(error)

    def request(self, seq_no: int, call: PendingCall) -> None:
        """Send a call and expect replies; it fails at once without a stream, or if the message does not fit."""
        frame = call.frame
        writer = self._writer_for(frame)
        if writer is not None and writer.put(frame, call):
            self.pending.add(seq_no, call, len(frame))
        else:
            call.fail(self._node_id, self._refusal(frame))

    def post(self, frame: bytes, owner: Outgoing) -> None:
        """Send a one-way message; its owner is told what becomes of it."""
        writer = self._writer_for(frame)
        if writer is None or not writer.put_one_way(frame, owner):
            owner.fail(self._node_id, self._refusal(frame))

    def forget(self, seq_no: int) -> bool:
        """Expect no more replies to a call; whether the node owed any."""
        return self.pending.forget(seq_no)

    def withdraw(self) -> None:
        """The owner of a message, which may still wait to be sent, says from now on that it is withdrawn."""
        if self._writer is not None:
            self._writer.withdraw()

    async def close(self) -> None:
        """Send nothing more and fail all calls. The stream itself belongs to the server."""
        self._closed = True
        self.pending.fail_all(self._stopped())

    def _writer_for(self, frame: bytes) -> Writer | None:
        """Where to send a frame; None if there is no stream or no room."""
        writer = self._writer
        if writer is None or self._closed or writer.queued_bytes + len(frame) > self._send_buffer:
            return None
        return writer

    def _stopped(self) -> NodeClosedError:
        return NodeClosedError(f"the server that {self._name} connected to has stopped", node_id=self._node_id)

    def _refusal(self, frame: bytes) -> StatusError:
        if self._closed:
            return self._stopped()
        if self._writer is None:
            return StreamDownError(f"{self._name} is not connected to this server", node_id=self._node_id)
        text = (
            f"{len(frame)} bytes do not fit into the send buffer of {self._name}: "
            f"{self._writer.queued_bytes} of {self._send_buffer} bytes are waiting to be sent"
        )
        return StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text, node_id=self._node_id)
