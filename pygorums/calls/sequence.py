"""The responses of a call one by one: sent when the first is asked for, and read as users read them."""
# ruff: noqa: D102 - methods without a docstring are as Endable says

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from typing import Any, Generic, NoReturn, Protocol, Self, TypeVar

from google.protobuf.message import Message

from pygorums.base.errors import RejectedError
from pygorums.base.pickling import Local
from pygorums.calls.aggregators import Aggregator, Collected, Found, Quorum, awaited
from pygorums.calls.judging import Judge, accepted_if_true
from pygorums.calls.needs import need_of
from pygorums.calls.progress import Progress
from pygorums.calls.reply_queue import ReplyQueue
from pygorums.calls.response import BeingReadError, NodeResponse, ResponseStream
from pygorums.calls.unused import warn_unused
from pygorums.nodes.node import Node
from pygorums.quorum.quorums import Quorums

__all__ = ["AnySequence", "Endable", "Keep", "ResponseSeq", "Source"]

T = TypeVar("T")
R = TypeVar("R")
Resp = TypeVar("Resp", bound=Message)

Keep = Callable[[NodeResponse[T]], bool]


class Endable(Protocol):
    """Where a call can be ended."""

    @property
    def unsent(self) -> bool:
        """Whether the call was neither sent nor given up."""

    def close(self) -> None:
        """Forget the call."""

    def abandon(self) -> None:
        """The same, from any thread."""


class Source(Generic[Resp]):
    """An asynchronous iterator over the responses of a call, for one reader, that sends the call once.

    Args:
        send: Sends the call.
    """

    __slots__ = ("_queue", "_send")

    def __init__(self, send: Callable[[], ReplyQueue[Resp]]) -> None:
        self._send: Callable[[], ReplyQueue[Resp]] | None = send
        self._queue: ReplyQueue[Resp] | None = None

    def start(self) -> None:
        """Send the call, if that was not done yet."""
        send, self._send = self._send, None
        if send is not None:
            self._queue = send()

    def close(self) -> None:
        """Forget the call; if it was not sent it never will be."""
        self._send = None
        if self._queue is not None:
            self._queue.close()

    @property
    def unsent(self) -> bool:
        return self._send is not None

    async def aclose(self) -> None:
        """As `close`, for those who read it as any other responses."""
        self.close()

    def abandon(self) -> None:
        self._send = None
        if self._queue is not None:
            self._queue.abandon()

    def __del__(self) -> None:
        self.abandon()  # nobody will read it any more

    def __aiter__(self) -> Source[Resp]:
        return self

    def __anext__(self) -> Coroutine[Any, Any, NodeResponse[Resp]]:
        # Not a coroutine of its own: each level costs a step at every response.
        if self._send is not None:
            self.start()
        return _at_end() if self._queue is None else self._queue.__anext__()


async def _at_end() -> NoReturn:
    raise StopAsyncIteration


class AnySequence(Local, Generic[T]):
    """What the sequences of both worlds have in common."""

    def __init__(
        self,
        responses: Any,
        source: Endable,
        progress: Progress,
        keeps: tuple[Keep[T], ...] = (),
        parent: AnySequence[T] | None = None,
        made: str | None = None,
    ) -> None:
        self._responses = responses
        self._source = source
        self._progress = progress
        self._keeps = keeps
        self._parent = parent  # whose end would forget the call
        self._lost = False  # whether reading on would miss responses
        self._made = made
        self._used = False
        self._collecting = False  # whether the end of the responses is not yet that of the call

    def ignore_errors(self) -> Self:
        """Only the successful replies."""
        return self.filter(lambda response: response.error is None)

    def filter(self, keep: Keep[T]) -> Self:
        """Only the responses for which `keep` is true. Filters can be chained.

        A node whose replies are all rejected by a filter counts as failed, with a `RejectedError`, in whatever is
        raised later.
        """
        self._used = True
        return type(self)(self._responses, self._source, self._progress, (*self._keeps, keep), self, self._made)

    def _filtered(self, response: NodeResponse[T]) -> NodeResponse[T] | None:
        """None if all filters keep a response; otherwise what has become of its node."""
        for keep in self._keeps:
            if not keep(response):
                if response.error is not None:
                    return response
                return NodeResponse.failed(response.node_id, RejectedError("its reply was rejected by a filter"))
        return None

    def _taken(self, response: NodeResponse[T]) -> bool:
        """Count a response. Whether all filters keep it."""
        rejected = self._filtered(response) if self._keeps else None
        self._progress.take(rejected or response)
        return rejected is None

    def _at_least_none(self, n: int) -> int:
        self._used = True
        if n < 0:
            raise ValueError(f"cannot collect {n} replies")
        return n

    def _quorum(self, n: int | Quorums | None) -> Quorum[T]:
        self._used = True
        progress = self._progress
        return Quorum(need_of(progress.config, progress.config.majority if n is None else n), progress)

    def __del__(self) -> None:
        source: Endable | None = getattr(self, "_source", None)  # an interrupt may have come while it was made
        if source is None:
            return
        if not getattr(self, "_used", True) and source.unsent:
            warn_unused(self._progress.method_name, self._made, self)
        # A filter's parent lives as long as the filter, so this is the end of the last of them.
        if getattr(self, "_parent", None) is None:
            source.abandon()


