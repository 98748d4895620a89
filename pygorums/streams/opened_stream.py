"""One stream that we have opened to a node, from the moment it stands until it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc
from google.protobuf.message import DecodeError

from pygorums.base.errors import StatusError, StreamDownError, counted
from pygorums.streams.channel import RequestHandling, RequestServer
from pygorums.streams.heartbeat import Heartbeat, SilenceWatch
from pygorums.streams.outgoing import UNOWNED
from pygorums.streams.pending import PendingCalls
from pygorums.streams.reply_sink import ReplySink
from pygorums.streams.send_queue import SendQueue
from pygorums.streams.transport import OpenedTransport
from pygorums.streams.writer import Writer
from pygorums.wire.batching import MAX_ENVELOPE
from pygorums.wire.framing import (
    ANNOUNCEMENT,
    PIECE,
    Frame,
    Message,
    Status,
    encode_error,
    method_field,
    pieces,
    split,
)
from pygorums.wire.handshake import NO_LIMIT, SLOWEST, Pairs, Terms

__all__ = ["OpenedStream"]

YIELD_AFTER = 256
"""An envelope of more replies than this lets other tasks have their turn before the next frame is read."""

LONGEST_NAME = 1000
"""Characters of a method's name that a refusal repeats."""


class OpenedStream:
    """Reads a stream until it breaks, and lets the writer write to it.

    Args:
        transport: The stream.
        node_id: The node's ID.
        address: The node's address, for errors.
        queue: The queue of what is sent, which outlives the stream.
        pending: The calls that wait for replies.
        server: Handles the calls that the node makes back over the stream; without one they are refused.
        terms: What we agree to.
        heartbeat: What the node has confirmed on the stream before, it will confirm again: so one that freezes
            before it has done so is noticed too.

    Attributes:
        heartbeat: Seconds between the signs of life that the node has confirmed.
        confirmed: Whether the node has confirmed any extension.
        heard: Whether any message has come.
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
        heartbeat: float | None,
    ) -> None:
        self._transport = transport
        self._node_id = node_id
        self._address = address
        self._queue = queue
        self._pending = pending
        self._server = server
        self._terms = terms
        self._replies = ReplySink(queue)
        self._handling: RequestHandling | None = None
        self._heart: Heartbeat | None = None
        self._clock = asyncio.get_running_loop().time
        self._heard_at = self._clock()
        self._batching = False
        self.heartbeat = heartbeat
        self.confirmed = self.heard = False

    def _agree(self, accepted: Pairs) -> None:
        """Take note of the acceptor's metadata."""
        self.confirmed = bool(accepted) and any(key.startswith("pygorums-") for key, _ in accepted)
        agreement = self._terms.opened(accepted)
        self.heartbeat = agreement.heartbeat
        self._batching = agreement.batching
        self._queue.agree(agreement)
        if agreement.largest < NO_LIMIT:
            self._refuse_larger()
        if agreement.heartbeat_wanted is not None:
            self._heart = Heartbeat(self._queue, agreement.heartbeat_wanted)
        if self._server is not None:
            self._handling = self._server.handle_requests(
                self._pending,  # which outlives the stream
                self._replies,
                metadata=accepted,
                peer=self._address,
                peer_id=self._node_id,
                mark_end=agreement.stream_end,
            )

    def _refuse_larger(self) -> None:
        """Fail what has queued up and is more than the node takes."""
        taken = self._queue.take_larger()
        self._pending.remove([owner for _, owner in taken])
        for frame, owner in taken:
            text = self._queue.why_not(frame, self._address, 0)
            owner.fail(self._node_id, StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text, node_id=self._node_id))

    async def use(self, accepted: Pairs | None) -> StatusError:
        """Read until the stream breaks, and say why it did.

        Args:
            accepted: The acceptor's metadata, if they have come.
        """
        loop = asyncio.get_running_loop()
        writer = loop.create_task(self._write(), name=f"pygorums writer to node {self._node_id} ({self._address})")
        watch = self._watch()
        try:
            if accepted is None:
                # Metadata come before the first frame, if they come at all.
                accepted = await self._transport.accepted()
                self._heard_at = self._clock()
            self._agree(accepted)
            watch = watch or self._watch()
            await self._read()
            return StreamDownError(f"{self._address} ended the stream")
        except asyncio.CancelledError:
            # Either the stream was aborted, which gRPC tells its reader by this, or the reader itself is cancelled.
            task = asyncio.current_task()
            if self._transport.aborted is None or (task is not None and task.cancelling()):
                raise
            return self._transport.aborted
        except Exception as raised:
            return self._transport.error(raised)
        finally:
            if watch is not None:
                watch.stop()
            if self._heart is not None:
                self._heart.stop()
            if self._handling is not None:
                self._handling.stop()
            self._replies.stream_ended()
            writer.cancel()
            await asyncio.wait({writer})

    async def _write(self) -> None:
        try:
            await Writer(self._queue, self._transport.send).run()
        except Exception:
            # The transport tells the reader why the stream is over. If it does not think so, it must still
            # end: without a writer it is of no use.
            self._replies.stream_ended()
            await self._transport.close()

    def _watch(self) -> SilenceWatch | None:
        def give_up(silence: float) -> None:
            text = f"{self._address} has given no sign of life for {silence:.3g} s"
            self._transport.abort(StreamDownError(text))

        return None if self.heartbeat is None else SilenceWatch(self.heartbeat, lambda: self._heard_at, give_up)

    async def _read(self) -> None:
        receive, batching, announced = self._transport.receive, self._batching, self.heartbeat is not None
        while isinstance(data := await receive(), bytes):
            self.heard = True
            if announced and data.startswith(ANNOUNCEMENT):
                # What comes next may take its time.
                self._heard_at = self._clock() + Message.FromString(data).following / SLOWEST
                continue
            self._heard_at = self._clock()
            count = 0
            for piece in pieces(data) if batching and len(data) > PIECE else (data,):
                count += self._take(piece, batching)
                if count > YIELD_AFTER:
                    # What the replies woke gets its turn before what comes next, which may be here already.
                    count = 0
                    await asyncio.sleep(0)
                if self._replies.full:
                    await self._until_taken()

    def _take(self, data: bytes, batching: bool) -> int:
        """Hand on what came, and say how many messages that were."""
        try:
            messages = split(data, batching=batching)
        except DecodeError:
            text = f"{self._address} sent what is not a message ({counted(len(data), 'byte')})"
            raise StatusError(grpc.StatusCode.INTERNAL, text) from None
        requests = self._pending.deliver(messages, self._heard_at)
        if requests is not None:
            if self._handling is not None:
                self._handling.take(requests, len(data))
                if self._handling.gap:
                    text = f"too many messages of {self._address} wait for their handlers: this end gives up"
                    raise StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
            else:
                _refuse(requests, self._replies)
        return len(messages)

    async def _until_taken(self) -> None:
        """Read nothing from a node that does not take its replies. What it takes is a sign of life meanwhile."""
        while self._replies.full:
            self._heard_at = self._clock() + MAX_ENVELOPE / SLOWEST
            await self._replies.progress()
        self._heard_at = self._clock()


def _refuse(requests: Sequence[Message | Frame], replies: ReplySink) -> None:
    for request in requests:
        if request.cancel:
            continue
        name = request.method[:LONGEST_NAME]
        status = Status(code=grpc.StatusCode.UNIMPLEMENTED.value[0], message=f"no handler registered for method {name}")
        replies.put(encode_error(request.message_seq_no, method_field(name), status), UNOWNED)
