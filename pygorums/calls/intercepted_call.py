"""Calls with interceptors, of every call type: their responses are read one by one through the chain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from pygorums.base.method import Method
from pygorums.calls.aggregators import Aggregator, FirstReply, SentToAll, Threshold, awaited
from pygorums.calls.fan_out import fan_out, requests_of
from pygorums.calls.hedged_queue import hedged_fan_out
from pygorums.calls.hedging import Hedging
from pygorums.calls.interceptors import Call, InterceptedResponses, intercepted
from pygorums.calls.needs import Need
from pygorums.calls.reply_queue import ReplyQueue
from pygorums.calls.sequence import Source
from pygorums.nodes.call_options import CallOptions
from pygorums.nodes.configuration import Configuration

__all__ = ["InterceptedCall"]

T = TypeVar("T")
Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)

_log = logging.getLogger("pygorums.calls")


class InterceptedCall(Generic[Req, Resp]):
    """A call whose interceptors have been called, but which is not sent yet; there may be none.

    Attributes:
        progress: What has been read of it.
        source: Its responses before the first interceptor.
        responses: Its responses after the last one.
    """

    def __init__(self, method: Method[Req, Resp], config: Configuration, request: Req, options: CallOptions) -> None:
        self._method = method
        self._call = Call(method, config, request, options)
        self._hedged: tuple[Need, Hedging] | None = None
        self.source = Source(self._send)
        self.progress = self._call.progress
        self.responses: InterceptedResponses[Resp] = intercepted(self._call, self.source, options.interceptors)

    def _send(self) -> ReplyQueue[Resp]:
        call, method = self._call, self._method
        requests = requests_of(method, call)
        if self._hedged is None:
            return fan_out(method, call.config, call, requests)
        return hedged_fan_out(method, call.config, call, requests, *self._hedged)

    def hedge(self, need: Need, hedging: Hedging) -> None:
        """Ask few nodes first when it is sent.

        Raises:
            RuntimeError: It is sent already.
        """
        if self._call.sent:
            raise RuntimeError(f"{self._method.name} was sent to all nodes already, so it cannot be hedged")
        self._hedged = need, hedging

    def start_threshold(self, need: Need, hedging: Hedging | None = None) -> asyncio.Future[Resp]:
        """Send now; the future of the first successful reply, once the nodes that are needed have succeeded.

        If the configuration has not that many nothing is sent. With `hedging` few nodes are asked first.
        """
        if hedging is not None:
            self.hedge(need, hedging)
        if not isinstance(need, int) or need <= self._call.size:
            self.source.start()
        return self._start(self._read(Threshold(need, self.progress)))

    def start_rpc(self) -> asyncio.Future[Resp]:
        """Send now; the future of the only node's reply."""
        self.source.start()
        return self._start(self._read(FirstReply(self._call.config[0].id, self.progress)))

    def start_one_way(self, *, ignore_errors: bool) -> asyncio.Future[None]:
        """Send now; the future of having sent to all nodes. With `ignore_errors` it is done at once."""
        self.source.start()
        if not ignore_errors:
            return self._start(self._read(SentToAll(self.progress)))
        self._start(self._drain())
        done: asyncio.Future[None] = self._call.config.pool.loop.create_future()
        done.set_result(None)
        return done

    def _start(self, reading: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        pool = self._call.config.pool
        task = pool.loop.create_task(reading, name=f"pygorums call {self._method.name}")
        pool.keep(task)
        # A task that is cancelled before it has begun runs none of its code.
        task.add_done_callback(lambda _: self.source.close())
        return task

    async def _read(self, aggregator: Aggregator[T]) -> T:
        try:
            return await awaited(self.responses, aggregator, self.progress)
        finally:
            await self.responses.aclose()

    async def _drain(self) -> None:
        """Let the interceptors see what becomes of a message that nobody waits for."""
        try:
            async for _ in self.responses:
                pass
        except Exception:
            _log.exception("an interceptor of %s failed", self._method.name)
        finally:
            await self.responses.aclose()
