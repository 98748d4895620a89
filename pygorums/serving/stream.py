"""The server's end of one stream: requests are handled in the order in which they came.

One task, the holder of the baton, reads a frame, awaits the handler of each request in it, queues the reply
and reads again, so requests are handled in order without a task for each. When a handler calls `release()`
the baton goes to a new task, which carries on while the old one only finishes its own handler.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress

import grpc
from google.protobuf.message import DecodeError

from pygorums.base.errors import StatusError
from pygorums.serving.context import ServerContext, StreamContext
from pygorums.serving.handlers import Handler
from pygorums.serving.replies import ReplyWriter
from pygorums.streams.transport import Transport
from pygorums.wire.framing import Frame, Message, split

__all__ = ["ServerStream"]

YIELD_EVERY = 64
"""Requests of one envelope that are handled before other streams get their turn."""

_log = logging.getLogger("pygorums.server")


class ServerStream:
    """Serves one stream until it ends.

    Args:
        transport: The accepted end of the stream.
        context: What is known of the other side.
        handlers: The handlers by method name; may grow while the stream is served.
        replies: Where replies go.
        batching: Whether the client may send envelopes.
    """

    def __init__(
        self,
        transport: Transport,
        context: StreamContext,
        handlers: Mapping[str, Handler],
        replies: ReplyWriter,
        *,
        batching: bool,
    ) -> None:
        self._transport = transport
        self._context = context
        self._handlers = handlers
        self._replies = replies
        self._batching = batching
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._backlog: deque[Message | Frame] = deque()
        self._tasks: set[asyncio.Task[None]] = set()  # those that run handlers; the last one holds the baton
        self._receiving: asyncio.Task[None] | None = None
        self._draining = False
        self._ended: asyncio.Future[None] = self._loop.create_future()

    async def serve(self) -> None:
        """Handle requests until the client ends the stream, it breaks, or `drain` was called.

        When the client ends it, or it is drained, what has been received is handled and answered first. When it
        breaks, or this is cancelled, handlers are cancelled: the client will send unanswered requests again on
        its next stream, and two streams must not handle requests of one client side by side.

        Raises:
            StatusError: The client sent bytes that are not a message.
        """
        writer = self._loop.create_task(self._write(), name="pygorums server writer")
        self._pass_baton()
        try:
            await self._ended
            while handling := self._tasks - {self._receiving}:
                await asyncio.wait(handling)
            await self._replies.drained(0)
        finally:
            self._draining = True
            for task in self._tasks - {self._receiving}:
                task.cancel()
            writer.cancel()
            await asyncio.wait({writer})

    def drain(self) -> None:
        """Read no more; `serve` returns once what has been received is handled and answered."""
        self._draining = True
        if self._receiving is not None:
            self._end(None)

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """The tasks that still run handlers or read."""
        return self._tasks

    def _end(self, error: StatusError | None) -> None:
        if not self._ended.done():
            if error is None:
                self._ended.set_result(None)
            else:
                self._ended.set_exception(error)

    async def _write(self) -> None:
        # If writing fails the stream is over, which the reader learns too.
        with suppress(Exception):
            await self._replies.run(self._transport.send)

    def _pass_baton(self) -> None:
        task = self._loop.create_task(self._carry_baton(), name=f"pygorums handlers for {self._context.peer}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _release(self) -> None:
        if threading.get_ident() == self._thread:
            self._pass_baton()
        else:
            self._loop.call_soon_threadsafe(self._pass_baton)

    async def _carry_baton(self) -> None:
        try:
            await self._handle_in_order()
        except StatusError as error:
            self._end(error)

    async def _handle_in_order(self) -> None:
        backlog = self._backlog
        count = 0
        while True:
            while backlog:
                if await self._handle(backlog.popleft()):
                    return
                count += 1
                if not count % YIELD_EVERY:
                    await asyncio.sleep(0)
            if self._draining:
                self._end(None)
                return
            await self._replies.ready()
            data = await self._receive()
            if data is None:
                self._end(None)
                return
            if self._draining:
                return
            try:
                backlog.extend(split(data, batching=self._batching))
            except DecodeError:
                raise StatusError(
                    grpc.StatusCode.INTERNAL, f"{len(data)} bytes from {self._context.peer} are not a message"
                ) from None

    async def _receive(self) -> bytes | None:
        self._receiving = asyncio.current_task()
        try:
            return await self._transport.receive()
        except Exception as raised:
            raise self._transport.error(raised) from None
        finally:
            self._receiving = None

    async def _handle(self, message: Message | Frame) -> bool:
        """Handle one request; whether its handler passed the baton on."""
        seq_no, name = message.message_seq_no, message.method
        handler = self._handlers.get(name)
        if handler is None:
            text = f"no handler registered for method {name}"
            self._replies.refuse(seq_no, name, grpc.StatusCode.UNIMPLEMENTED, text)
            return False
        method = handler.method
        try:
            request = method.request_class.FromString(message.payload)
        except DecodeError as error:
            text = f"the request of {name} is not a {method.request_class.DESCRIPTOR.full_name}: {error}"
            self._replies.refuse(seq_no, name, grpc.StatusCode.UNKNOWN, text)
            return False
        entries = tuple((entry.key, entry.value) for entry in message.entry) if message.entry else ()
        ctx = ServerContext(self._context, name, entries, self._release)
        try:
            reply = await handler.call(ctx, request)
            if method.streaming:
                await self._replies.stream(seq_no, method, reply)
            elif not method.one_way:
                self._replies.reply(seq_no, method, reply)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and not self._survives_cancellation():
                raise
            self._replies.failed(seq_no, method, error)
        released, ctx._released = ctx._released, True
        return released

    def _survives_cancellation(self) -> bool:
        """Whether a cancelled handler is the handler's own affair, and the stream goes on."""
        if self._ended.done() or self._draining:
            return False
        task = asyncio.current_task()
        assert task is not None
        while task.cancelling():
            task.uncancel()
        return True
