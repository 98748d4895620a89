"""One stream that a client has opened to us, from when it was let in until it has ended."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from pygorums.base.errors import StatusError, StreamDownError, counted
from pygorums.serving.backlog import MAX_WAITING
from pygorums.serving.in_order import InOrder
from pygorums.serving.replies import ReplyWriter
from pygorums.serving.succession import Succession
from pygorums.streams.joined import resolve
from pygorums.streams.pending import PendingCalls
from pygorums.streams.send_queue import SendQueue
from pygorums.streams.transport import Transport
from pygorums.streams.writer import Writer
from pygorums.wire.framing import SERVER_INITIATED, Frame, Message, pieces, split

__all__ = ["AcceptedStream"]

TOGETHER = 1024
"""So many messages of an envelope are taken before other streams have their turn."""

LAST_WORDS = 1.0
"""Seconds that a client gets to take what was written to it before its stream is ended with a status."""

HEARD_APART = 0.5
"""Seconds between two times that others are told that a node is heard."""


class AcceptedStream:
    """Serves one stream until it ends.

    One task reads. An ordinary client is read from only while none of its requests waits, and it takes its replies:
    that is the brake. Over the stream of a node that we call back come replies too, which must not wait for handlers.
    It is braked when very much waits and no reply is due; if that does not do, because one is, the stream ends.

    Args:
        transport: The accepted end of the stream.
        peer: The client's address, for texts.
        requests: Handles the requests.
        queue: The queue of the stream.
        replies: Encodes what handlers give for that queue.
        batching: Whether the client may send envelopes.
        heartbeats: Whether an empty message of the client is a sign of life, and means nothing else.
        pending: The calls that we make over the stream; None if we make none.
        succession: The client's earlier streams, whose handlers must have ended before the first request is handled.
        on_heard: Called from time to time while messages come over the stream of a node that we call back.
        on_connect: Awaited before the first request is handled; it may call back over the stream already. Or None.
    """

    def __init__(
        self,
        transport: Transport,
        peer: str,
        requests: InOrder,
        queue: SendQueue,
        replies: ReplyWriter,
        *,
        batching: bool,
        heartbeats: bool,
        pending: PendingCalls | None,
        on_heard: Callable[[], None],
        succession: Succession,
        on_connect: Callable[[], Coroutine[Any, Any, None]] | None,
    ) -> None:
        self._transport = transport
        self._peer = peer
        self._requests = requests
        self._queue = queue
        self._replies = replies
        self._batching = batching
        self._heartbeats = heartbeats
        self._pending = pending
        self._on_heard = on_heard
        self._succession = succession
        self._on_connect = on_connect
        self._connecting: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._broken: StatusError | None = None
        self._taking = True  # whether further requests are handled
        self._reading = True  # whether to read on, be it for replies only
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.when_idle = requests.when_idle

    @property
    def tasks(self) -> Sequence[asyncio.Task[None]]:
        """The tasks that run handlers or read."""
        return (*self._requests.tasks, *(() if self._reader is None else (self._reader,)))

    def drain(self) -> None:
        """Take no more requests; `serve` returns once what has been received is handled and answered."""
        self._taking = False
        self._end(None)

    def replaced(self) -> None:
        """The client has opened a new stream: what it asked for over this one it will ask for again over that."""
        self._end(StatusError(grpc.StatusCode.ABORTED, f"{self._peer} has opened a new stream"))

    def end_with(self, error: StatusError) -> None:
        """End the stream with an error."""
        self._end(error)

    def cut(self) -> None:
        """The server stops: cancel all handlers."""
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
        """Handle nothing any more, and read nothing: gRPC does not survive a read of a stream that is over."""
        self._taking = False
        if self._reading:
            self._reading = False
            self._requests.cancel()
            self._succession.ended(self._requests)

    async def serve(self) -> None:
        """Handle requests until the client ends the stream, it breaks, is replaced, or `drain` was called.

        When the client ends it, or it is drained, what has been received is handled and answered first. When it
        breaks or is replaced, or this is cancelled, handlers are cancelled: the client will send unanswered requests
        again on its next stream, and two streams must not handle requests of one client side by side.

        Raises:
            StatusError: The stream broke, or the client sent bytes that are not a message.
        """
        loop = asyncio.get_running_loop()
        self._requests.owner = asyncio.current_task()
        writer = loop.create_task(self._write(), name=f"pygorums writer to {self._peer}")
        self._reader = loop.create_task(self._read_on(), name=f"pygorums reader of {self._peer}")
        self._reader.add_done_callback(self._read_to_the_end)
        try:
            await self._connected()
            if self._reading:
                self._succession.begin(self._requests)
            # The future is not awaited bare: it would be cancelled together with whoever waits here.
            await asyncio.shield(self._over)
            await self._requests.finished()
            if self._broken is not None:
                raise self._broken
            await self._queue.drained(0)
        except StatusError as error:
            self._broken = error
            self._give_up()
            await self._last_words(writer)
            raise
        except asyncio.CancelledError:
            # So gRPC says that the connection is gone, or that the server stops.
            self._broken = self._broken or StreamDownError(f"the connection to {self._peer} is gone")
            raise
        finally:
            # The reader ends by itself when this returns; cancelling it would end the stream at once.
            self._give_up()
            writer.cancel()
            await asyncio.wait({writer})
            ended_with = self.ended_with
            self._queue.stream_broke(ended_with)
            self._queue.discard(ended_with)

    async def _connected(self) -> None:
        """Have `on_connect` done with the stream, unless it breaks before that.

        Raises:
            StatusError: It did.
        """
        if self._on_connect is not None:
            self._connecting = asyncio.get_running_loop().create_task(self._on_connect())
            try:
                await asyncio.wait({self._connecting})
            finally:
                self._connecting.cancel()
        if self._broken is not None:
            raise self._broken

    @property
    def broken(self) -> StatusError | None:
        """Why the stream did not end in peace, if it did not."""
        return self._broken

    @property
    def ended_with(self) -> StatusError:
        """Why the stream has ended."""
        return self._broken or StreamDownError(f"{self._peer} has ended its stream")

    async def _last_words(self, writer: asyncio.Task[None]) -> None:
        """Let what is written leave: gRPC cannot send the status that ends a stream while a message is on its way."""
        drained = asyncio.get_running_loop().create_task(self._queue.drained(0))
        await asyncio.wait({drained, writer}, timeout=LAST_WORDS, return_when=asyncio.FIRST_COMPLETED)
        drained.cancel()

    async def _write(self) -> None:
        # If writing fails the stream is over, which the reader learns too.
        with suppress(Exception):
            await Writer(self._queue, self._transport.send).run()

    async def _read(self) -> bytes | None:
        try:
            data = await self._transport.receive()
            while data == b"" and self._heartbeats and self._reading:
                data = await self._transport.receive()
        except Exception as raised:
            raise self._transport.error(raised) from None
        return data if isinstance(data, bytes) else None

    def _split(self, data: bytes) -> Sequence[Message | Frame]:
        try:
            return split(data, batching=self._batching)
        except DecodeError:
            text = f"{self._peer} sent what is not a message ({counted(len(data), 'byte')})"
            raise StatusError(grpc.StatusCode.INTERNAL, text) from None

    async def _read_on(self) -> None:
        requests, batching = self._requests, self._batching
        if self._pending is not None:
            await self._route(self._pending)
            return
        while self._taking and (data := await self._read()) is not None:
            if not self._taking:
                return
            for piece in pieces(data) if batching else (data,):
                await self._take(self._split(piece), len(piece))
            del data, piece  # the handlers may run for long
            await requests.ready()

    async def _route(self, pending: PendingCalls) -> None:
        batching, told_at, clock = self._batching, -math.inf, asyncio.get_running_loop().time
        while self._reading and (data := await self._read()) is not None:
            now = clock()
            if now - told_at > HEARD_APART:
                told_at = now
                self._on_heard()
            for piece in pieces(data) if batching else (data,):
                messages = self._split(piece)
                replies = [message for message in messages if message.message_seq_no >= SERVER_INITIATED]
                pending.deliver(replies, now)
                if self._taking:  # if not, handlers may still wait for replies
                    if replies:
                        messages = [message for message in messages if message.message_seq_no < SERVER_INITIATED]
                    await self._take(messages, len(piece))
                del messages, replies
            del data, piece
            await self._pause(pending)

    async def _take(self, requests: Sequence[Message | Frame], size: int) -> None:
        """Have requests handled.

        Raises:
            StatusError: There is no room for a one-way message. It could be refused, but its sender would not know,
                and go on to send others as if it had been handled.
        """
        count = len(requests)
        if count <= TOGETHER:
            self._put(requests, size)
            return
        for start in range(0, count, TOGETHER):
            part = requests[start : start + TOGETHER]
            self._put(part, size * len(part) // count)
            await asyncio.sleep(0)  # other streams have their turn

    def _put(self, requests: Sequence[Message | Frame], size: int) -> None:
        for refused in self._requests.put(requests, size):
            if self._requests.is_one_way(refused.method):
                text = f"too many messages wait for their handlers: there is no room for one of {refused.method}"
                raise StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
            self._replies.overloaded(refused)

    async def _pause(self, pending: PendingCalls) -> None:
        """Read no more while too much waits, which brakes the client, unless a handler may wait for a reply."""
        requests = self._requests
        while requests.backlog.bytes > MAX_WAITING and not pending.owed:
            paused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            resume = partial(resolve, paused)
            pending.when_any = resume
            requests.backlog.when_below(MAX_WAITING, resume)
            await paused
            pending.when_any = None

    def _read_to_the_end(self, reader: asyncio.Task[None]) -> None:
        error = None if reader.cancelled() else reader.exception()
        if error is None or isinstance(error, StatusError):
            self._end(error)
        else:
            self._end(self._transport.error(RuntimeError(error)))