class ResponseSeq(AnySequence[T]):
    """The responses of a call in the order in which they arrive: an asynchronous iterator, to be read once.

    It ends when every node has answered or failed, or when the call's time is up. To be cancelled while waiting for the
    next response, as by `asyncio.wait_for`, loses none: it can be asked for again. Leaving the loop forgets the call as
    soon as nothing refers to the sequence any more; `aclose` does it at once.
    """

    _responses: ResponseStream[T]

    # These are coroutine functions that count as use when they are called, as in `Responses`.

    def collect_n(self, n: int) -> Coroutine[Any, Any, dict[int, T]]:
        """Read until `n` nodes have replied, or the sequence ends, and forget the call.

        Where fewer than `n` are of no use, `collect_quorum` says so and does not wait for silent nodes in vain.

        Returns:
            The reply of each node by ID; nodes that failed have no entry. In a streaming call a node's entry
            is its latest reply.

        Raises:
            ValueError: `n` is negative.
        """
        return self._aggregated(Collected(self._at_least_none(n)), self)

    def collect_all(self) -> Coroutine[Any, Any, dict[int, T]]:
        """Read to the end.

        Returns:
            The reply of each node by ID; nodes that failed have no entry. In a streaming call a node's entry
            is its latest reply.
        """
        self._used = True
        return self._aggregated(Collected(None), self)

    def collect_quorum(
        self, n: int | Quorums | None = None, check: Callable[[T, Node], bool | Awaitable[bool]] | None = None
    ) -> Coroutine[Any, Any, dict[int, T]]:
        """Read until `n` nodes have given replies that count, and forget the call.

        Args:
            n: How many nodes, or quorums of them, such as ``system.reads``; a majority of the configuration by default.
            check: Called with each reply and its node: whether the reply counts. To raise rejects it too, with that
                error. It may be an ``async def``: then the replies of several nodes are checked at the same time.

        Returns:
            The reply of each of the nodes by ID, of quorums those that were the first to make one. In a streaming call
            a node's entry is its latest reply.

        Raises:
            IncompleteError: Too few nodes are left whose replies can count. Raised as soon as that is certain: a reply
                that was rejected, by `check` or by a filter, is that node's failure.
            ValueError: `n` is less than 1.
            ConfigurationError: A node of the quorums is not in the configuration.
        """
        quorum = self._quorum(n)
        responses: AsyncGenerator[NodeResponse[T]] = self._unfiltered()
        if check is not None:
            responses = Judge(check, accepted_if_true, self._progress).over(responses)
        return self._aggregated(quorum, responses)

    async def _unfiltered(self) -> AsyncGenerator[NodeResponse[T]]:
        """All responses; replies that a filter rejects are failures of their nodes."""
        while True:
            try:
                response = await self._responses.__anext__()
            except StopAsyncIteration:
                return
            yield self._filtered(response) or response

    def aggregate(self, fn: Callable[[Mapping[int, T]], R | None]) -> Coroutine[Any, Any, R]:
        """Read until a function of the replies gives a result, and forget the call.

        The function needs nothing but replies: it serves programs with and without asyncio, and tests give it a dict.

        Args:
            fn: Called with the replies so far by node ID, after each new one: the result, or None to wait for more.

        Raises:
            IncompleteError: It has given none when all nodes had answered or failed, or the time was up.
        """
        self._used = True
        return self._aggregated(Found(fn, self._progress), self)

    async def _aggregated(self, aggregator: Aggregator[R], responses: ResponseStream[T]) -> R:
        being_read = False
        self._collecting = True
        try:
            return await awaited(responses, aggregator, self._progress)
        except asyncio.CancelledError:
            self._lost = True  # what was collected
            self._source.close()
            raise
        except BeingReadError:
            being_read = True
            raise
        finally:
            if not being_read:
                await responses.aclose()
                await self.aclose()

    def aclose(self) -> Coroutine[Any, Any, None]:
        """Forget the call, at once: what has not arrived is not waited for. To be awaited for the interceptors' end."""
        self._used = True
        self._source.close()
        return self._responses.aclose()

    def __aiter__(self) -> ResponseSeq[T]:
        return self

    def __anext__(self) -> Coroutine[Any, Any, NodeResponse[T]]:
        self._used = True
        return self._next()

    async def _next(self) -> NodeResponse[T]:
        if self._lost:
            raise RuntimeError(
                f"collecting the replies of {self._progress.method_name} was cancelled, and the call forgotten: "
                "make it again"
            )
        while True:
            try:
                response = await self._responses.__anext__()
            except asyncio.CancelledError:
                del self  # as in `ReplyQueue`
                raise
            except StopAsyncIteration:
                self._progress.end()
                if not self._collecting:
                    self._source.close()
                raise
            if self._taken(response):
                return response
