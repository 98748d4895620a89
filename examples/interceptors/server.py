"""Server interceptors: functions around every handler of a server.

They run for all call types, whether a call comes over the network, from the own process, or back from a node.
The first one in `Server(interceptors=…)` is the outermost.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from time import perf_counter
from typing import Any

import pygorums as gorums

__all__ = ["delayed_interceptor", "logging_interceptor", "metadata_interceptor", "no_foo"]

CallNext = Callable[[gorums.ServerContext, Any], Awaitable[Any]]
"""The next interceptor, or the handler."""

DELAY_PER_CHARACTER = 0.1
"""Seconds by which `delayed_interceptor` delays a request for each character of its sender's address."""

_log = logging.getLogger("examples.interceptors")


def logging_interceptor(name: str, log: Callable[[str], object] = _log.info) -> gorums.ServerInterceptor:
    """An interceptor that logs each request, and what became of it.

    Args:
        name: What the server is called in the log.
        log: Takes a line; by default the logger ``examples.interceptors`` does, at level INFO.
    """

    async def interceptor(ctx: gorums.ServerContext, request: Any, call_next: CallNext) -> Any:
        start = perf_counter()

        def ended(what: object) -> None:
            log(f"[{name}] {ctx.method} took {(perf_counter() - start) * 1000:.1f} ms: {_one_line(what)}")

        log(f"[{name}] {ctx.method} from {ctx.peer}: {_one_line(request)}")
        try:
            reply = await call_next(ctx, request)
        except Exception as error:
            ended(repr(error))
            raise
        if not isinstance(reply, AsyncIterator):
            ended("no reply" if reply is None else reply)
            return reply

        async def logged() -> AsyncIterator[Any]:
            # A correctable handler has only promised its replies: it works while they are read.
            count = 0
            try:
                async for each in reply:
                    count += 1
                    log(f"[{name}] {ctx.method} reply {count}: {_one_line(each)}")
                    yield each
            except Exception as error:
                ended(repr(error))
                raise
            ended("1 reply" if count == 1 else f"{count} replies")

        return logged()

    return interceptor


async def no_foo(ctx: gorums.ServerContext, request: Any, call_next: CallNext) -> Any:
    """Refuses every request whose key is ``foo``: its handler never sees it."""
    if getattr(request, "key", None) == "foo":
        raise gorums.StatusError(gorums.StatusCode.PERMISSION_DENIED, "requests for key 'foo' are not allowed")
    return await call_next(ctx, request)


async def metadata_interceptor(ctx: gorums.ServerContext, request: Any, call_next: CallNext) -> Any:
    """Lets the handler see one more pair of metadata: ``ctx.metadata["custom-key"]``."""
    ctx.add_metadata("custom-key", "custom value")
    return await call_next(ctx, request)


def delayed_interceptor(seconds: float | None = None) -> gorums.ServerInterceptor:
    """An interceptor that makes the server slow, so that clients see what they make of a slow node.

    Requests that come over the same stream wait behind the delayed one, as they do behind a slow handler.

    Args:
        seconds: The delay of each request. None: `DELAY_PER_CHARACTER` for each character of the sender's address,
            which makes some senders' requests slower than others', and all of them take seconds.
    """

    async def interceptor(ctx: gorums.ServerContext, request: Any, call_next: CallNext) -> Any:
        await asyncio.sleep(DELAY_PER_CHARACTER * len(ctx.peer) if seconds is None else seconds)
        return await call_next(ctx, request)

    return interceptor


def _one_line(what: object) -> str:
    """A message, or anything else, in one line."""
    return " ".join(str(what).split()) or "an empty message"
