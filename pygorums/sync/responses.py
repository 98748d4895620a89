"""Quorum calls of the blocking facade: what to do with the replies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from typing import Any, Self, TypeVar

from google.protobuf.message import Message

from pygorums.base.method import Method
from pygorums.calls.active_call import Resolvable
from pygorums.calls.correctable import Correctable as AsyncCorrectable
from pygorums.calls.fan_out import send_queue
from pygorums.calls.hedged_call import send_hedged_call
from pygorums.calls.hedging import First, Hedge, Hedging
from pygorums.calls.needs import Need
from pygorums.calls.progress import Progress
from pygorums.calls.reply_queue import ReplyQueue
from pygorums.calls.sequence import Keep, Source
from pygorums.calls.threshold_call import ThresholdCall, send_threshold_call
from pygorums.calls.unused import UsedOnce, made_here
from pygorums.nodes.call_options import CallOptions
from pygorums.quorum.quorums import Quorums
from pygorums.sync.configuration import Configuration, Node
from pygorums.sync.correctable import Correctable
from pygorums.sync.future import CallFuture
from pygorums.sync.intercepted_call import InterceptedCall
from pygorums.sync.sequence import QueueIterator, ResponseSeq

__all__ = ["Responses"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)
R = TypeVar("R")


class Responses(UsedOnce[Resp]):
    """A quorum call that is not sent yet, to be used once: `pygorums.Responses` for the blocking facade.

    The methods have the same names and meaning; those that wait block, and the `async_` methods give a
    `concurrent.futures.Future`. An interrupt, as by Ctrl-C, ends a wait at once and forgets the call.

    Attributes:
        size: The number of nodes in the configuration.
    """

    _intercepted: InterceptedCall[Any, Resp] | None

    def __init__(
        self,
        method: Method[Req, Resp],
        config: Configuration,
        request: Message | bytes,
        options: CallOptions,
    ) -> None:
        self._method = method
        self._config = config
        self._thread = config.thread
        self._request = request
        self._options = options
        self._intercepted = None
        if options.interceptors:
            self._intercept()
        self._made = made_here() if config.thread.loop.get_debug() else None
        self._used = False
        self.size = len(config.asynchronous.nodes)

    def first(self, *, hedge: Hedge | None = None, first: First | None = None) -> Resp:
        """The first successful reply."""
        return self._wait(1, hedge, first)

    def majority(self, *, hedge: Hedge | None = None, first: First | None = None) -> Resp:
        """The first successful reply, once a majority of the nodes has succeeded."""
        return self._wait(self._config.majority, hedge, first)

    def all(self, *, hedge: Hedge | None = None, first: First | None = None) -> Resp:
        """The first successful reply, once all nodes have succeeded."""
        return self._wait(None, hedge, first)

    def threshold(self, n: int, *, hedge: Hedge | None = None, first: First | None = None) -> Resp:
        """The first successful reply, once `n` nodes have succeeded."""
        return self._wait(self._at_least_one(n), hedge, first)

    def quorum(self, quorums: Quorums, *, hedge: Hedge | None = None, first: First | None = None) -> Resp:
        """The first successful reply, once the nodes that have succeeded are a quorum."""
        return self._wait(self._met_by(quorums), hedge, first)

    def async_first(self, *, hedge: Hedge | None = None, first: First | None = None) -> Future[Resp]:
        """As `first`, but sends now and returns the future of the reply."""
        return self._future(1, hedge, first)

    def async_majority(self, *, hedge: Hedge | None = None, first: First | None = None) -> Future[Resp]:
        """As `majority`, but sends now and returns the future of the reply."""
        return self._future(self._config.majority, hedge, first)

    def async_all(self, *, hedge: Hedge | None = None, first: First | None = None) -> Future[Resp]:
        """As `all`, but sends now and returns the future of the reply."""
        return self._future(None, hedge, first)

    def async_threshold(self, n: int, *, hedge: Hedge | None = None, first: First | None = None) -> Future[Resp]:
        """As `threshold`, but sends now and returns the future of the reply."""
        return self._future(self._at_least_one(n), hedge, first)

    def async_quorum(self, quorums: Quorums, *, hedge: Hedge | None = None, first: First | None = None) -> Future[Resp]:
        """As `quorum`, but sends now and returns the future of the reply."""
        return self._future(self._met_by(quorums), hedge, first)

    def correctable(
        self, n: int | Quorums, *, hedge: Hedge | None = None, first: First | None = None
    ) -> Correctable[Resp]:
        """Send now, and watch the replies improve until `n` of them were successful, or those of a quorum."""
        level = self._level(n)
        hedging = self._hedging(hedge, first)
        if hedging is not None:
            self._hedged(self._of_nodes(level), hedging)
        self._use()
        thread = self._thread
        if self._intercepted is not None:
            responses = self._intercepted.start_reading()
            return thread.call(lambda: Correctable(AsyncCorrectable(responses, responses, self._read, level), thread))
        send = self._send

        def start() -> Correctable[Resp]:
            source = Source(send)
            source.start()
            return Correctable(AsyncCorrectable(source, source, self._read, level), thread)

        return thread.call(start)

    def send(self) -> Self:
        """Send now, and let whoever uses the responses later choose how: as `pygorums.Responses.send`."""
        if self._used:
            self._use()  # which says so
        self._thread.check()
        (self._intercepted or self._intercept()).source.start()
        return self

    def results(self) -> ResponseSeq[Resp]:
        """The response of each node as it arrives, errors too. Sends when the first one is asked for."""
        self._use()
        if self._intercepted is not None:
            return ResponseSeq(self._intercepted.responses, self._intercepted.source, self._read, made=self._made)
        source = QueueIterator(self._thread, lambda: self._send)
        return ResponseSeq(source, source, self._read, made=self._made)

    def __iter__(self) -> ResponseSeq[Resp]:
        return self.results()

    def ignore_errors(self) -> ResponseSeq[Resp]:
        """`results()` without errors."""
        return self.results().ignore_errors()

    def filter(self, keep: Keep[Resp]) -> ResponseSeq[Resp]:
        """`results()` for which `keep` is true."""
        return self.results().filter(keep)

    def collect_n(self, n: int, *, hedge: Hedge | None = None, first: First | None = None) -> dict[int, Resp]:
        """Read until `n` nodes have replied, and forget the call."""
        hedging = self._hedging(hedge, first)
        if hedging is not None:
            self._hedged(self._of_nodes(n), hedging)
        return self.results().collect_n(n)

    def collect_all(self) -> dict[int, Resp]:
        """Read to the end: the reply of each node that did not fail."""
        return self.results().collect_all()

    def collect_quorum(
        self,
        n: int | Quorums | None = None,
        check: Callable[[Resp, Node], bool | Awaitable[bool]] | None = None,
        *,
        hedge: Hedge | None = None,
        first: First | None = None,
    ) -> dict[int, Resp]:
        """`ResponseSeq.collect_quorum` of `results()`."""
        hedging = self._hedging(hedge, first)
        if hedging is not None:
            self._hedged(self._level(self._config.majority if n is None else n), hedging)
        return self.results().collect_quorum(n, check)

    def aggregate(self, fn: Callable[[Mapping[int, Resp]], R | None]) -> R:
        """`ResponseSeq.aggregate` of `results()`."""
        return self.results().aggregate(fn)

    @property
    def _read(self) -> Progress:
        # Made when it is needed, for most calls are never read. Of several threads that ask at once all get the same.
        progress: Progress = vars(self).setdefault("_progress", Progress(self._method, self._config))
        return progress

    _how = "with pygorums.sync blocks and is not awaited: call majority(), say, or iterate over it"

    def _intercept(self) -> InterceptedCall[Any, Resp]:
        intercepted = self._intercepted = InterceptedCall(self._method, self._config, self._request, self._options)
        self._progress = intercepted.progress
        return intercepted

    def _use(self) -> None:
        self._thread.check()
        super()._use()

    def _send(self) -> ReplyQueue[Resp]:
        config = self._config.asynchronous
        return send_queue(self._method, config, self._request, self._options, self._read)

    def _wait(self, need: Need, hedge: Hedge | None, first: First | None) -> Resp:
        hedging = self._hedging(hedge, first)
        self._use()
        if self._intercepted is not None:
            return self._intercepted.threshold(need, hedging)
        return self._thread.send(lambda waiter: self._send_threshold(waiter, need, hedging))

    def _future(self, need: Need, hedge: Hedge | None, first: First | None) -> Future[Resp]:
        hedging = self._hedging(hedge, first)
        self._use()
        if self._intercepted is not None:
            return self._intercepted.start_threshold(need, hedging)
        future = _ThresholdFuture(self, need, hedging)
        self._thread.submit(future.send)
        return future

    def _send_threshold(self, future: Resolvable[Resp], need: Need, hedging: Hedging | None) -> ThresholdCall[Resp]:
        config = self._config.asynchronous
        if hedging is not None:
            return send_hedged_call(future, self._method, config, self._request, need, self._options, hedging)
        return send_threshold_call(future, self._method, config, self._request, need, self._options)


class _ThresholdFuture(CallFuture[Resp]):
    """The outcome of a call, which also sends it: a call in flight costs the less the fewer objects it is.

    Args:
        responses: The call.
        need: How many nodes must succeed, or which.
        hedging: Whom to ask first, and when to ask more.
    """

    def __init__(self, responses: Responses[Resp], need: Need, hedging: Hedging | None) -> None:
        CallFuture.__init__(self)  # `super` would cost more
        self._thread = responses._thread
        self._need = need
        self._hedging = hedging
        self._responses: Responses[Resp] | None = responses

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._thread.loop

    def send(self) -> None:
        """Send it, on the loop, if it was not cancelled before."""
        responses, self._responses = self._responses, None  # or the request would be kept as long as the future
        if responses is None or self._forgotten:
            return
        try:
            call = responses._send_threshold(self, self._need, self._hedging)
        except Exception as error:
            self.set_exception(error)
        else:
            if not call.decided:
                self._call = call

    def _forget(self) -> None:
        self._thread.submit(self._give_up)

    def _give_up(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.give_up()
