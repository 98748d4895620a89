"""The responses of a call in the order of their arrival, for whoever reads them one by one."""
# ruff: noqa: D102 - methods without a docstring are as PendingCall says

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

import grpc
from google.protobuf.message import Message

from pygorums.base.errors import CallTimeoutError, StatusError
from pygorums.base.method import Method
from pygorums.base.observing import CallObservation, observer_failed
from pygorums.calls.progress import Progress
from pygorums.calls.response import BeingReadError, NodeResponse, parse_reply
from pygorums.nodes.node import Node

__all__ = ["MAX_UNREAD", "REPLY_COST", "ReplyQueue", "on_loop"]

Resp = TypeVar("Resp", bound=Message)

MAX_UNREAD = 64 << 20
"""How many bytes of one node's replies may wait for a reader, bookkeeping included, before more are refused."""

REPLY_COST = 256


def on_loop(loop: asyncio.AbstractEventLoop, close: Callable[[], object]) -> None:
    """Close something of an event loop's: now if it runs here, otherwise as soon as it can, if it still can."""
    if asyncio._get_running_loop() is loop:
        close()
    else:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(close)


class ReplyQueue(Generic[Resp]):
    """A call under way whose responses queue up until they are read. Replies are parsed when they are read.

    It is an asynchronous iterator for one reader. It ends when every node has answered or failed (in a
    streaming call: has ended its replies), or when the time is up.
    """

    def __init__(
        self,
        method: Method[Any, Resp],
        nodes: Iterable[Node],
        seq_no: int,
        timeout: float | None,
        progress: Progress,
    ) -> None:
        self._method = method
        self._nodes = {node.id: node for node in nodes}
        self._seq_no = seq_no
        self._progress = progress
        self._items: deque[tuple[int, bytes | None, Exception | None]] = deque()
        self._open = set(self._nodes)  # nodes that may still say something
        self._silent = set(self._nodes)  # nodes that have said nothing yet
        self._unread: dict[int, int] = {}  # bytes of each node's replies that wait for the reader
        self._loop = asyncio.get_running_loop()
        self._reader: asyncio.Future[None] | None = None
        self.frame = b""
        self.streaming = method.streaming
        self.decided = False
        self.withdrawn = False
        self.one_way = method.one_way
        self.observed: CallObservation | None = None
        self.timeout = timeout
        self.sent_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        if timeout is not None:
            progress.timeout = timeout
            progress.deadline = self.sent_at + max(timeout, 0)
            self._timer = self._loop.call_at(progress.deadline, self.expire)

    def skip(self, node_id: int) -> None:
        """The node is not asked at all."""
        self._open.discard(node_id)
        self._silent.discard(node_id)

    def deliver(self, node_id: int, payload: bytes) -> None:
        if self.streaming:  # otherwise there is one reply of each node, and nothing to count
            unread = self._unread.get(node_id, 0) + len(payload) + REPLY_COST
            if unread > MAX_UNREAD:
                self._nodes[node_id].channel.give_up(self._seq_no)
                text = f"replies to {self._method.name} were not read: more than {MAX_UNREAD} bytes are waiting"
                self.fail(node_id, StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text, node_id=node_id))
                return
            self._unread[node_id] = unread
        self._add(node_id, payload, None, not self.streaming)

    def sent(self, node_id: int) -> None:
        self._add(node_id, None, None, True)

    def fail(self, node_id: int, error: Exception) -> None:
        self._add(node_id, None, error, True)

    def end(self, node_id: int) -> None:
        self._open.discard(node_id)
        self._wake()

    def _add(self, node_id: int, payload: bytes | None, error: Exception | None, last: bool) -> None:
        if self.decided:
            return
        self._items.append((node_id, payload, error))
        self._silent.discard(node_id)
        if last:
            self._open.discard(node_id)
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def __aiter__(self) -> ReplyQueue[Resp]:
        return self

    async def __anext__(self) -> NodeResponse[Resp]:
        while not self._items:
            if not self._open or self.decided:
                self._stop()  # what the reader makes of it is not known yet
                raise StopAsyncIteration
            if self._reader is not None:
                raise BeingReadError(f"the responses of {self._method.name} are being read by another task")
            self._reader = self._loop.create_future()
            try:
                await self._reader
            except asyncio.CancelledError:
                # The call goes on, and what was to be read can be read later, unless this was the last who knew of
                # it: then it is forgotten, which the traceback must not put off.
                self._reader = None
                del self
                raise
            self._reader = None
        return self._read(*self._items.popleft())

    def _read(self, node_id: int, payload: bytes | None, error: Exception | None) -> NodeResponse[Resp]:
        value = cast("Resp", None)
        if payload is not None:
            if self.streaming:
                self._unread[node_id] -= len(payload) + REPLY_COST
            try:
                value = parse_reply(self._method, payload, node_id)
            except StatusError as malformed:
                error = malformed
        self._progress.hear(node_id, error)
        return NodeResponse(node_id, value, error)

    def expire(self, timeout: float | None = None) -> None:
        """The time is up, after its own timeout or another one."""
        self.timeout = timeout or self.timeout
        if self.decided or not self._open:
            return
        self._progress.timed_out = True
        for node_id in self._silent:
            what = "not sent to" if self.one_way else "no reply from"
            text = f"{what} {self._nodes[node_id].address} within {self.timeout} s"
            self._progress.node_errors[node_id] = CallTimeoutError(text, node_id=node_id)
        if self._reader is None:
            self.close()
        else:
            self._stop()  # the reader says what it has made of the call

    def abandon(self) -> None:
        """As `close`, from wherever the last reference to the call was dropped: in another thread perhaps."""
        if not self.decided or self.observed is not None:
            on_loop(self._loop, self.close)

    def close(self) -> None:
        """Forget the call: expect no more replies. What has arrived can still be read."""
        self._stop()
        if self.observed is not None:
            observed, self.observed = self.observed, None
            try:
                observed.ended(self._loop.time() - self.sent_at, self._progress.outcome())
            except Exception:
                observer_failed()

    def _stop(self) -> None:
        if self.decided:
            return
        self.decided = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for node_id in self._open:
            channel = self._nodes[node_id].channel
            self.withdrawn = True
            if self.one_way:
                channel.withdraw()
            elif self._progress.satisfied and not self.streaming:
                if channel.forget(self._seq_no):
                    channel.withdraw()
            else:
                channel.give_up(self._seq_no)
        self._wake()
