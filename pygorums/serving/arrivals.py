"""What comes over one stream that a client has opened to us: what is a request of it, a reply, or a sign."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import grpc
from google.protobuf.message import DecodeError

from pygorums.base.errors import StatusError, counted
from pygorums.serving.accepted_session import AcceptedSession
from pygorums.serving.brake import Brake
from pygorums.streams.intake import Intake
from pygorums.streams.pending import PendingCalls
from pygorums.transports.interface import Transport
from pygorums.wire.framing import (
    MAYBE_SIGN,
    NO_SIGN,
    PIECE,
    SERVER_INITIATED,
    SIGNS,
    Frame,
    Message,
    pieces,
    sign_end,
    split,
)

__all__ = ["Arrivals"]

TOGETHER = 1024
"""So many messages of an envelope are taken before other streams have their turn."""

SMALL = 2048
"""Bytes of what has no more messages than that: each takes two at least."""

HEARD_APART = 0.5
"""Seconds between two times that others are told that a node is heard."""


class Arrivals:
    """Takes what comes over a stream, and gives it to those whom it is for.

    A client is braked (`Brake`). If that does not do, because it is a node that owes us a reply, the stream ends.

    Args:
        transport: The accepted end of the stream.
        peer: The client's address, for texts.
        session: What the client has here.
        batching: Whether the client may send envelopes.
        heartbeats: Whether an empty message of the client is a sign of life, and means nothing else.
        on_heard: Called from time to time while messages come over the stream of a node that we call back.
        failed: Told why the stream has to be ended.
        ended: Told the end of the stream, once all that came before is taken.

    Attributes:
        reading: Whether anything is listened to, be it for replies only.
        taking: Whether further requests are handled.
        brake: What holds up a client that asks for much.
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
        failed: Callable[[StatusError], None],
        ended: Callable[[StatusError | None], None],
    ) -> None:
        self._transport = transport
        self._peer = peer
        self._session = session
        self._counts = session.half is not None
        self._requests = session.requests
        self._replies = session.requests.replies
        self._batching = batching
        self._heartbeats = heartbeats
        self._pending = session.pending
        self._on_heard = on_heard
        self._failed = failed
        self.reading = self.taking = True
        self._within = False  # whether a message is being taken
        self._told_at = -math.inf  # when others were told that the node is heard
        self._loop = asyncio.get_running_loop()
        self._intake = Intake(
            transport, self._steps, brake=self._must_wait, failed=failed, ended=ended, together=TOGETHER
        )
        self.end = self._intake.end
        self.brake = Brake(session.requests, session.queue, self._intake.go_on, peer)
        self.brake.pending = session.pending

    def call_back(self, pending: PendingCalls) -> None:
        """The client is a node that we call back from now on."""
        self._pending = self.brake.pending = pending

    def stop(self) -> None:
        """Listen to nothing any more."""
        self.reading = self.taking = False
        self._transport.pause()
        self._intake.drop()
        self.brake.cancel()

    def received(self, messages: Sequence[bytes], /) -> None:
        """Called by the transport: messages have come."""
        if not self.reading:
            return
        if len(messages) > 1 or len(data := messages[0]) > SMALL or self._pending is not None or not self.taking:
            self._intake.take(messages)
            return
        # Nearly always; this only saves what steps would cost.
        del messages
        if not data and self._heartbeats:
            return
        try:
            if self._counts and MAYBE_SIGN <= data < NO_SIGN and data.startswith(SIGNS):
                data = self._take_sign(data)
                if not data:
                    return
            self._put(self._split(data), len(data))
        except StatusError as error:
            self._failed(error)
            return
        if self._must_wait():
            self._intake.hold()

    def _take_sign(self, data: bytes) -> bytes:
        """Take note of what the client says of the session; what follows that in the same message."""
        end = sign_end(data)
        sign = self._split(data[:end])[0]
        if sign.HasField("session_end"):
            self._session.ended(sign.session_end)
        elif not self._session.acknowledged(sign.ack, sign.credit if sign.HasField("credit") else None):
            raise StatusError(grpc.StatusCode.INTERNAL, f"{self._peer} has taken more than it was sent")
        return data[end:]

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
                data = self._take_sign(data)
                if not data:
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
                    if self.taking:  # or handlers may still wait for replies
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
        if not self.reading:
            return True
        return self.brake.must_wait()
