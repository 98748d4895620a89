"""Functions of users that see each reply, and may change or refuse it: at once, or after an await."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Generic, TypeVar

from pygorums.base.errors import CallTimeoutError, RejectedError
from pygorums.calls.progress import Progress
from pygorums.calls.response import NodeResponse

__all__ = ["Judge", "accepted_if_true", "mapped_reply"]

T = TypeVar("T")

MAX_JUDGED = 256
"""How many replies of a call may be under way in awaiting functions before no more are read."""

Conclude = Callable[[NodeResponse[T], Any, str], NodeResponse[T]]
"""Makes of a reply and what the function, of that name, has returned what is passed on."""


def mapped_reply(response: NodeResponse[T], result: Any, name: str) -> NodeResponse[T]:
    """What a function returned in the place of a reply."""
    if result is None:
        text = f"{name} returned None for the reply of node {response.node_id}: it must return a reply, or raise"
        return NodeResponse.failed(response.node_id, TypeError(text))
    return NodeResponse(response.node_id, result)


def accepted_if_true(response: NodeResponse[T], result: Any, name: str) -> NodeResponse[T]:
    """The reply itself, if the function said that it counts."""
    if result is True:
        return response
    if result is False:
        return NodeResponse.failed(response.node_id, RejectedError(f"its reply was rejected by {name}"))
    text = f"{name} returned {result!r:.100} for the reply of node {response.node_id}: it must return True or False"
    return NodeResponse.failed(response.node_id, TypeError(text))


class Judge(Generic[T]):
    """Applies a function to each reply of a call. Errors pass; if the function raises, the node has failed so.

    Args:
        fn: Called with the reply and the node. What it returns may be awaitable.
        conclude: Makes of what it returned what is passed on.
        progress: The call.
    """

    def __init__(self, fn: Callable[[T, Any], Any], conclude: Conclude[T], progress: Progress) -> None:
        self._fn = fn
        self._conclude = conclude
        self._progress = progress
        self._name: str = getattr(fn, "__qualname__", None) or repr(fn)

    def at_once(self, response: NodeResponse[T]) -> NodeResponse[T]:
        """What is passed on, in the blocking world: what is to be awaited is, on the event loop of `pygorums.sync`."""
        outcome = self._call(response)
        if isinstance(outcome, NodeResponse):
            return outcome
        try:
            judged: NodeResponse[T] = self._progress.config.thread.run(self.await_one, response, outcome)
        except asyncio.CancelledError:
            return self.cancelled(response.node_id)
        return judged

    def _call(self, response: NodeResponse[T]) -> NodeResponse[T] | Awaitable[Any]:
        if response.error is not None or response.value is None:
            return response
        try:
            result = self._fn(response.value, self._progress.config.node(response.node_id))
        except Exception as error:
            return NodeResponse.failed(response.node_id, error)
        if inspect.isawaitable(result):
            return result
        return self._conclude(response, result, self._name)

    async def over(self, responses: AsyncIterator[NodeResponse[T]]) -> AsyncGenerator[NodeResponse[T]]:
        """The responses, each judged. Those that take an await do so at the same time, and come when they are done.

        Replies of one node keep their order. What is not done when the call's time is up has failed.
        """
        async for response in responses:
            outcome = self._call(response)
            if not isinstance(outcome, NodeResponse):
                break
            yield outcome
        else:
            return
        several = _Several(self)
        try:
            several.add(response, outcome)
            reading = several.start(self._read(several, responses))
            while (done := await several.finished.get()) is not None:
                yield done
            await reading  # raises what an inner interceptor has raised
        finally:
            await several.stop()

    async def _read(self, several: _Several[T], responses: AsyncIterator[NodeResponse[T]]) -> None:
        try:
            async for response in responses:
                several.add(response, self._call(response))
                await several.room()
            await several.all_done()
        finally:
            several.finished.put_nowait(None)

    async def await_one(self, response: NodeResponse[T], outcome: Awaitable[Any]) -> NodeResponse[T]:
        """What is passed on once an awaitable has given its result."""
        progress, task = self._progress, asyncio.current_task()
        try:
            async with asyncio.timeout_at(progress.deadline) as limit:
                return self._conclude(response, await outcome, self._name)
        except TimeoutError as error:
            if not limit.expired():
                return NodeResponse.failed(response.node_id, error)
            progress.timed_out = True
            text = f"{self._name} was not done with its reply within {progress.timeout} s"
            return NodeResponse.failed(response.node_id, CallTimeoutError(text, node_id=response.node_id))
        except asyncio.CancelledError:
            if task is not None and task.cancelling():
                raise
            return self.cancelled(response.node_id)
        except Exception as error:
            return NodeResponse.failed(response.node_id, error)

    def cancelled(self, node_id: int) -> NodeResponse[T]:
        """What is passed on if the function was cancelled."""
        return NodeResponse.failed(node_id, RejectedError(f"{self._name} was cancelled"))


class _Several(Generic[T]):
    """The replies of a call that are being judged, each by a task of its own, and one that reads on."""

    def __init__(self, judge: Judge[T]) -> None:
        self._judge = judge
        self.finished: asyncio.Queue[NodeResponse[T] | None] = asyncio.Queue()
        self._tasks: dict[asyncio.Task[None], Awaitable[Any] | NodeResponse[T]] = {}  # and what each awaits
        self._last: dict[int, asyncio.Task[None]] = {}
        self._reading: asyncio.Task[None] | None = None

    def start(self, reading: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Read on, beside what is being judged."""
        self._reading = asyncio.create_task(reading)
        return self._reading

    def add(self, response: NodeResponse[T], outcome: NodeResponse[T] | Awaitable[Any]) -> None:
        """Pass this on after the node's earlier ones."""
        node_id = response.node_id
        before = self._last.get(node_id)
        if isinstance(outcome, NodeResponse) and before is None:
            self.finished.put_nowait(outcome)
            return
        task = self._last[node_id] = asyncio.create_task(self._finish(response, outcome, before))
        self._tasks[task] = outcome
        task.add_done_callback(lambda task: self._done(node_id, task))

    def _done(self, node_id: int, task: asyncio.Task[None]) -> None:
        if task.cancelled():  # by the function itself, unless this is the end and nobody reads on
            self.finished.put_nowait(self._judge.cancelled(node_id))
        outcome = self._tasks.pop(task)
        if inspect.iscoroutine(outcome):
            outcome.close()  # a task that is cancelled before it has begun awaits nothing
        if self._last.get(node_id) is task:
            del self._last[node_id]

    async def _finish(
        self,
        response: NodeResponse[T],
        outcome: NodeResponse[T] | Awaitable[Any],
        before: asyncio.Task[None] | None,
    ) -> None:
        if not isinstance(outcome, NodeResponse):
            outcome = await self._judge.await_one(response, outcome)
        if before is not None:
            await asyncio.wait({before})
        self.finished.put_nowait(outcome)

    async def room(self) -> None:
        """Wait until not too many are being judged."""
        while len(self._tasks) >= MAX_JUDGED:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def all_done(self) -> None:
        """Wait until none is being judged."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """Give up on what is not done."""
        tasks = [*self._tasks, *([] if self._reading is None else [self._reading])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for task in tasks:
            with suppress(asyncio.CancelledError):
                task.exception()  # so that it is not told of as never retrieved
