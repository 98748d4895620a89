"""Handling requests in the order in which they came.

One task, the holder of the baton, receives requests, awaits the handler of each, queues the reply and receives
again, so requests are handled in order without a task for each. When a handler calls `release()` the baton goes
to a new task, which carries on while the old one only finishes its own handler.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from pygorums.base.errors import StatusError
from pygorums.base.method import Method
from pygorums.serving.context import ServerContext, StreamContext
from pygorums.serving.handlers import Handler
from pygorums.serving.replies import READ_ON_BELOW, ReplyWriter
from pygorums.wire.framing import Frame, Message

__all__ = ["InOrder"]

YIELD_EVERY = 256
"""Requests that came together and are handled before other streams get their turn."""


class InOrder:
    """Handles the requests of one source until it ends.

    Args:
        context: What is known of the other side.
        handlers: The handlers by method name; may grow meanwhile.
        replies: Where replies go.
        receive: Gives the next requests; None at the end. Raises StatusError when the source breaks.
    """

    def __init__(
        self,
        context: StreamContext,
        handlers: Mapping[str, Handler],
        replies: ReplyWriter,
        receive: Callable[[], Awaitable[Sequence[Message | Frame] | None]],
    ) -> None:
        self._context = context
        self._handlers = handlers
        self._replies = replies
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._on_release = self._release  # one for all requests
        self._backlog: deque[Message | Frame] = deque()
        self._tasks: set[asyncio.Task[None]] = set()  # those that run handlers; the last one holds the baton
        self._receiving: asyncio.Task[None] | None = None
        self._draining = False
        self._cancelled = False
        self._refusal: StatusError | None = None
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._owner: asyncio.Task[object] | None = None

    def start(self) -> None:
        """Begin to receive. What was done to it before counts: once it was cancelled there is nothing to begin."""
        if not self._cancelled:
            self._pass_baton()

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """The tasks that run handlers or receive."""
        return self._tasks

    async def finished(self) -> None:
        """Wait until the source has ended, or `drain` was called, and all that was received is handled.

        Raises:
            StatusError: The source broke.
        """
        self._owner = asyncio.current_task()
        # The future is not awaited bare: it would be cancelled together with whoever waits here.
        await asyncio.shield(self._ended)
        while handling := self._tasks - {self._receiving}:
            await asyncio.wait(handling)

    def drain(self) -> None:
        """Receive no more; what was received is still handled."""
        self._draining = True
        if self._receiving is not None:
            self._end(None)

    def cancel(self, *, receiving: bool, refusal: StatusError | None = None) -> None:
        """Cancel all handlers and forget what was not begun.

        Args:
            receiving: Whether the task that receives is cancelled too; some sources do not stand that.
            refusal: What those are told whose requests are not answered yet, if they are still there to listen.
        """
        self._draining = self._cancelled = True
        self._refusal = refusal
        if refusal is not None:
            self._replies.refuse_all(self._backlog, refusal)
        self._backlog.clear()
        self._end(None)
        for task in self._tasks:
            if receiving or task is not self._receiving:
                task.cancel()

    def _end(self, error: StatusError | None) -> None:
        if not self._ended.done():
            if error is None:
                self._ended.set_result(None)
            else:
                self._ended.set_exception(error)
                # Nobody may wait for it, if the one who did was cancelled.
                self._ended.exception()

    def _pass_baton(self) -> None:
        task = self._loop.create_task(self._carry_baton(), name=f"pygorums handlers for {self._context.peer}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._cancelled:
            task.cancel()

    def _release(self) -> None:
        if threading.get_ident() == self._thread:
            self._pass_baton()
        else:
            self._loop.call_soon_threadsafe(self._pass_baton)

    async def _carry_baton(self) -> None:
        task = asyncio.current_task()
        while not await self._handle_backlog():
            if self._draining:
                self._end(None)
                return
            await self._replies.ready()
            self._receiving = task
            try:
                messages = await self._receive()
            except StatusError as error:
                self._end(error)
                return
            finally:
                self._receiving = None
            if messages is None or self._draining:
                self._end(None)
                return
            self._backlog.extend(messages)

    async def _handle_backlog(self) -> bool:
        """Handle the requests that were received, one after the other; whether a handler passed the baton on."""
        backlog, replies, handlers = self._backlog, self._replies, self._handlers
        count = 0
        while backlog:
            if replies.sink.queued_bytes > READ_ON_BELOW:
                # Requests that came together may have far larger replies.
                await replies.ready()
                continue  # the backlog may be forgotten meanwhile
            count += 1
            if not count % YIELD_EVERY:
                await asyncio.sleep(0)
                continue
            message = backlog.popleft()
            seq_no, name = message.message_seq_no, message.method
            handler = handlers.get(name)
            if handler is None:
                if message.cancel:
                    continue
                replies.unserved(seq_no, name)
                continue
            method = handler.method
            try:
                request = method.parse_request(message.payload)
            except DecodeError as error:
                text = f"the request of {name} is not a {method.request_class.DESCRIPTOR.full_name}: {error}"
                replies.refuse(seq_no, name, grpc.StatusCode.UNKNOWN, text)
                continue
            ctx = ServerContext(self._context, name, message, self._on_release)
            del message  # the handler may run for long, and would hold on to a whole envelope
            try:
                reply = await handler.call(ctx, request)
                if not method.one_way:
                    if method.streaming:
                        await replies.stream(seq_no, method, reply)
                    else:
                        replies.reply(seq_no, method, reply)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._failed(seq_no, method, error)
            if ctx._released:
                return True
            ctx._released = True
        return False

    def _failed(self, seq_no: int, method: Method[Any, Any], error: BaseException) -> None:
        """Tell the client that a handler has failed; a cancellation that means us goes on."""
        if isinstance(error, asyncio.CancelledError) and not self._survives_cancellation():
            if self._refusal is not None:
                self._replies.refuse(seq_no, method.name, self._refusal.code(), self._refusal.message)
            raise error
        self._replies.failed(seq_no, method, error)

    def _survives_cancellation(self) -> bool:
        """Whether a cancelled handler is the handler's own affair, and the others go on."""
        if self._cancelled or (self._owner is not None and self._owner.cancelling()):
            return False  # the second is so when the event loop ends, which cancels all tasks at once
        task = asyncio.current_task()
        assert task is not None
        while task.cancelling():
            task.uncancel()
        return True
