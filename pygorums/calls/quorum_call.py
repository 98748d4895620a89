"""What a quorum call returns: the choice of how to aggregate its replies."""

from __future__ import annotations

import asyncio
from asyncio import _get_running_loop
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from sys import get_coroutine_origin_tracking_depth
from typing import Any, Self, TypeVar

from google.protobuf.message import Message

from pygorums.base.metadata import MetadataLike
from pygorums.base.method import Method
from pygorums.calls.active_call import CallFuture
from pygorums.calls.correctable import Correctable
from pygorums.calls.fan_out import send_queue
from pygorums.calls.hedged_call import send_hedged_call
from pygorums.calls.hedging import First, Hedge, Hedging
from pygorums.calls.intercepted_call import InterceptedCall
from pygorums.calls.interceptors import Interceptor
from pygorums.calls.needs import Need
from pygorums.calls.preparing import check_request, check_target
from pygorums.calls.progress import Progress
from pygorums.calls.reply_queue import ReplyQueue
from pygorums.calls.sequence import Keep, ResponseSeq, Source
from pygorums.calls.shielded import ShieldedResponses
from pygorums.calls.threshold_call import send_threshold_call
from pygorums.calls.unused import UsedOnce, made_here
from pygorums.nodes.call_options import CallOptions
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node
from pygorums.quorum.quorums import Quorums

__all__ = ["Responses", "quorum_call"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)
R = TypeVar("R")


