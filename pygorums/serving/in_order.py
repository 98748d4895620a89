"""Handling requests in the order in which they came.

How it works. Requests wait in a backlog. At most one handler has the turn (`_turn`), and meanwhile no further one
starts. It loses the turn when it ends (`_ended`), or calls `release()` (`_pass_turn`) and runs on beside those that
come after it. Then `_start_handlers` goes through the backlog until a handler keeps the turn. A handler that need not
wait has ended by the time its task was started, so a whole backlog of these costs one call.

`_start_handlers` stops before the backlog is empty when the handlers that run are too many or hold too much, when the
client does not take its replies, and when it has taken a whole `TURN`, so that other streams are served too. For each
of these there is an event that calls it again: a handler that ends, replies that were written, the loop's next turn.
It is never entered twice: a handler that ends while it is started only says so, and `release()` starts others one turn
later, because those that it would start could release as well, and so on, ever deeper.

Each handler has a task of its own, in a context of its own, and this object runs in none of them. So what a handler
does to its task or its context, while it runs or later, reaches neither the stream nor another request. A plain handler
runs in a thread besides. That cannot be cancelled, so a handler whose thread runs on has not ended, although its task
has: those who wait until nothing runs (`when_idle`) wait for it.

`cancel` is the end: all handlers that run are cancelled, what waits is forgotten, and what comes later is not taken.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import grpc

from pygorums.base.errors import StatusError
from pygorums.base.handling import HANDLING
from pygorums.base.method import Method
from pygorums.serving.backlog import READ_AHEAD, Backlog
from pygorums.serving.callers import Callers
from pygorums.serving.context import ServerContext, StreamContext
from pygorums.serving.handler_tasks import start_task
from pygorums.serving.handlers import Handler
from pygorums.serving.holdings import Holding
from pygorums.serving.replies import ReplyWriter
from pygorums.serving.surroundings import Surroundings
from pygorums.streams.reply_sink import READ_ON_BELOW
from pygorums.tasks.joined import resolve
from pygorums.wire.framing import Frame, Message

__all__ = ["InOrder"]

TURN = 0.002
"""Seconds for which handlers of one stream are started before other streams get their turn."""


class InOrder:
    """Starts the handlers of the requests of one source.

    Args:
        context: What is known of the other side.
        handlers: By method name; may grow meanwhile.
        replies: Where replies go.
        surroundings: What handlers run in.
        max_released: How many handlers may run at once, all but one of which have released.
        max_waiting: Bytes of requests that may wait; further ones are refused.
        cancel_abandoned: Whether handlers are cancelled whose callers do not wait any more.

    Attributes:
        backlog: The requests whose turn has not come.
        context: What is known of the other side.
        replies: Where replies go.
        callers: Who waits for those.
        begun: Whether handlers are started.
    """

    def __init__(
        self,
        context: StreamContext,
        handlers: Mapping[str, Handler],
        replies: ReplyWriter,
        surroundings: Surroundings,
        max_released: int,
        max_waiting: int,
        *,
        cancel_abandoned: bool,
    ) -> None:
        self.context = context
        self._handlers = handlers
        self.replies = replies
        self._surroundings = surroundings
        self._observers = context.observers
        self._max_running = max_released
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._on_release = self._release  # one for all requests
        self._name = f"pygorums handler for {context.peer}"
        self.backlog = Backlog(max_waiting)
        self._waiting = self.backlog.waiting
        self.holding = Holding(self.backlog, replies.sink)
        self._running: dict[ServerContext, asyncio.Task[None]] = {}
        self.callers = Callers(self.backlog, cancel=cancel_abandoned, context=surroundings.base)
        self._turn: ServerContext | None = None  # the request that those behind it wait for
        self.begun = False
        self._starting = False  # whether `_start_handlers` is at work
        self._scheduled = False  # whether it will be soon
        self._pausing: asyncio.Task[None] | None = None  # for the client to take replies
        self._finishing: asyncio.Future[None] | None = None
        self._when_idle: list[Callable[[], None]] = []
        self._cancelled = False
        self._refusal: StatusError | None = None
        self.owner: asyncio.Task[Any] | None = None
        """The task of the stream: if that is cancelled, so are its handlers, also because the event loop ends."""

    @property
    def tasks(self) -> Sequence[asyncio.Task[None]]:
        """The tasks of the handlers that run, in the order in which they were started."""
        return tuple(self._running.values())

    def is_one_way(self, name: str) -> bool:
        """Whether nobody waits for an answer from the method `name`."""
        return (handler := self._handlers.get(name)) is not None and handler.method.one_way

    def holds_up(self) -> ServerContext | None:
        """The request that keeps others waiting, if there are any."""
        return self._turn if self._waiting else None

    def begin(self) -> None:
        """Start the handlers of what came, and of what comes. Until then it waits."""
        self.begun = True
        self._start_soon()

    def put(self, requests: Sequence[Message | Frame], size: int) -> Sequence[Message | Frame]:
        """Handle requests that have come together, in `size` bytes; return those for which there is no room.

        Never waits, and may start handlers now.
        """
        if self._cancelled:
            return ()
        refused = self.callers.put(requests, size)
        del requests
        self._start_handlers()
        if self._waiting:
            self.backlog.settle()
        self.holding.grew()
        return refused

    def put_soon(self, requests: Sequence[Message | Frame], size: int) -> Sequence[Message | Frame]:
        """As `put`, but no handler starts before the event loop's next turn."""
        if self._cancelled:
            return ()
        refused = self.callers.put(requests, size)
        self._start_soon()
        return refused

    async def ready(self) -> None:
        """Wait while much waits: requests for their turn, or replies for the client to take them."""
        while self.backlog.bytes > READ_AHEAD:
            room = self._loop.create_future()
            self.backlog.when_below(READ_AHEAD, partial(resolve, room))
            await room
        await self.replies.ready()

    async def finished(self) -> None:
        """Wait until all that came is handled, or cancelled, whether that has ended or not."""
        while not self._is_idle and not self._cancelled:
            if self._finishing is None or self._finishing.done():
                self._finishing = self._loop.create_future()
                self.when_idle(partial(resolve, self._finishing))
            await asyncio.shield(self._finishing)

    def when_idle(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once no handler runs, threads included, and none waits for its turn."""
        self._when_idle.append(callback)
        self._check_idle()

    def cancel(self, refusal: StatusError | None = None) -> int:
        """Cancel all handlers and forget what was not begun, now and later; how many one-way messages that are.

        Args:
            refusal: What those are told whose requests are not answered yet, if they are still there to listen.
        """
        self._cancelled = True
        self._refusal = refusal
        waiting = self.backlog.clear()
        if refusal is not None:
            self.replies.refuse_all(waiting, refusal)
        for ctx, task in self._running.items():
            ctx.given_up = True
            task.cancel()
        if self._pausing is not None:
            self._pausing.cancel()
        resolve(self._finishing)
        self._check_idle()
        return sum(self.is_one_way(request.method) for request in waiting)

    @property
    def _is_idle(self) -> bool:
        return not self._running and not self._waiting

    def _check_idle(self) -> None:
        if self._when_idle and self._is_idle:
            callbacks, self._when_idle = self._when_idle, []
            for callback in callbacks:
                callback()

    def _release(self, ctx: ServerContext) -> None:
        """The handler of `ctx` lets the next one in. Called in any thread."""
        if threading.get_ident() == self._thread:
            self._pass_turn(ctx)
        else:
            with suppress(RuntimeError):  # the event loop has ended
                self._loop.call_soon_threadsafe(self._pass_turn, ctx)

    def _pass_turn(self, ctx: ServerContext) -> None:
        if self._turn is ctx:
            self._turn = None
            self.holding.released(ctx)
            # Not now: the handler that releases would run those behind it, and they those behind them.
            self._start_soon()

    def _start_soon(self) -> None:
        if self._waiting and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._start_scheduled, context=self._surroundings.base)

    def _start_scheduled(self) -> None:
        self._scheduled = False
        self._start_handlers()

    def _start_handlers(self) -> None:
        """Start handlers until one of them keeps the turn."""
        if self._starting or not self.begun:
            return  # what called us is a handler that ends while it is started
        self._starting = True
        waiting, running, clock, sink = self._waiting, self._running, self._loop.time, self.replies.sink
        take, start = self.backlog.take, self._start
        end = clock() + TURN
        try:
            while waiting and self._turn is None and len(running) < self._max_running:
                if running and self.holding.full:
                    break
                if sink.queued_bytes > READ_ON_BELOW:
                    # Requests that came together may have far larger replies.
                    self._wait_for_client()
                    break
                now = clock()
                if now > end:
                    self._start_soon()
                    break
                start(*take(), now)
        finally:
            self._starting = False
        if not waiting:
            self._check_idle()

    def _start(self, message: Message | Frame, size: int, now: float) -> None:
        seq_no, name = message.message_seq_no, message.method
        handler = self._handlers.get(name)
        if handler is None:
            self.replies.unserved(seq_no, name)
            return
        method = handler.method
        try:
            request = handler.read(message, size)
        except StatusError as error:
            self.replies.malformed(seq_no, name, error)
            return
        ctx = ServerContext(self.context, name, message, self.backlog.received_at, now, self._on_release)
        if not (method.one_way or self.callers.begin(ctx, seq_no)):
            self.replies.too_late(seq_no, ctx)
            return
        self._turn = ctx
        self.holding.begun(ctx, size)
        del message
        coroutine = self._handle(ctx, handler, seq_no, request)
        task = start_task(coroutine, self._loop, self._name, self._surroundings.context())
        if not task.done():
            self._running[ctx] = task
            if not method.one_way:
                self.callers.handle(ctx, seq_no, task)
            if self._cancelled:
                task.cancel()  # by itself, before we knew its task

    async def _handle(self, ctx: ServerContext, handler: Handler, seq_no: int, request: Any) -> None:
        method, replies = handler.method, self.replies
        try:
            HANDLING.set(ctx)
            if self._observers.request is not None:
                ctx.observed = self._observers.request(ctx)
            reply = await handler.call(ctx, request)
            if not method.one_way:
                if method.streaming:
                    await replies.stream(seq_no, method, reply)
                else:
                    replies.reply(seq_no, method, reply)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            ctx.fail(error)
            self._failed(ctx, seq_no, method, error)
        finally:
            thread = ctx.thread
            if thread is None or thread.done():
                self._ended(ctx)
            else:
                # A thread cannot be cancelled: until it has ended the handler has not.
                thread.when_done = partial(self._ended, ctx)

    def _ended(self, ctx: ServerContext) -> None:
        ctx._released = ctx.over = True
        if self._observers.handled is not None or ctx.observed is not None:
            ctx.tell_ended(self._loop.time())
        self.holding.ended(ctx)
        if self.replies.sink.queued_bytes > READ_ON_BELOW:
            self.holding.grew()
        if self._turn is ctx:
            self._turn = None
        if self._starting:
            return  # it did not wait at all, so that its task is not even known: `_start_handlers` goes on
        self._running.pop(ctx, None)
        self.callers.end(ctx)
        if self._waiting:
            self._start_handlers()
        elif self._when_idle:
            self._check_idle()

    def _failed(self, ctx: ServerContext, seq_no: int, method: Method[Any, Any], error: BaseException) -> None:
        """Tell the client that a handler has failed, unless that is because there is nobody to tell any more."""
        if isinstance(error, asyncio.CancelledError):
            if self._cancelled:
                if self._refusal is not None:
                    self.replies.refuse(seq_no, method.name, self._refusal.code(), self._refusal.message)
                return
            if self.owner is not None and self.owner.cancelling():
                return  # the event loop ends, which cancels all tasks at once
            if self.callers.left(ctx):
                self.replies.too_late(seq_no, ctx)
                return
            error = StatusError(grpc.StatusCode.CANCELLED, f"the handler of {method.name} was cancelled")
        elif self._loop.is_closed():
            self.backlog.clear()
            return  # it was not even cancelled before
        self.replies.failed(seq_no, method, error)

    def _wait_for_client(self) -> None:
        if self._pausing is None or self._pausing.done():
            self._pausing = self._loop.create_task(self._go_on_when_ready(), name=self._name)

    async def _go_on_when_ready(self) -> None:
        await self.replies.ready()
        self._start_soon()
