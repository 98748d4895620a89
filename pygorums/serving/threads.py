"""Plain handlers, which may block, in threads."""

from __future__ import annotations

import contextvars
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

from pygorums.serving.context import ServerContext
from pygorums.serving.daemon_threads import DaemonThreads, NoThreadError, no_thread
from pygorums.serving.thread_calls import Finished, ThreadCall
from pygorums.transports.carrier import inline

__all__ = ["HandlerThreads"]

T = TypeVar("T")

MAX_THREADS = 4096
"""A blocking handler must only stall its own stream, so there is in effect no limit; threads are made as needed."""

_END = object()


def _call(fn: Callable[..., T], *args: Any) -> T:
    try:
        return fn(*args)
    except (StopIteration, GeneratorExit) as error:
        # Futures and coroutines take these for something of their own: whoever awaits the call would wait for ever.
        raise RuntimeError(f"{getattr(fn, '__qualname__', fn)} raised {type(error).__name__}") from error


class HandlerThreads:
    """Runs functions in threads, as many at once as there are."""

    def __init__(self) -> None:
        self._threads = DaemonThreads(MAX_THREADS, "pygorums-handler")
        self._finished: Finished | None = None

    async def run(self, ctx: ServerContext, fn: Callable[..., T], *args: Any) -> T:
        """Call `fn` in a thread, with the context variables of the caller, for the request of `ctx`.

        Cancelled, this ends at once, but the thread goes on: `ctx.thread` tells when it has ended.
        """
        return await self._run(contextvars.copy_context(), ctx, fn, *args)

    async def _run(self, context: contextvars.Context, ctx: ServerContext, fn: Callable[..., T], *args: Any) -> T:
        if inline():
            return context.run(_call, fn, *args)
        if self._finished is None:
            self._finished = Finished()
        threads = self._threads
        call: ThreadCall[T] = ThreadCall(self._finished, (context.run, _call, fn, *args), threads.free)
        try:
            threads.give(call.work)
        except NoThreadError as error:
            raise await no_thread(error) from None
        ctx.thread = call
        return await call

    async def iterate(self, ctx: ServerContext, items: Iterator[T]) -> AsyncIterator[T]:
        """The items of an iterator, each taken in a thread, and all with the same context variables."""
        context = contextvars.copy_context()
        taking = True
        try:
            while (item := await self._run(context, ctx, next, items, _END)) is not _END:
                taking = False
                yield item
                taking = True
        finally:
            # Cancelled while a thread still takes an item, it closes itself once nobody holds on to it.
            close = None if taking else getattr(items, "close", None)
            if close is not None:
                await self._run(context, ctx, close)

    def shut_down(self) -> None:
        """Let idle threads end; one that a handler blocks ends when the handler returns, or with the interpreter."""
        self._threads.shutdown(cancel_futures=True)
