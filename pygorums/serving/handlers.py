"""From the methods of a service to functions that the streams can await."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
from google.protobuf.message import DecodeError, Message

from pygorums.base.errors import StatusError
from pygorums.base.metadata import MAX_PAIRS
from pygorums.base.method import Method
from pygorums.serving.context import ServerContext
from pygorums.serving.replies import kind_of
from pygorums.serving.service import Service, methods_of
from pygorums.serving.threads import HandlerThreads
from pygorums.wire.framing import Frame
from pygorums.wire.framing import Message as StreamMessage

__all__ = ["CallNext", "Handler", "Reply", "ServerInterceptor", "handlers_of"]

LARGE = 64 << 10
"""Bytes of a request from which on its pairs are counted: that many would take no less, or little time."""

Reply = Message | AsyncIterator[Message] | None
"""What a handler gives: a reply, nothing for one-way methods, or the replies of a streaming quorum call."""

CallNext = Callable[[ServerContext, Any], Awaitable[Any]]
"""The next interceptor, or the handler: takes the context and the request and gives the `Reply`."""


class ServerInterceptor(Protocol):
    """A function around all handlers of a server: ``async def interceptor(ctx, request, call_next)``.

    It returns what ``await call_next(ctx, request)`` gave, or something else of the same kind. It may pass on
    another request, add metadata to `ctx`, or refuse by raising `StatusError`.
    """

    def __call__(self, ctx: ServerContext, request: Any, call_next: CallNext, /) -> Awaitable[Any]:
        """Handle a request, most likely by way of `call_next`."""


@dataclass(frozen=True, slots=True)
class Handler:
    """How one method is served.

    Attributes:
        method: The method.
        call: Interceptors and handler as one asynchronous function.
    """

    method: Method[Any, Any]
    call: CallNext

    def read(self, message: StreamMessage | Frame, size: int) -> Any:
        """The request in a message of so many bytes.

        Raises:
            StatusError: It is none, or its metadata would take long to be read.
        """
        method = self.method
        if size > LARGE and (pairs := len(message.entry)) > MAX_PAIRS:
            text = f"the request of {method.name} has {pairs} pairs of metadata, more than {MAX_PAIRS}"
            raise StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        try:
            return method.parse_request(message.payload)
        except DecodeError as error:
            text = f"the request of {method.name} is not a {method.request_class.DESCRIPTOR.full_name}: {error}"
            raise StatusError(grpc.StatusCode.UNKNOWN, text) from None


def handlers_of(
    service: Service, interceptors: Sequence[ServerInterceptor], threads: HandlerThreads
) -> dict[str, Handler]:
    """The handlers of a service by the full names of their methods.

    Raises:
        TypeError: It is no service.
        ConfigurationError: As `methods_of`.
    """
    if not isinstance(service, Service):
        hint = "; pass an instance, not the class" if isinstance(service, type) else ""
        raise TypeError(f"a service must derive from a generated server class, {service!r} does not{hint}")
    handlers = {}
    for name, method in methods_of(service).items():
        call = _asynchronous(method, getattr(service, name), threads)
        for interceptor in reversed(interceptors):
            call = functools.partial(_intercept, interceptor, call)
        handlers[method.name] = Handler(method, call)
    return handlers


def _intercept(interceptor: ServerInterceptor, call_next: CallNext, ctx: ServerContext, request: Any) -> Awaitable[Any]:
    return interceptor(ctx, request, call_next)


def _asynchronous(method: Method[Any, Any], fn: Callable[..., Any], threads: HandlerThreads) -> CallNext:
    if method.streaming:
        return functools.partial(_call_streaming, fn, threads)
    if inspect.iscoroutinefunction(fn):
        return fn
    return functools.partial(_call_in_thread, fn, threads)


async def _call_in_thread(fn: Callable[..., Any], threads: HandlerThreads, ctx: ServerContext, request: Any) -> Any:
    result = await threads.run(ctx, fn, ctx, request)
    return await result if inspect.isawaitable(result) else result


async def _call_streaming(
    fn: Callable[..., Any], threads: HandlerThreads, ctx: ServerContext, request: Any
) -> AsyncIterator[Message]:
    if inspect.isasyncgenfunction(fn) or inspect.isgeneratorfunction(fn):
        result = fn(ctx, request)  # only makes the generator, whose body runs later
    elif inspect.iscoroutinefunction(fn):
        result = await fn(ctx, request)
    else:
        result = await _call_in_thread(fn, threads, ctx, request)
    if hasattr(result, "__aiter__"):
        replies: AsyncIterator[Message] = aiter(result)
        return replies
    if hasattr(result, "__iter__"):
        return threads.iterate(ctx, iter(result))
    raise TypeError(f"the handler of {ctx.method} must be a generator of replies, it returned {kind_of(result)}")
