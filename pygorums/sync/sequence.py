"""Reading the responses of a call one by one, in a thread."""
# ruff: noqa: D102 - methods without a docstring are as Endable says

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from pygorums.calls.aggregators import Aggregator, Collected, Found, aggregate
from pygorums.calls.judging import Judge, accepted_if_true
from pygorums.calls.reply_queue import ReplyQueue
from pygorums.calls.response import NodeResponse
from pygorums.calls.sequence import AnySequence
from pygorums.quorum.quorums import Quorums
from pygorums.sync.loop_thread import LoopThread

__all__ = ["QueueIterator", "ResponseSeq"]

T = TypeVar("T")
R = TypeVar("R")
Resp = TypeVar("Resp", bound=Message)


class QueueIterator(Generic[Resp]):
    """The responses of a call that is sent when the first of them is asked for, or by `start`.

    Args:
        thread: The event loop's thread.
        prepare: Called in the thread that starts the call; gives the function that sends it, on the loop.
    """

    def __init__(self, thread: LoopThread, prepare: Callable[[], Callable[[], ReplyQueue[Resp]]]) -> None:
        self._thread = thread
        self._prepare: Callable[[], Callable[[], ReplyQueue[Resp]]] | None = prepare
        self._started = _Started[Resp]()
        self._closed = False

    def start(self) -> None:
        """Send the call, if that was not done yet."""
        prepare, self._prepare = self._prepare, None
        if prepare is not None:
            self._thread.check()
            started, send = self._started, prepare()
            # Nobody need wait for this: whatever else is done to the call comes after it.
            self._thread.submit(lambda: started.start(send))

    @property
    def unsent(self) -> bool:
        return self._prepare is not None

    def close(self) -> None:
        """Forget the call. May be called from anywhere, and never waits."""
        if self._prepare is None and not self._closed:
            self._closed = True
            self._thread.submit(self._started.close)
        self._prepare = None

    abandon = close

    def __del__(self) -> None:
        if getattr(self, "_closed", True) is False:  # an interrupt may have come while it was made
            self.close()  # nobody will read it any more

    def __iter__(self) -> Iterator[NodeResponse[Resp]]:
        return self

    def __next__(self) -> NodeResponse[Resp]:
        try:
            self.start()
            response = self._thread.run(self._started.next, give_up=self._started.close)
        except BaseException:
            # Also an interrupt between the two: whoever catches it may hold on to this for long.
            self.close()
            raise
        if response is None:
            raise StopIteration
        return response


class _Started(Generic[Resp]):
    """The call of a `QueueIterator`, on the loop."""

    def __init__(self) -> None:
        self._queue: ReplyQueue[Resp] | None = None
        self._failure: Exception | None = None

    def start(self, send: Callable[[], ReplyQueue[Resp]]) -> None:
        try:
            self._queue = send()
        except Exception as error:
            self._failure = error

    def close(self) -> None:
        if self._queue is not None:
            self._queue.close()

    async def next(self) -> NodeResponse[Resp] | None:
        """The next response; None at the end."""
        if self._failure is not None:
            raise self._failure
        # A coroutine cannot raise StopIteration, and a future cannot hold it.
        try:
            return None if self._queue is None else await self._queue.__anext__()
        except StopAsyncIteration:
            return None


class ResponseSeq(AnySequence[T]):
    """The responses of a call in the order in which they arrive: an iterator, to be read once.

    It ends when every node has answered or failed, or when the call's time is up. Leaving the loop early
    forgets the call as soon as nothing refers to the sequence any more; `close` does it at once. So does an interrupt,
    as by Ctrl-C; to read on after that raises `RuntimeError`.
    """

    def collect_n(self, n: int) -> dict[int, T]:
        """Read until `n` nodes have replied, or the sequence ends, and forget the call.

        Raises:
            ValueError: `n` is negative.
        """
        return self._aggregated(Collected(self._at_least_none(n)), self)

    def collect_all(self) -> dict[int, T]:
        """Read to the end: the reply of each node by ID; nodes that failed have no entry."""
        return self._aggregated(Collected(None), self)

    def collect_quorum(
        self, n: int | Quorums | None = None, check: Callable[[T, Any], bool | Awaitable[bool]] | None = None
    ) -> dict[int, T]:
        """Read until `n` nodes, or quorums, have given replies that count, as `pygorums.ResponseSeq.collect_quorum`.

        `check` is called for one reply after the other, in the thread that waits. An ``async def`` is awaited in the
        event loop's thread, which it must not block.

        Raises:
            IncompleteError: Too few nodes are left whose replies can count.
            ValueError: `n` is less than 1.
        """
        quorum = self._quorum(n)
        responses = (self._filtered(response) or response for response in iter(self._next, None))
        if check is not None:
            judge = Judge(check, accepted_if_true, self._progress)
            responses = (judge.at_once(response) for response in responses)
        return self._aggregated(quorum, responses)

    def aggregate(self, fn: Callable[[Mapping[int, T]], R | None]) -> R:
        """Read until a function of the replies gives a result, as `pygorums.ResponseSeq.aggregate`.

        Raises:
            IncompleteError: It has given none when all nodes had answered or failed, or the time was up.
        """
        return self._aggregated(Found(fn, self._progress), self)

    def _aggregated(self, aggregator: Aggregator[R], responses: Iterator[NodeResponse[T]]) -> R:
        self._collecting = True
        try:
            return aggregate(responses, aggregator, self._progress)
        finally:
            self.close()

    def close(self) -> None:
        """Forget the call: what has not arrived is not waited for."""
        self._used = True
        self._source.close()
        close: Any = getattr(self._responses, "close", None)
        if close is not None:
            close()

    def __iter__(self) -> ResponseSeq[T]:
        return self

    def __next__(self) -> NodeResponse[T]:
        while True:
            response = self._next()
            if response is None:
                self._progress.end()
                if not self._collecting:
                    self._source.close()
                raise StopIteration
            if self._taken(response):
                return response

    def _next(self) -> NodeResponse[T] | None:
        self._used = True
        if self._lost:
            raise RuntimeError(
                f"reading the replies of {self._progress.method_name} was interrupted, and the call forgotten: "
                "make it again"
            )
        try:
            return next(self._responses, None)
        except Exception:
            raise
        except BaseException:
            self._lost = True
            raise
