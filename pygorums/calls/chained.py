"""Calls with interceptors, of every call type: their responses are read one by one through the chain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

from google.protobuf.message import Message

from pygorums.base.metadata import MetadataLike, encode_entries
from pygorums.base.method import Method
from pygorums.calls.fan_out import fan_out, requests_of
from pygorums.calls.interceptors import Call, Interceptor, intercepted
from pygorums.calls.readers import FirstReply, SentToAll, Threshold
from pygorums.calls.reply_queue import Progress, ReplyQueue
from pygorums.calls.response import NodeResponse
from pygorums.calls.source import Source
from pygorums.nodes.configuration import Configuration

__all__ = ["ChainedCall"]

T = TypeVar("T", covariant=True)
Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class _Reader(Protocol[T]):
    @property
    def decided(self) -> bool: ...
    def add(self, response: NodeResponse[Any], /) -> None: ...
    def result(self) -> T: ...


class ChainedCall(Generic[Req, Resp]):
    """A call whose interceptors have been called, but which is not sent yet.

    Attributes:
        progress: What has been read of it.
        source: Its responses before the first interceptor.
        responses: Its responses after the last one.
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
        self._asked = 0
        self.source = Source(self._send)
        self.progress = Progress(method.name)
        self.responses: AsyncIterator[NodeResponse[Resp]] = intercepted(self._call, self.source, interceptors)

    def _send(self) -> ReplyQueue[Resp]:
        call, method = self._call, self._method
        requests = requests_of(method, call)
        self._asked = sum(request is not None for _, request in requests)
        seq_no = call.config.pool.next_seq_no()
        queue = ReplyQueue(method, call.config, seq_no, call.timeout, self.progress)
        fan_out(method, call.config, requests, encode_entries(call.metadata.pairs), seq_no, queue)
        return queue

    def start_threshold(self, need: int | None) -> asyncio.Future[Resp]:
        """Send now; the future of the first successful reply, once `need` nodes (None: all asked) have succeeded."""
        self.source.start()
        return self._start(Threshold(self._asked, need, self.progress))

    def start_rpc(self) -> asyncio.Future[Resp]:
        """Send now; the future of the only node's reply."""
        self.source.start()
        return self._start(FirstReply(self._call.config[0].id, self._asked, self.progress))

    def start_one_way(self, *, ignore_errors: bool) -> asyncio.Future[None]:
        """Send now; the future of having sent to all nodes."""
        self.source.start()
        return self._start(SentToAll(self.progress, ignore_errors=ignore_errors))

    def _start(self, reader: _Reader[T]) -> asyncio.Future[T]:
        pool = self._call.config.pool
        task = pool.loop.create_task(self._read(reader), name=f"pygorums call {self._method.name}")
        pool.keep(task)
        return task

    async def _read(self, reader: _Reader[T]) -> T:
        try:
            while not reader.decided:
                reader.add(await self.responses.__anext__())
        except StopAsyncIteration:
            pass
        finally:
            self.source.close()
        return reader.result()
