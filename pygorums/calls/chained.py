"""Calls with interceptors, of every call type: their responses are read one by one through the chain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf.message import Message

from pygorums.base.errors import IncompleteError, QuorumTimeoutError, SendError, SendTimeoutError, StatusError
from pygorums.base.metadata import MetadataLike
from pygorums.base.method import Method
from pygorums.calls.fan_out import fan_out
from pygorums.calls.interceptors import Call, Interceptor, intercepted
from pygorums.calls.reply_queue import Progress, ReplyQueue
from pygorums.calls.response import NodeResponse
from pygorums.calls.source import Source
from pygorums.nodes.configuration import Configuration
from pygorums.quorum.tally import Outcome, Tally

__all__ = ["ChainedCall"]

T = TypeVar("T")
Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class ChainedCall(Generic[Req, Resp]):
    """A call whose interceptors have been called, but which is not sent yet.

    Attributes:
        progress: What has been read of it.
        source: Its responses before the first interceptor.
        responses: Its responses after the last one.
        asked: How many nodes were asked, once it is sent.
    """

    def __init__(
        self,
        method: Method[Req, Resp],
        config: Configuration,
        request: Req,
        timeout: float | None,
        metadata: MetadataLike,
        interceptors: Sequence[Interceptor[Req, Resp]],
    ) -> None:
        self._method = method
        self._call = Call(method, config, request, timeout, metadata)
        self.source = Source(self._send)
        self.progress = Progress(method.name)
        self.responses: AsyncIterator[NodeResponse[Resp]] = intercepted(self._call, self.source, interceptors)
        self.asked = 0

    def _send(self) -> ReplyQueue[Resp]:
        call, method = self._call, self._method
        seq_no = call.config.pool.next_seq_no()
        queue = ReplyQueue(method, call.config, seq_no, call.timeout, self.progress)
        self.asked = fan_out(method, call, seq_no, queue)
        return queue

    async def _enough(self, need: int | None) -> Resp:
        tally = Tally(self.asked, max(self.asked if need is None else need, 1))
        errors: dict[int, Exception] = {}
        first: Resp | None = None
        counted: set[int] = set()
        try:
            if tally.outcome is Outcome.PENDING:
                async for response in self.responses:
                    if response.node_id in counted:
                        continue  # another reply of a streaming call
                    counted.add(response.node_id)
                    if response.error is None:
                        first = response.value if first is None else first
                        if tally.succeeded() is Outcome.WON:
                            return first
                    else:
                        errors[response.node_id] = response.error
                        if tally.failed() is Outcome.LOST:
                            break
        finally:
            self.source.close()
        errors = {**self.progress.node_errors, **errors} if self.progress.timed_out else errors
        kind = QuorumTimeoutError if self.progress.timed_out else IncompleteError
        raise kind(self._method.name, errors, tally.successes)

    def start_threshold(self, need: int | None) -> asyncio.Future[Resp]:
        """Send now; the future of the first successful reply, once `need` nodes (None: all asked) have succeeded."""
        self.source.start()
        return self._start(self._enough(need))

    def start_rpc(self) -> asyncio.Future[Resp]:
        """Send now; the future of the only node's reply."""
        self.source.start()
        return self._start(self._only_reply())

    def start_one_way(self, *, ignore_errors: bool) -> asyncio.Future[None]:
        """Send now; the future of having sent to all nodes."""
        self.source.start()
        return self._start(self._all_sent(ignore_errors=ignore_errors))

    def _start(self, finish: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        pool = self._call.config.pool
        task = pool.loop.create_task(finish, name=f"pygorums call {self._method.name}")
        pool.keep(task)
        return task

    async def _only_reply(self) -> Resp:
        try:
            async for response in self.responses:
                if response.error is not None:
                    raise response.error
                return response.value
        finally:
            self.source.close()
        for error in self.progress.node_errors.values():
            raise error
        reason = "was dropped by an interceptor" if self.asked else "was not sent: an interceptor left the node out"
        raise StatusError(grpc.StatusCode.CANCELLED, f"{self._method.name} {reason}", node_id=self._call.config[0].id)

    async def _all_sent(self, *, ignore_errors: bool) -> None:
        errors: dict[int, Exception] = {}
        sent = 0
        try:
            async for response in self.responses:
                if response.error is None:
                    sent += 1
                else:
                    errors[response.node_id] = response.error
        finally:
            self.source.close()
        timed_out = self.progress.timed_out
        if timed_out:
            errors = {**self.progress.node_errors, **errors}
        if errors and not ignore_errors:
            raise (SendTimeoutError if timed_out else SendError)(self._method.name, errors, sent)
