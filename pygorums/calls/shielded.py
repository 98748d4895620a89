"""Reading the responses of interceptors so that a reader who gives up waiting does not end them."""
# ruff: noqa: D102 - methods without a docstring are as Endable says

from __future__ import annotations

import asyncio
import contextvars
from typing import Any, Generic, TypeVar

from pygorums.calls.reply_queue import on_loop
from pygorums.calls.response import BeingReadError, NodeResponse, ResponseStream
from pygorums.calls.sequence import Source

__all__ = ["ShieldedResponses"]

T = TypeVar("T")


class ShieldedResponses(Generic[T]):
    """Responses as a reader sees them who may be cancelled while it waits for one, and read on later.

    A generator that is cancelled is over. So each step is a task of its own, all in one context, and cancelling who
    waits for it leaves the task to the next who does.
    """

    def __init__(self, responses: ResponseStream[T], source: Source[Any]) -> None:
        self._responses = responses
        self._source = source
        self._context = contextvars.copy_context()
        self._step: asyncio.Task[NodeResponse[T] | None] | None = None
        self._awaited = False

    def close(self) -> None:
        self._source.close()
        if self._step is not None:
            self._step.cancel()

    def abandon(self) -> None:
        self._source.abandon()
        if self._step is not None:
            on_loop(self._step.get_loop(), self._step.cancel)

    async def aclose(self) -> None:
        """Forget the call, and let the interceptors end."""
        self.close()
        step = self._step
        if step is not None:
            await asyncio.wait({step})
            if not step.cancelled():
                step.exception()  # so that it is not told of as never retrieved
        await self._responses.aclose()

    @property
    def unsent(self) -> bool:
        return self._source.unsent

    def __aiter__(self) -> ShieldedResponses[T]:
        return self

    async def __anext__(self) -> NodeResponse[T]:
        if self._awaited:
            raise BeingReadError("these responses are being read by another task")
        if self._step is None:
            self._step = asyncio.get_running_loop().create_task(_next(self._responses), context=self._context)
        self._awaited = True
        try:
            response = await asyncio.shield(self._step)
        except asyncio.CancelledError:
            self._awaited = False
            del self  # as in `ReplyQueue`
            raise
        except BaseException:
            self._awaited, self._step = False, None
            raise
        self._awaited, self._step = False, None
        if response is None:
            raise StopAsyncIteration
        return response


async def _next(responses: ResponseStream[T]) -> NodeResponse[T] | None:
    # A task that ends by StopAsyncIteration would be hard to tell from one whose reader does.
    try:
        return await responses.__anext__()
    except StopAsyncIteration:
        return None
