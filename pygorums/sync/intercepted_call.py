"""Calls of the blocking facade with interceptors: plain generators, which run in the thread that reads."""
# ruff: noqa: D102 - methods without a docstring are as ResponseStream says

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from threading import Lock
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from pygorums.base.method import Method
from pygorums.calls.aggregators import Aggregator, FirstReply, SentToAll, Threshold, aggregate
from pygorums.calls.fan_out import fan_out, requests_of
from pygorums.calls.hedged_queue import hedged_fan_out
from pygorums.calls.hedging import Hedging
from pygorums.calls.interceptors import Call
from pygorums.calls.needs import Need
from pygorums.calls.reply_queue import ReplyQueue
from pygorums.calls.response import NodeResponse
from pygorums.nodes.call_options import CallOptions
from pygorums.serving.daemon_threads import DaemonThreads, NoThreadError
from pygorums.sync.configuration import Configuration
from pygorums.sync.future import CallFuture
from pygorums.sync.sequence import QueueIterator

__all__ = ["InterceptedCall", "ReadInThread"]

T = TypeVar("T")
Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)

_log = logging.getLogger("pygorums.calls")

_readers = DaemonThreads(256, "pygorums-sync-aggregator")
"""Read the responses of calls whose caller goes on meanwhile; threads are made as needed."""


class ReadInThread(Generic[Resp]):
    """The responses of a chain of plain iterators as an asynchronous iterator."""

    def __init__(self, responses: Iterator[NodeResponse[Resp]], source: QueueIterator[Resp]) -> None:
        self._responses = responses
        self._source = source
        self._reading = Lock()

    def close(self) -> None:
        self._source.close()

    def __aiter__(self) -> AsyncIterator[NodeResponse[Resp]]:
        return self

    async def aclose(self) -> None:
        """Forget the call, and let the interceptors end."""
        self.close()
        with suppress(NoThreadError):  # then they end when they are collected
            _readers.submit(self._end)  # which whoever reads need not wait for

    def _end(self) -> None:
        with self._reading:
            _end(self._responses)

    async def __anext__(self) -> NodeResponse[Resp]:
        response = await _readers.run(self._next)
        if response is None:
            raise StopAsyncIteration
        return response

    def _next(self) -> NodeResponse[Resp] | None:
        with self._reading:
            return next(self._responses, None)


def _end(responses: Iterator[NodeResponse[Any]]) -> None:
    """Let the outermost interceptor clean up, and so those that it reads from."""
    close = getattr(responses, "close", None)
    if close is not None:
        close()


class _ReadFuture(CallFuture[Resp]):
    """The outcome of a call whose responses a thread reads."""

    def __init__(self, source: QueueIterator[Resp]) -> None:
        super().__init__()
        self._call = source

    def _forget(self) -> None:
        # That ends the reading too, which then finds no more responses.
        self._call.close()


class InterceptedCall(Generic[Req, Resp]):
    """A call whose interceptors have been called, but which is not sent yet.

    Attributes:
        progress: What has been read of it.
        source: Its responses before the first interceptor.
        responses: Its responses after the last one.
    """

    def __init__(self, method: Method[Req, Resp], config: Configuration, request: Req, options: CallOptions) -> None:
        self._method = method
        self._config = config
        # Interceptors see the configuration and the nodes of their own world.
        self._call: Call[Any, Any] = Call(method, config, request, options)  # type: ignore[arg-type]
        self._hedged: tuple[Need, Hedging] | None = None
        self.progress = self._call.progress
        self.source: QueueIterator[Resp] = QueueIterator(config.thread, self._prepare)
        self.responses: Iterator[NodeResponse[Resp]] = self.source
        for interceptor in options.interceptors:
            self.responses = interceptor(self._call, self.responses)
            if not hasattr(self.responses, "__next__"):
                name = getattr(interceptor, "__qualname__", repr(interceptor))
                raise TypeError(
                    f"interceptor {name} must return an iterator, not {type(self.responses).__name__}; "
                    "with pygorums.sync write it as a plain generator, or as a function that returns the responses"
                )

    def _prepare(self) -> Callable[[], ReplyQueue[Resp]]:
        # The functions of interceptors are called here, in the caller's thread, and not on the event loop.
        method, call, config = self._method, self._call, self._config.asynchronous
        requests = requests_of(method, call)
        if self._hedged is None:
            return lambda: fan_out(method, config, call, requests)
        need, hedging = self._hedged
        return lambda: hedged_fan_out(method, config, call, requests, need, hedging)

    def hedge(self, need: Need, hedging: Hedging) -> None:
        """Ask few nodes first when it is sent.

        Raises:
            RuntimeError: It is sent already.
        """
        if self._call.sent:
            raise RuntimeError(f"{self._method.name} was sent to all nodes already, so it cannot be hedged")
        self._hedged = need, hedging

    def start_reading(self) -> ReadInThread[Resp]:
        """Send now; the responses for the event loop to read."""
        self.source.start()
        return ReadInThread(self.responses, self.source)

    def threshold(self, need: Need, hedging: Hedging | None = None) -> Resp:
        """Send, and wait for the first successful reply once the nodes that are needed have succeeded."""
        return self._read(self._started(need, hedging))

    def _started(self, need: Need, hedging: Hedging | None) -> Threshold[Resp]:
        if hedging is not None:
            self.hedge(need, hedging)
        if not isinstance(need, int) or need <= len(self._config):  # otherwise nothing is sent
            self.source.start()
        return Threshold(need, self.progress)

    def start_threshold(self, need: Need, hedging: Hedging | None = None) -> Future[Resp]:
        """Send now; the future of what `threshold` gives."""
        future: CallFuture[Resp] = _ReadFuture(self.source)
        _readers.submit(self._resolve, future, self._started(need, hedging))
        return future

    def _resolve(self, future: CallFuture[Resp], aggregator: Threshold[Resp]) -> None:
        try:
            future.set_result(self._read(aggregator))
        except BaseException as error:
            future.set_exception(error)

    def rpc(self) -> Resp:
        """Send, and wait for the only node's reply."""
        self.source.start()
        aggregator: FirstReply[Resp] = FirstReply(self._config[0].id, self.progress)
        return self._read(aggregator)

    def one_way(self, *, ignore_errors: bool) -> None:
        """Send, and wait until it is sent to all nodes, or with `ignore_errors` for nothing."""
        self.source.start()
        if ignore_errors:
            _readers.submit(self._drain)
        else:
            self._read(SentToAll(self.progress))

    def _drain(self) -> None:
        """Let the interceptors see what becomes of a message that nobody waits for."""
        try:
            for _ in self.responses:
                pass
        except Exception:
            _log.exception("an interceptor of %s failed", self._method.name)
        finally:
            self._close()

    def _read(self, aggregator: Aggregator[T]) -> T:
        try:
            return aggregate(self.responses, aggregator, self.progress)
        finally:
            self._close()

    def _close(self) -> None:
        self.source.close()
        _end(self.responses)