class Responses(UsedOnce[Resp]):
    """A quorum call that is not sent yet, to be used once.

    Nothing leaves until a method that waits is awaited or iteration starts; the `async_` methods and
    `correctable` send during their call. All of them raise `RuntimeError` if the responses were used before.

    A method that waits for a number of nodes gives the first successful reply, and raises `IncompleteError`
    as soon as that number cannot be reached any more, `QuorumTimeoutError` when the time is up. Cancelling it
    forgets the call at once.

    All nodes are asked at once, unless ``hedge=`` says after how many seconds: then the fastest that are enough are
    asked first, or those that ``first=`` says or chooses, as ``strategy.reads`` does. A node that fails is replaced at
    once; and each time so many seconds have passed, or the ``"p95"`` of the latencies of those that were asked first,
    as few further nodes are asked as can be enough without those that are silent. It takes a method whose .proto says
    by its ``idempotency_level`` that a request may arrive late; otherwise it is a `ConfigurationError`.

    Attributes:
        size: The number of nodes in the configuration.
    """

    __slots__ = ("_progress",)
    _intercepted: InterceptedCall[Any, Resp] | None

    def __init__(
        self,
        method: Method[Req, Resp],
        config: Configuration,
        request: Req,
        options: CallOptions,
    ) -> None:
        self._method = method
        self._config = config
        self._request = request
        self._options = options
        self._intercepted = None
        self._progress: Progress | None = None
        if options.interceptors:
            self._intercept()
        self._made = made_here() if get_coroutine_origin_tracking_depth() else None
        self.size = len(config.nodes)
        self._used = False

    # These four are coroutine functions without a coroutine of their own: each level costs a step at every call. They
    # count as used when they are called: that a coroutine was not awaited Python says itself.

    def first(self, *, hedge: Hedge | None = None, first: First | None = None) -> Coroutine[Any, Any, Resp]:
        """The first successful reply.

        Raises:
            IncompleteError: All nodes have failed.
        """
        if hedge is not None or first is not None:
            return self._wait_hedged(1, hedge, first)
        if self._used:
            self._use()
        self._used = True
        return self._wait(1)

    def majority(self, *, hedge: Hedge | None = None, first: First | None = None) -> Coroutine[Any, Any, Resp]:
        """The first successful reply, once a majority (``size // 2 + 1``) of the nodes has succeeded.

        Raises:
            IncompleteError: So many nodes have failed that no majority is left.
        """
        if hedge is not None or first is not None:
            return self._wait_hedged(self._config.majority, hedge, first)
        if self._used:
            self._use()
        self._used = True
        return self._wait(self._config.majority)

    def all(self, *, hedge: Hedge | None = None, first: First | None = None) -> Coroutine[Any, Any, Resp]:
        """The first successful reply, once all nodes have succeeded.

        With an interceptor that leaves nodes out, all that were asked.

        Raises:
            IncompleteError: A node has failed.
        """
        if hedge is not None or first is not None:
            return self._wait_hedged(None, hedge, first)
        if self._used:
            self._use()
        self._used = True
        return self._wait(None)

    def threshold(self, n: int, *, hedge: Hedge | None = None, first: First | None = None) -> Coroutine[Any, Any, Resp]:
        """The first successful reply, once `n` nodes have succeeded.

        Raises:
            ValueError: `n` is less than 1.
            IncompleteError: Too few nodes are left, or there are fewer than `n`: then nothing is sent.
        """
        return self._wait_hedged(self._at_least_one(n), hedge, first)

    def quorum(
        self, quorums: Quorums, *, hedge: Hedge | None = None, first: First | None = None
    ) -> Coroutine[Any, Any, Resp]:
        """The first successful reply, once the nodes that have succeeded are a quorum.

        These say which are: ``system.reads``, say. Replies of nodes that are in none of them do not count.

        Raises:
            IncompleteError: So many nodes have failed that no quorum is left.
            ConfigurationError: A node of the quorums is not in the configuration.
            TypeError: These are no quorums.
        """
        need = self._met_by(quorums)
        if hedge is not None or first is not None:
            return self._wait_hedged(need, hedge, first)
        self._use()
        return self._wait(need)

    def async_first(self, *, hedge: Hedge | None = None, first: First | None = None) -> asyncio.Future[Resp]:
        """As `first`, but sends now and returns the future of the reply."""
        return self._future(1, hedge, first)

    def async_majority(self, *, hedge: Hedge | None = None, first: First | None = None) -> asyncio.Future[Resp]:
        """As `majority`, but sends now and returns the future of the reply."""
        return self._future(self._config.majority, hedge, first)

    def async_all(self, *, hedge: Hedge | None = None, first: First | None = None) -> asyncio.Future[Resp]:
        """As `all`, but sends now and returns the future of the reply."""
        return self._future(None, hedge, first)

    def async_threshold(
        self, n: int, *, hedge: Hedge | None = None, first: First | None = None
    ) -> asyncio.Future[Resp]:
        """As `threshold`, but sends now and returns the future of the reply."""
        return self._future(self._at_least_one(n), hedge, first)

    def async_quorum(
        self, quorums: Quorums, *, hedge: Hedge | None = None, first: First | None = None
    ) -> asyncio.Future[Resp]:
        """As `quorum`, but sends now and returns the future of the reply."""
        return self._future(self._met_by(quorums), hedge, first)

    def correctable(
        self, n: int | Quorums, *, hedge: Hedge | None = None, first: First | None = None
    ) -> Correctable[Resp]:
        """Send now, and watch the replies improve until `n` of them were successful, or those of a quorum.

        Raises:
            ValueError: `n` is less than 1.
            ConfigurationError: A node of the quorums is not in the configuration.
        """
        level = self._level(n)
        hedging = self._hedging(hedge, first)
        if hedging is not None:
            self._hedged(self._of_nodes(level), hedging)
        self._use()
        intercepted = self._intercepted
        if intercepted is not None:
            intercepted.source.start()
            return Correctable(intercepted.responses, intercepted.source, intercepted.progress, level)
        source = Source(self._send)
        source.start()
        return Correctable(source, source, self._read, level)

    def send(self) -> Self:
        """Send now, and let whoever uses the responses later choose how to aggregate the replies.

        The call's time begins now. Nothing else changes: the responses are used once, and forgotten with their last
        reference.

        Returns:
            The same responses.
        """
        if self._used:
            self._use()  # which says so
        (self._intercepted or self._intercept()).source.start()
        return self

    def results(self) -> ResponseSeq[Resp]:
        """The response of each node as it arrives, errors too. Sends when the first one is asked for."""
        self._use()
        intercepted = self._intercepted
        if intercepted is not None:
            shielded = ShieldedResponses(intercepted.responses, intercepted.source)
            return ResponseSeq(shielded, shielded, intercepted.progress, made=self._made)
        source = Source(self._send)
        return ResponseSeq(source, source, self._read, made=self._made)

    def __aiter__(self) -> ResponseSeq[Resp]:
        return self.results()

    def ignore_errors(self) -> ResponseSeq[Resp]:
        """`results()` without errors."""
        return self.results().ignore_errors()

    def filter(self, keep: Keep[Resp]) -> ResponseSeq[Resp]:
        """`results()` for which `keep` is true."""
        return self.results().filter(keep)

    def collect_n(
        self, n: int, *, hedge: Hedge | None = None, first: First | None = None
    ) -> Coroutine[Any, Any, dict[int, Resp]]:
        """`ResponseSeq.collect_n` of `results()`."""
        hedging = self._hedging(hedge, first)
        if hedging is not None:
            self._hedged(self._of_nodes(n), hedging)
        return self.results().collect_n(n)

    def collect_all(self) -> Coroutine[Any, Any, dict[int, Resp]]:
        """`ResponseSeq.collect_all` of `results()`."""
        return self.results().collect_all()

    def collect_quorum(
        self,
        n: int | Quorums | None = None,
        check: Callable[[Resp, Node], bool | Awaitable[bool]] | None = None,
        *,
        hedge: Hedge | None = None,
        first: First | None = None,
    ) -> Coroutine[Any, Any, dict[int, Resp]]:
        """`ResponseSeq.collect_quorum` of `results()`."""
        hedging = self._hedging(hedge, first)
        if hedging is not None:
            self._hedged(self._level(self._config.majority if n is None else n), hedging)
        return self.results().collect_quorum(n, check)

    def aggregate(self, fn: Callable[[Mapping[int, Resp]], R | None]) -> Coroutine[Any, Any, R]:
        """`ResponseSeq.aggregate` of `results()`."""
        return self.results().aggregate(fn)

    @property
    def _read(self) -> Progress:
        if self._progress is None:
            self._progress = Progress(self._method, self._config)
        return self._progress

    def _intercept(self) -> InterceptedCall[Any, Resp]:
        intercepted = self._intercepted = InterceptedCall(self._method, self._config, self._request, self._options)
        self._progress = intercepted.progress
        return intercepted

    def _wait_hedged(self, need: Need, hedge: Hedge | None, first: First | None) -> Coroutine[Any, Any, Resp]:
        hedging = self._hedging(hedge, first)
        self._use()
        return self._wait(need, hedging)

    async def _wait(self, need: Need, hedging: Hedging | None = None) -> Resp:
        if self._intercepted is not None:
            return await self._intercepted.start_threshold(need, hedging)
        # A plain future is the fastest; here we see for ourselves that it is cancelled.
        config = self._config
        future: asyncio.Future[Resp] = asyncio.Future(loop=config.pool.loop)
        if hedging is None:
            call = send_threshold_call(future, self._method, config, self._request, need, self._options)
        else:
            call = send_hedged_call(future, self._method, config, self._request, need, self._options, hedging)
        try:
            return await future
        except asyncio.CancelledError:
            call.give_up()
            raise

    def _future(self, need: Need, hedge: Hedge | None, first: First | None) -> asyncio.Future[Resp]:
        hedging = self._hedging(hedge, first)
        self._use()
        if self._intercepted is not None:
            return self._intercepted.start_threshold(need, hedging)
        future: CallFuture[Resp] = CallFuture(loop=self._config.pool.loop)
        if hedging is None:
            send_threshold_call(future, self._method, self._config, self._request, need, self._options)
        else:
            send_hedged_call(future, self._method, self._config, self._request, need, self._options, hedging)
        return future

    def _send(self) -> ReplyQueue[Resp]:
        return send_queue(self._method, self._config, self._request, self._options, self._read)


def quorum_call(
    method: Method[Req, Resp],
    config: Configuration,
    request: Req,
    timeout: float | None = None,
    metadata: MetadataLike = None,
    interceptors: Sequence[Interceptor[Req, Resp]] = (),
) -> Responses[Resp]:
    """Prepare a call to all nodes of a configuration; how its replies are aggregated is chosen on the result.

    Generated functions call this.

    Args:
        method: The method, of a generated module.
        config: The nodes.
        request: The request; it must not change until the call is sent.
        timeout: Seconds from sending until the call ends; None for what is left to the handler that makes the call, if
            it has a deadline, or else for no limit, as `math.inf`.
        metadata: Sent with this message; handlers see it.
        interceptors: Wrapped around the call, the first one innermost.

    Raises:
        TypeError, ValueError: An argument is of the wrong kind.
        RuntimeError: Called outside the configuration's event loop.
    """
    if type(config) is not Configuration or config.pool.loop is not _get_running_loop():
        check_target(method, config, Configuration)  # says what is wrong
    if type(request) is not method.request_class:
        check_request(method, request)
    return Responses(method, config, request, config.options.of_waiting(timeout, metadata, interceptors))
