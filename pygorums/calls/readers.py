"""Making one outcome of responses that are read one by one, whoever reads them: a task or a thread."""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar

import grpc

from pygorums.base.errors import IncompleteError, QuorumTimeoutError, SendError, SendTimeoutError, StatusError
from pygorums.calls.reply_queue import Progress
from pygorums.calls.response import NodeResponse
from pygorums.quorum.tally import LOST, PENDING, WON, Tally

__all__ = ["FirstReply", "SentToAll", "Threshold"]

T = TypeVar("T")


class Threshold(Generic[T]):
    """The first successful reply, once `need` of the `asked` nodes have succeeded; None: once all have."""

    def __init__(self, asked: int, need: int | None, progress: Progress) -> None:
        need = max(asked if need is None else need, 1)
        self._cause = f"incomplete call: it needs {need} replies and only {asked} nodes were asked"
        self._too_few = need > asked
        self._tally = Tally(asked, need)
        self._progress = progress
        self._errors: dict[int, Exception] = {}
        self._counted: set[int] = set()
        self._first: list[T] = []

    @property
    def decided(self) -> bool:
        """Whether reading on would change nothing."""
        return self._tally.outcome is not PENDING

    def add(self, response: NodeResponse[T]) -> None:
        """Count a response. Further replies of the same node, in a streaming call, do not count."""
        if response.node_id in self._counted:
            return
        self._counted.add(response.node_id)
        if response.error is None:
            self._first.append(response.value)
            self._tally.succeeded()
        else:
            self._errors[response.node_id] = response.error
            self._tally.failed()

    def result(self) -> T:
        """The reply.

        Raises:
            IncompleteError: Too few nodes succeeded among what was read.
        """
        if self._tally.outcome is WON:
            return self._first[0]
        timed_out = self._progress.timed_out and self._tally.outcome is not LOST
        errors = {**self._progress.node_errors, **self._errors} if timed_out else self._errors
        kind = QuorumTimeoutError if timed_out else IncompleteError
        cause = self._cause if self._too_few else None
        raise kind(self._progress.method_name, errors, self._tally.successes, cause)


class FirstReply(Generic[T]):
    """The reply of the only node of an RPC."""

    def __init__(self, node_id: int, asked: int, progress: Progress) -> None:
        self._node_id = node_id
        self._asked = asked
        self._progress = progress
        self._response: NodeResponse[T] | None = None

    @property
    def decided(self) -> bool:
        """Whether there is a response."""
        return self._response is not None

    def add(self, response: NodeResponse[T]) -> None:
        """Take the response."""
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
        for error in self._progress.node_errors.values():
            raise error
        reason = "was dropped by an interceptor" if self._asked else "was not sent: an interceptor left the node out"
        text = f"{self._progress.method_name} {reason}"
        raise StatusError(grpc.StatusCode.CANCELLED, text, node_id=self._node_id)


class SentToAll:
    """Whether a one-way message was sent to all nodes."""

    decided = False

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._errors: dict[int, Exception] = {}
        self._sent = 0

    def add(self, response: NodeResponse[object]) -> None:
        """Take what became of the message for one node."""
        if response.error is None:
            self._sent += 1
        else:
            self._errors[response.node_id] = response.error

    def result(self) -> None:
        """Nothing, if it was sent to all.

        Raises:
            SendError: It was not sent to some.
        """
        timed_out = self._progress.timed_out
        errors = {**self._progress.node_errors, **self._errors} if timed_out else self._errors
        if errors:
            raise (SendTimeoutError if timed_out else SendError)(self._progress.method_name, errors, self._sent)
