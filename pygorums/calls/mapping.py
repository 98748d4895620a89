"""The ready-made interceptors: a request of its own for each node, and a function that sees each reply."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Protocol, TypeVar, overload

from google.protobuf.message import Message

from pygorums.calls.interceptors import Call
from pygorums.calls.judging import Judge, mapped_reply
from pygorums.calls.response import NodeResponse
from pygorums.nodes.node import Node

__all__ = ["AnyInterceptor", "EitherInterceptor", "map_request", "map_response"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class EitherInterceptor(Protocol[Req, Resp]):
    """An interceptor for asyncio and for the blocking facade: what it returns is what it was given."""

    @overload
    def __call__(
        self, call: Call[Req, Resp], responses: AsyncIterator[NodeResponse[Resp]], /
    ) -> AsyncIterator[NodeResponse[Resp]]: ...
    @overload
    def __call__(
        self, call: Call[Req, Resp], responses: Iterator[NodeResponse[Resp]], /
    ) -> Iterator[NodeResponse[Resp]]: ...
    def __call__(self, call: Call[Req, Resp], responses: Any, /) -> Any:
        """Wrap the responses of a call."""


class AnyInterceptor(Protocol):
    """The same, for the methods of all types."""

    @overload
    def __call__(
        self, call: Call[Req, Resp], responses: AsyncIterator[NodeResponse[Resp]], /
    ) -> AsyncIterator[NodeResponse[Resp]]: ...
    @overload
    def __call__(
        self, call: Call[Req, Resp], responses: Iterator[NodeResponse[Resp]], /
    ) -> Iterator[NodeResponse[Resp]]: ...
    def __call__(self, call: Any, responses: Any, /) -> Any:
        """Wrap the responses of a call."""


class AnyReply(Protocol):
    """A function for replies of every type that gives one of the same type."""

    def __call__(self, reply: Resp, node: Node, /) -> Resp:
        """The reply that is passed on."""


class AnyReplyLater(Protocol):
    """The same as an asynchronous function."""

    def __call__(self, reply: Resp, node: Node, /) -> Awaitable[Resp]:
        """The reply that is passed on."""


def map_request(fn: Callable[[Req, Node], Req | None]) -> EitherInterceptor[Req, Any]:
    """An interceptor that sends each node a request of its own.

    Args:
        fn: Called with the request and the node; gives the request for that node. None leaves the node out:
            it is not asked and counts neither as a reply nor as a failure, so `all()` waits for all that were
            asked, while `majority()` stays that of the whole configuration.
    """

    def mapped(call: Call[Req, Any], responses: Any) -> Any:
        call.map_request(fn)
        return responses

    return mapped


@overload
def map_response(fn: AnyReply | AnyReplyLater) -> AnyInterceptor: ...
@overload
def map_response(fn: Callable[[Resp, Node], Resp | Awaitable[Resp]]) -> EitherInterceptor[Any, Resp]: ...
def map_response(fn: Callable[[Any, Node], Any]) -> Any:
    """An interceptor that changes each successful reply, or refuses it; errors pass through.

    Args:
        fn: Called with the reply and the node; gives the reply that is passed on. If it raises, the node has failed
            with that error: so a reply whose signature is wrong, or that tells of a higher round, is refused. It may
            be an ``async def``: then the replies of several nodes are worked on at the same time, and each is passed on
            when it is done, or fails with `CallTimeoutError` when the call's time is up. (With `pygorums.sync` it is
            awaited for one reply after the other, in the event loop's thread, which it must not block.) Returning None,
            as by a forgotten ``return``, is the node's `TypeError`.
    """

    def choose(call: Call[Any, Any], responses: Any) -> Any:
        judge: Judge[Any] = Judge(fn, mapped_reply, call.progress)
        if hasattr(responses, "__anext__"):
            return judge.over(responses)
        return (judge.at_once(response) for response in responses)  # with pygorums.sync

    return choose
