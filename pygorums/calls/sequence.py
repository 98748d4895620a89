"""Reading the responses of a call one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pygorums.calls.response import NodeResponse, ResponseStream
from pygorums.calls.source import Source

__all__ = ["ResponseSeq"]

T = TypeVar("T")


class ResponseSeq(Generic[T]):
    """The responses of a call in the order in which they arrive: an asynchronous iterator, to be read once.

    It ends when every node has answered or failed, or when the call's time is up. Leaving the loop early
    forgets the call as soon as nothing refers to the sequence any more; `aclose` does it at once, and so does
    being cancelled while waiting for the next response.
    """

    def __init__(
        self,
        responses: ResponseStream[T],
        source: Source[Any],
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
        # The new sequence holds on to this one, whose end would forget the call.
        return ResponseSeq(self, self._source, keep)

    async def collect_n(self, n: int) -> dict[int, T]:
        """Read until `n` nodes have replied, or the sequence ends, and forget the call.

        Returns:
            The reply of each node by ID; nodes that failed have no entry. In a streaming call a node's entry
            is its latest reply.

        Raises:
            ValueError: `n` is negative.
        """
        if n < 0:
            raise ValueError(f"cannot collect {n} replies")
        replies: dict[int, T] = {}
        try:
            while len(replies) < n:
                response = await self.__anext__()
                if response.error is None:
                    replies[response.node_id] = response.value
        except StopAsyncIteration:
            pass
        await self.aclose()
        return replies

    async def collect_all(self) -> dict[int, T]:
        """Read to the end.

        Returns:
            The reply of each node by ID; nodes that failed have no entry. In a streaming call a node's entry
            is its latest reply.
        """
        replies: dict[int, T] = {}
        async for response in self:
            if response.error is None:
                replies[response.node_id] = response.value
        return replies

    async def aclose(self) -> None:
        """Forget the call: what has not arrived is not waited for."""
        self._source.close()
        await self._responses.aclose()

    def __aiter__(self) -> ResponseSeq[T]:
        return self

    async def __anext__(self) -> NodeResponse[T]:
        while True:
            response = await self._responses.__anext__()
            if self._keep is None or self._keep(response):
                return response

    def __del__(self) -> None:
        # A filter's parent lives as long as the filter, so this is the end of the last of them.
        if self._keep is None:
            self._source.close()
