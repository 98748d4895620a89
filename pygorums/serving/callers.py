"""Whether anybody still waits for what the handlers of a stream give."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context

from pygorums.serving.backlog import Backlog
from pygorums.serving.context import ServerContext
from pygorums.wire.framing import Frame, Message

__all__ = ["Callers"]

_SLACK = 64


class Callers:
    """Knows which calls were given up, and cancels their handlers if that is wanted.

    A client may name any number, of calls that it never made too, and is not to fill our memory with that.

    Args:
        backlog: The requests that wait for their turn.
        cancel: Whether handlers are cancelled for which nobody waits.
        context: What timers run in.

    Attributes:
        on_last: Called when the client says that it has made its last call.
    """

    def __init__(self, backlog: Backlog, *, cancel: bool, context: Context) -> None:
        self._backlog = backlog
        self._waiting = backlog.waiting
        self._cancel = cancel
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._handled: dict[int, tuple[ServerContext, asyncio.Task[None]]] = {}  # by the numbers of the calls
        self.on_last: Callable[[], None] | None = None
        self._abandoned = False  # whether all have left
        self._gone: set[int] = set()  # the numbers of those that were given up, whose requests wait or never came

    def put(self, messages: Sequence[Message | Frame], size: int) -> Sequence[Message | Frame]:
        """As `Backlog.put`, of the requests among messages that have come together; take note of what was given up."""
        now = self._loop.time()
        for message in messages:
            if message.cancel:
                break
        else:
            return self._backlog.put(messages, size, now)
        refused = self._backlog.put([message for message in messages if not message.cancel], size, now)
        for message in messages:
            if message.cancel:
                self.give_up(message.message_seq_no)
        return refused

    def give_up(self, seq_no: int) -> None:
        """A caller does not wait any more for replies to a call; of none, if there was the last one."""
        if not seq_no and self.on_last is not None:
            self.on_last()
        elif (handled := self._handled.get(seq_no)) is not None:
            handled[0].given_up = True
            if self._cancel:
                handled[1].cancel()
        elif self._waiting:
            self._gone.add(seq_no)
            if len(self._gone) > 2 * len(self._waiting) + _SLACK:
                # As many again may come before this is done again, so it costs a constant amount for each.
                self._gone.intersection_update(map(_number, self._waiting))

    def abandon(self) -> None:
        """Nobody waits for replies any more: cancel the handlers of calls, and have none begin."""
        self._abandoned = True
        for ctx, task in self._handled.values():
            ctx.given_up = True
            task.cancel()

    def begin(self, ctx: ServerContext, seq_no: int) -> bool:
        """A call has its turn: whether it is to be handled."""
        if self._abandoned:
            ctx.given_up = True
            return False
        if self._gone and seq_no in self._gone:
            self._gone.remove(seq_no)
            ctx.given_up = True
        return not (self._cancel and ctx.cancelled)

    def handle(self, ctx: ServerContext, seq_no: int, task: asyncio.Task[None]) -> None:
        """A handler waits for something."""
        self._handled[seq_no] = ctx, task
        ctx.number = seq_no
        if self._cancel and ctx.deadline is not None:
            ctx.timer = self._loop.call_at(ctx.deadline, task.cancel, context=self._context)

    def end(self, ctx: ServerContext) -> None:
        """A handler that waited has ended."""
        self._handled.pop(ctx.number, None)
        if ctx.timer is not None:
            ctx.timer.cancel()

    def left(self, ctx: ServerContext) -> bool:
        """Whether a handler that was cancelled was so because nobody waits for it."""
        return (self._cancel or self._abandoned) and ctx.cancelled


def _number(waiting: tuple[Message | Frame | bytes, int, float]) -> int:
    request = waiting[0]
    return (Message.FromString(request) if isinstance(request, bytes) else request).message_seq_no
