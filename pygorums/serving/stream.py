"""The server's end of one stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic

import grpc
from google.protobuf.message import DecodeError

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.serving.context import StreamContext
from pygorums.serving.handlers import Handler
from pygorums.serving.in_order import InOrder
from pygorums.serving.inbox import Inbox
from pygorums.serving.replies import ReplyWriter
from pygorums.streams.pending import PendingCalls
from pygorums.streams.transport import Transport
from pygorums.streams.writer import Writer
from pygorums.wire.framing import SERVER_INITIATED, Frame, Message, split

__all__ = ["ServerStream"]

LAST_WORDS = 1.0
"""Seconds that a client gets to take what was written to it before its stream is ended with a status."""


class ServerStream:
    """Serves one stream until it ends.

    The requests of an ordinary client are read by the task that handles them, which is the fastest, and the
    natural brake: a client whose requests are not handled is not read from. Over the stream of a node that we
    call back come replies too, which must not wait for handlers, so that has a reader of its own.

    Args:
        transport: The accepted end of the stream.
        context: What is known of the other side.
        handlers: The handlers by method name; may grow while the stream is served.
        writer: The queue of the stream.
        replies: Encodes what handlers give for that queue.
        batching: Whether the client may send envelopes.
        heartbeats: Whether an empty message of the client is a sign of life, and means nothing else.
        pending: The calls that we make over the stream; None if we make none.
        on_connect: Awaited before the first request is handled; it may call back over the stream already.
    """

    def __init__(
        self,
        transport: Transport,
        context: StreamContext,
        handlers: Mapping[str, Handler],
        writer: Writer,
        replies: ReplyWriter,
        *,
        batching: bool,
        heartbeats: bool,
        pending: PendingCalls | None,
        on_connect: Callable[[], Awaitable[None]],
    ) -> None:
        self._transport = transport
        self._context = context
        self._writer = writer
        self._replies = replies
        self._batching = batching
        self._heartbeats = heartbeats
        self._pending = pending
        self._inbox = Inbox()
        self._on_connect = on_connect
        receive = self._read if pending is None else self._inbox.receive
        self._requests = InOrder(context, handlers, replies, receive)
        self._reader: asyncio.Task[None] | None = None
        self._broken: StatusError | None = None

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """The tasks that run handlers or read."""
        return self._requests.tasks | ({self._reader} if self._reader is not None else set())

    def drain(self) -> None:
        """Read no more requests; `serve` returns once what has been received is handled and answered."""
        if self._pending is None:
            self._requests.drain()
        else:
            self._inbox.end()

    def cut(self) -> None:
        """The server stops: cancel all handlers."""
        self._requests.cancel(receiving=self._pending is not None)

    async def serve(self) -> None:
        """Handle requests until the client ends the stream, it breaks, or `drain` was called.

        When the client ends it, or it is drained, what has been received is handled and answered first. When it
        breaks, or this is cancelled, handlers are cancelled: the client will send unanswered requests again on
        its next stream, and two streams must not handle requests of one client side by side.

        Raises:
            StatusError: The stream broke, or the client sent bytes that are not a message.
        """
        loop = asyncio.get_running_loop()
        writer = loop.create_task(self._write(), name=f"pygorums writer to {self._context.peer}")
        try:
            if self._pending is not None:
                name = f"pygorums reader of {self._context.peer}"
                self._reader = loop.create_task(self._route(self._pending), name=name)
                self._reader.add_done_callback(self._read_to_the_end)
            await self._on_connect()
            self._requests.start()
            await self._requests.finished()
            if self._broken is not None:
                raise self._broken
            await self._writer.drained(0)
        except StatusError as error:
            self._broken = error
            self._requests.cancel(receiving=self._pending is not None)
            await self._last_words(writer)
            raise
        finally:
            # What reads from gRPC ends by itself when this returns; cancelling it would end the stream at once.
            self._requests.cancel(receiving=self._pending is not None)
            writer.cancel()
            await asyncio.wait({writer})
            ended_with = self.ended_with
            self._writer.stream_broke(ended_with)
            self._writer.discard(ended_with)

    @property
    def ended_with(self) -> StatusError:
        """Why the stream has ended."""
        return self._broken or StreamDownError(f"{self._context.peer} has ended its stream")

    async def _last_words(self, writer: asyncio.Task[None]) -> None:
        """Let what is written leave: gRPC cannot send the status that ends a stream while a message is on its way."""
        drained = asyncio.get_running_loop().create_task(self._writer.drained(0))
        await asyncio.wait({drained, writer}, timeout=LAST_WORDS, return_when=asyncio.FIRST_COMPLETED)
        drained.cancel()

    async def _write(self) -> None:
        # If writing fails the stream is over, which the reader learns too.
        with suppress(Exception):
            await self._writer.run(self._transport.send)

    async def _read(self) -> Sequence[Message | Frame] | None:
        try:
            data = await self._transport.receive()
            while data == b"" and self._heartbeats:
                data = await self._transport.receive()
        except Exception as raised:
            raise self._transport.error(raised) from None
        if not isinstance(data, bytes):
            return None
        try:
            return split(data, batching=self._batching)
        except DecodeError:
            text = f"{len(data)} bytes from {self._context.peer} are not a message"
            raise StatusError(grpc.StatusCode.INTERNAL, text) from None

    async def _route(self, pending: PendingCalls) -> None:
        while (messages := await self._read()) is not None:
            replies = [message for message in messages if message.message_seq_no >= SERVER_INITIATED]
            pending.deliver(replies, monotonic())
            requests = messages if not replies else [m for m in messages if m.message_seq_no < SERVER_INITIATED]
            for refused in self._inbox.put(requests):
                self._replies.overloaded(refused)

    def _read_to_the_end(self, reader: asyncio.Task[None]) -> None:
        error = None if reader.cancelled() else reader.exception()
        if error is None:
            self._inbox.end()
        else:
            self._broken = error if isinstance(error, StatusError) else self._transport.error(RuntimeError(error))
            self._requests.cancel(receiving=True)
