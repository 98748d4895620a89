"""Reading the responses of a call one by one, in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from google.protobuf.message import Message

from pygorums.calls.reply_queue import ReplyQueue
from pygorums.calls.response import NodeResponse
from pygorums.sync.loop_thread import LoopThread

__all__ = ["QueueIterator", "ResponseSeq"]

T = TypeVar("T")
Resp = TypeVar("Resp", bound=Message)


class _Source(Protocol):
    def close(self) -> None: ...


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

    def start(self) -> None:
        """Send the call, if that was not done yet."""
        prepare, self._prepare = self._prepare, None
        if prepare is not None:
            self._thread.check()
            started, send = self._started, prepare()
            # Nobody need wait for this: whatever else is done to the call comes after it.
            self._thread.submit(lambda: started.start(send))

    def close(self) -> None:
        """Forget the call. May be called from anywhere, and never waits."""
        if self._prepare is None:
            self._thread.submit(self._started.close)
        self._prepare = None

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


class ResponseSeq(Generic[T]):
    """The responses of a call in the order in which they arrive: an iterator, to be read once.

    It ends when every node has answered or failed, or when the call's time is up. Leaving the loop early
    forgets the call as soon as nothing refers to the sequence any more; `close` does it at once.
    """

    def __init__(
        self,
        responses: Iterator[NodeResponse[T]],
        source: _Source,
        keep: Callable[[NodeResponse[T]], bool] | None = None,
    ) -> None:
        self._responses = responses
        self._source = source
        self._keep = keep

    def ignore_errors(self) -> ResponseSeq[T]:
        """Only the successful replies."""
        return self.filter(lambda response: response.error is None)

    def filter(self, keep: Callable[[NodeResponse[T]], bool]) -> ResponseSeq[T]:
        """Only the responses for which `keep` is true. Filters can be chained."""
        return ResponseSeq(self, self._source, keep)

    def collect_n(self, n: int) -> dict[int, T]:
        """Read until `n` nodes have replied, or the sequence ends, and forget the call.

        Raises:
            ValueError: `n` is negative.
        """
        if n < 0:
            raise ValueError(f"cannot collect {n} replies")
        replies: dict[int, T] = {}
        if n:
            for response in self:
                if response.error is None:
                    replies[response.node_id] = response.value
                    if len(replies) == n:
                        break
        self.close()
        return replies

    def collect_all(self) -> dict[int, T]:
        """Read to the end: the reply of each node by ID; nodes that failed have no entry."""
        return {response.node_id: response.value for response in self if response.error is None}

    def close(self) -> None:
        """Forget the call: what has not arrived is not waited for."""
        self._source.close()
        close: Any = getattr(self._responses, "close", None)
        if close is not None:
            close()

    def __iter__(self) -> ResponseSeq[T]:
        return self

    def __next__(self) -> NodeResponse[T]:
        while True:
            response = next(self._responses)
            if self._keep is None or self._keep(response):
                return response

    def __del__(self) -> None:
        # A filter's parent lives as long as the filter, so this is the end of the last of them. An interrupt may have
        # come while it was made.
        source = getattr(self, "_source", None)
        if source is not None and getattr(self, "_keep", None) is None:
            source.close()
