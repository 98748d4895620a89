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
    """The responses of a call that is sent when the first of them is asked for, or by `start`."""

    def __init__(self, thread: LoopThread, send: Callable[[], ReplyQueue[Resp]]) -> None:
        self._thread = thread
        self._send: Callable[[], ReplyQueue[Resp]] | None = send
        self._queue: ReplyQueue[Resp] | None = None

    def start(self) -> None:
        """Send the call, if that was not done yet."""
        send, self._send = self._send, None
        if send is not None:
            self._queue = self._thread.call(send)

    def close(self) -> None:
        """Forget the call. May be called from anywhere, and never waits."""
        self._send = None
        queue = self._queue
        if queue is not None:
            self._thread.submit(queue.close)

    def __iter__(self) -> Iterator[NodeResponse[Resp]]:
        return self

    def __next__(self) -> NodeResponse[Resp]:
        self.start()
        if self._queue is None:
            raise StopIteration
        response = self._thread.run(self._next, self._queue)
        if response is None:
            raise StopIteration
        return response

    async def _next(self, queue: ReplyQueue[Resp]) -> NodeResponse[Resp] | None:
        # A coroutine cannot raise StopIteration, and a future cannot hold it.
        try:
            return await queue.__anext__()
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
        # A filter's parent lives as long as the filter, so this is the end of the last of them.
        if self._keep is None:
            self._source.close()
