"""Making one outcome of responses that are read one by one, whoever reads them: a task or a thread."""
# ruff: noqa: D102 - methods without a docstring are as Aggregator says

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, Generic, NoReturn, Protocol, TypeVar

import grpc

from pygorums.base.errors import RejectedError, SendError, SendTimeoutError, StatusError
from pygorums.calls.needs import Need
from pygorums.calls.progress import Progress
from pygorums.calls.response import NodeResponse

__all__ = ["Aggregator", "Collected", "FirstReply", "Found", "Quorum", "SentToAll", "Threshold", "aggregate", "awaited"]

T = TypeVar("T")
R = TypeVar("R")
T_co = TypeVar("T_co", covariant=True)


class Aggregator(Protocol[T_co]):
    """Makes one outcome of responses."""

    @property
    def decided(self) -> bool:
        """Whether reading on would change nothing."""

    def add(self, response: NodeResponse[Any], /) -> None:
        """Take a response."""

    def result(self) -> T_co:
        """The outcome of what was read."""


async def awaited(responses: AsyncIterator[NodeResponse[Any]], aggregator: Aggregator[T], progress: Progress) -> T:
    """Read until the outcome is certain, and give it."""
    try:
        while not aggregator.decided:
            try:
                response = await responses.__anext__()
            except StopAsyncIteration:
                _end(aggregator, progress)
                break
            aggregator.add(response)
        else:
            progress.satisfied = True
        return _result(aggregator, progress)
    except BaseException as error:
        progress.fail(error)
        raise


def aggregate(responses: Iterator[NodeResponse[Any]], aggregator: Aggregator[T], progress: Progress) -> T:
    """The same, in a thread."""
    try:
        while not aggregator.decided:
            response = next(responses, None)
            if response is None:
                _end(aggregator, progress)
                break
            aggregator.add(response)
        else:
            progress.satisfied = True
        return _result(aggregator, progress)
    except BaseException as error:
        progress.fail(error)
        raise


def _result(aggregator: Aggregator[T], progress: Progress) -> T:
    result = aggregator.result()
    progress.done = aggregator.decided or not progress.timed_out
    return result


def _end(aggregator: Aggregator[Any], progress: Progress) -> None:
    progress.end()
    progress.satisfied = isinstance(aggregator, Collected)  # with whatever has come


class Collected(Generic[T]):
    """The reply of each node by ID, of the first `n` nodes; None: of all."""

    def __init__(self, n: int | None) -> None:
        self._n = n
        self._replies: dict[int, T] = {}

    @property
    def decided(self) -> bool:
        return self._n is not None and len(self._replies) >= self._n

    def add(self, response: NodeResponse[T]) -> None:
        """Take a response; of a node that has replied before, its latest reply."""
        if response.error is None:
            self._replies[response.node_id] = response.value

    def result(self) -> dict[int, T]:
        return self._replies


class Found(Generic[T, R]):
    """What a function makes of the replies by ID, once it is not None."""

    def __init__(self, fn: Callable[[Mapping[int, T]], R | None], progress: Progress) -> None:
        self._fn = fn
        self._progress = progress
        self._replies: dict[int, T] = {}
        self._result: R | None = None

    @property
    def decided(self) -> bool:
        return self._result is not None

    def add(self, response: NodeResponse[T]) -> None:
        if response.error is None:
            self._replies[response.node_id] = response.value
            self._result = self._fn(self._replies)

    def result(self) -> R:
        """The result.

        Raises:
            IncompleteError: There is none.
        """
        if self._result is None:
            raise self._progress.incomplete()
        return self._result


class Quorum(Generic[T]):
    """The replies, by ID, of nodes that succeed until they are what is needed."""

    def __init__(self, need: Need, progress: Progress) -> None:
        self._progress = progress
        self._tally = progress.tally(need)
        self._won = False
        self._replies: dict[int, T] = {}

    @property
    def decided(self) -> bool:
        return self._won or self._progress.lost(self._tally)

    def add(self, response: NodeResponse[T]) -> None:
        """Count a response; of a node that has replied before, its latest reply."""
        self._progress.take(response)
        node_id, tally = response.node_id, self._tally
        if response.error is None and node_id in tally.rule.bits:
            self._replies[node_id] = response.value
            self._won = tally.count_success(node_id)

    @property
    def any(self) -> bool:
        """Whether there is any reply that counts."""
        return bool(self._replies)

    def result(self) -> dict[int, T]:
        """The replies.

        Raises:
            IncompleteError: Too few nodes succeeded among what was read.
        """
        if not self._won:
            raise self._progress.incomplete(self._tally.rule)
        return self._replies


class Threshold(Generic[T]):
    """The first successful reply, once those that are needed have succeeded."""

    def __init__(self, need: Need, progress: Progress) -> None:
        self._quorum: Quorum[T] = Quorum(need, progress)
        self._first: list[T] = []

    @property
    def decided(self) -> bool:
        return self._quorum.decided

    def add(self, response: NodeResponse[T]) -> None:
        """Count a response. Further replies of the same node, in a streaming call, do not count."""
        self._quorum.add(response)
        if not self._first and self._quorum.any:
            self._first.append(response.value)

    def result(self) -> T:
        """The reply.

        Raises:
            IncompleteError: Too few nodes succeeded among what was read.
        """
        self._quorum.result()
        return self._first[0]


class FirstReply(Generic[T]):
    """The reply of the only node of an RPC."""

    def __init__(self, node_id: int, progress: Progress) -> None:
        self._node_id = node_id
        self._progress = progress
        self._response: NodeResponse[T] | None = None

    @property
    def decided(self) -> bool:
        return self._response is not None

    def add(self, response: NodeResponse[T]) -> None:
        self._response = response

    def result(self) -> T:
        """The reply.

        Raises:
            Exception: What the node failed with, or an interceptor made of it.
        """
        if self._response is None:
            self._fail()
        if self._response.error is not None:
            raise self._response.error
        return self._response.value

    def _fail(self) -> NoReturn:
        progress = self._progress
        progress.end()
        for error in progress.node_errors.values():
            if not isinstance(error, RejectedError):
                raise error
        reason = "was dropped by an interceptor" if progress.asked else "was not sent: an interceptor left the node out"
        text = f"{progress.method_name} {reason}"
        raise StatusError(grpc.StatusCode.CANCELLED, text, node_id=self._node_id)


class SentToAll:
    """Whether a one-way message was sent to all nodes; errors that interceptors drop do not count."""

    decided = False

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def add(self, response: NodeResponse[object]) -> None:
        self._progress.take(response)

    def result(self) -> None:
        """Nothing, if it was sent to all.

        Raises:
            SendError: It was not sent to some.
        """
        progress = self._progress
        if progress.node_errors:
            kind = SendTimeoutError if progress.timed_out else SendError
            raise kind(progress.method_name, progress.node_errors, progress.replies)
