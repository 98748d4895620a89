"""Quorum calls of the blocking facade: what to do with the replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from pygorums.base.method import Method
from pygorums.calls.correctable import Correctable as AsyncCorrectable
from pygorums.calls.future import Outcome
from pygorums.calls.quorum_call import ThresholdCall, send_threshold_call
from pygorums.calls.reply_queue import Progress, ReplyQueue
from pygorums.calls.response import NodeResponse
from pygorums.calls.responses import at_least_one, send_queue
from pygorums.calls.source import Source
from pygorums.quorum.tally import majority_of
from pygorums.sync.chained import ChainedCall
from pygorums.sync.configuration import Configuration
from pygorums.sync.correctable import Correctable
from pygorums.sync.sequence import QueueIterator, ResponseSeq
from pygorums.sync.waiter import CallFuture

__all__ = ["Responses"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class Responses(Generic[Resp]):
    """A quorum call that is not sent yet, to be used once: `pygorums.Responses` for the blocking facade.

    The methods have the same names and meaning; those that wait block, and the `async_` methods give a
    `concurrent.futures.Future`. An interrupt, as by Ctrl-C, ends a wait at once and forgets the call.

    Attributes:
        size: The number of nodes in the configuration.
    """

    def __init__(
        self,
        method: Method[Req, Resp],
        config: Configuration,
        request: Message | bytes,
        timeout: float | None,
        entries: bytes,
        chained: ChainedCall[Any, Resp] | None,
    ) -> None:
        self._method: Method[Any, Resp] = method
        self._config = config
        self._thread = config.thread
        self._request = request
        self._timeout = timeout
        self._entries = entries
        self._chained = chained
        self._progress = Progress(method.name) if chained is None else chained.progress
        self._used = False
        self.size = len(config)

    @property
    def method_name(self) -> str:
        """The method's full name."""
        return self._method.name

    @property
    def node_errors(self) -> Mapping[int, Exception]:
        """The errors that were read while iterating, by node ID; once the time was up also those of silent nodes."""
        return self._progress.node_errors

    @property
    def replies(self) -> int:
        """How many successful replies were read while iterating."""
        return self._progress.replies

    @property
    def timed_out(self) -> bool:
        """Whether the time was up before all nodes had answered."""
        return self._progress.timed_out

    def first(self) -> Resp:
        """The first successful reply."""
        return self._wait(1)

    def majority(self) -> Resp:
        """The first successful reply, once a majority of the nodes has succeeded."""
        return self._wait(majority_of(self.size))

    def all(self) -> Resp:
        """The first successful reply, once all nodes have succeeded."""
        return self._wait(None)

    def threshold(self, n: int) -> Resp:
        """The first successful reply, once `n` nodes have succeeded."""
        return self._wait(at_least_one(n))

    def async_first(self) -> Future[Resp]:
        """As `first`, but sends now and returns the future of the reply."""
        return self._future(1)

    def async_majority(self) -> Future[Resp]:
        """As `majority`, but sends now and returns the future of the reply."""
        return self._future(majority_of(self.size))

    def async_all(self) -> Future[Resp]:
        """As `all`, but sends now and returns the future of the reply."""
        return self._future(None)

    def async_threshold(self, n: int) -> Future[Resp]:
        """As `threshold`, but sends now and returns the future of the reply."""
        return self._future(at_least_one(n))

    def correctable(self, n: int) -> Correctable[Resp]:
        """Send now, and watch the replies improve until `n` of them were successful."""
        level = at_least_one(n)
        self._use()
        thread = self._thread
        if self._chained is not None:
            responses = self._chained.start_reading()
            return thread.call(
                lambda: Correctable(AsyncCorrectable(responses, responses, self._progress, level), thread)
            )
        send = self._send

        def start() -> Correctable[Resp]:
            source = Source(send)
            source.start()
            return Correctable(AsyncCorrectable(source, source, self._progress, level), thread)

        return thread.call(start)

    def results(self) -> ResponseSeq[Resp]:
        """The response of each node as it arrives, errors too. Sends when the first one is asked for."""
        self._use()
        if self._chained is not None:
            return ResponseSeq(self._chained.responses, self._chained.source)
        source = QueueIterator(self._thread, lambda: self._send)
        return ResponseSeq(source, source)

    def __iter__(self) -> ResponseSeq[Resp]:
        return self.results()

    def ignore_errors(self) -> ResponseSeq[Resp]:
        """`results()` without errors."""
        return self.results().ignore_errors()

    def filter(self, keep: Callable[[NodeResponse[Resp]], bool]) -> ResponseSeq[Resp]:
        """`results()` for which `keep` is true."""
        return self.results().filter(keep)

    def collect_n(self, n: int) -> dict[int, Resp]:
        """Read until `n` nodes have replied, and forget the call."""
        return self.results().collect_n(n)

    def collect_all(self) -> dict[int, Resp]:
        """Read to the end: the reply of each node that did not fail."""
        return self.results().collect_all()

    def _use(self) -> None:
        self._thread.check()
        if self._used:
            raise RuntimeError(f"these responses of {self.method_name} were used already: make the call again")
        self._used = True

    def _send(self) -> ReplyQueue[Resp]:
        config = self._config.asynchronous
        return send_queue(self._method, config, self._request, self._timeout, self._entries, self._progress)

    def _wait(self, need: int | None) -> Resp:
        self._use()
        if self._chained is not None:
            return self._chained.threshold(need)
        return self._thread.send(lambda waiter: self._send_threshold(waiter, need))

    def _future(self, need: int | None) -> Future[Resp]:
        self._use()
        if self._chained is not None:
            return self._chained.start_threshold(need)
        thread = self._thread
        calls: list[ThresholdCall[Resp]] = []

        def send() -> None:
            if not future.cancelled():
                try:
                    calls.append(self._send_threshold(future, need))
                except Exception as error:
                    future.set_exception(error)

        def give_up() -> None:
            for call in calls:
                call.give_up()

        future: CallFuture[Resp] = CallFuture(thread.loop, lambda: thread.submit(give_up))
        thread.submit(send)
        return future

    def _send_threshold(self, future: Outcome[Resp], need: int | None) -> ThresholdCall[Resp]:
        config = self._config.asynchronous
        count = max(self.size, 1) if need is None else need
        return send_threshold_call(future, self._method, config, self._request, count, self._timeout, self._entries)
