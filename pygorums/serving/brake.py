"""When no more is read of a client, because of what it has asked for already."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from pygorums.serving.backlog import MAX_WAITING, READ_AHEAD
from pygorums.serving.in_order import InOrder
from pygorums.streams.pending import PendingCalls
from pygorums.streams.reply_sink import READ_ON_BELOW
from pygorums.streams.send_queue import SendQueue
from pygorums.tasks.joined import resolve

__all__ = ["Brake"]


class Brake:
    """Says when the reader of a stream has to wait, and tells it when that is over.

    An ordinary client is listened to only while little of what it asks for waits, and it takes its replies. Over the
    stream of a node that we call back come replies too, which must not wait for handlers. It is braked when very much
    waits and no reply is due.

    Args:
        requests: What the client has asked for.
        queue: What is sent to it.
        go_on: Called when it is over.
        name: The client, for the name of the task that waits.

    Attributes:
        pending: The calls that we make over the stream; None if we make none.
        task: What waits, until it goes on.
    """

    def __init__(self, requests: InOrder, queue: SendQueue, go_on: Callable[[], None], name: str) -> None:
        self._requests = requests
        self._queue = queue
        self._go_on = go_on
        self._name = name
        self._loop = asyncio.get_running_loop()
        self.pending: PendingCalls | None = None
        self.task: asyncio.Task[None] | None = None

    def must_wait(self) -> bool:
        """Whether to wait; then somebody does until that is over."""
        pending = self.pending
        if pending is None:
            if self._requests.backlog.bytes <= READ_AHEAD and self._queue.queued_bytes <= READ_ON_BELOW:
                return False
            waiting = self._requests.ready()
        else:
            if self._requests.backlog.bytes <= MAX_WAITING or pending.owed:
                return False
            waiting = self._until_routed(pending)
        self.task = self._loop.create_task(self._go_on_after(waiting), name=f"pygorums reader of {self._name}")
        return True

    def cancel(self) -> None:
        """Wait no more."""
        if self.task is not None:
            self.task.cancel()

    async def _go_on_after(self, waiting: Coroutine[Any, Any, None]) -> None:
        await waiting
        self.task = None
        self._go_on()

    async def _until_routed(self, pending: PendingCalls) -> None:
        requests = self._requests
        while requests.backlog.bytes > MAX_WAITING and not pending.owed:
            paused: asyncio.Future[None] = self._loop.create_future()
            resume = partial(resolve, paused)
            pending.when_any = resume
            requests.backlog.when_below(MAX_WAITING, resume)
            await paused
            pending.when_any = None
