"""One-way messages, to one node or to several: followed until the transport has taken them, and no further."""

from __future__ import annotations

import asyncio
from asyncio import _get_running_loop
from collections.abc import Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from pygorums.base.errors import CallTimeoutError, SendError, SendTimeoutError, StatusError
from pygorums.base.metadata import MetadataLike
from pygorums.base.method import Method
from pygorums.base.observing import CallObservation, observer_failed
from pygorums.calls.active_call import ActiveCall, CallFuture, Resolvable
from pygorums.calls.intercepted_call import InterceptedCall
from pygorums.calls.interceptors import Interceptor
from pygorums.calls.preparing import check_request, check_target, encode_request
from pygorums.nodes.call_options import CallOptions
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node, Pool
from pygorums.streams.outgoing import IGNORED, Outgoing

__all__ = ["multicast", "post", "send_one_way", "unicast"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class _OneWayCall(ActiveCall[None]):
    """A one-way message under way to some nodes."""

    __slots__ = ("_method", "_node_errors", "_nodes", "_settled")
    one_way = True

    def __init__(
        self, future: Resolvable[None], method: Method[Any, Any], nodes: Sequence[Node], timeout: float | None
    ) -> None:
        ActiveCall.__init__(self, future, timeout)  # `super` would cost more
        self._method = method
        self._nodes = nodes
        self._node_errors: dict[int, Exception] = {}
        self._settled: list[int] = []  # the nodes of which it is known whether it was sent to them
        if not nodes:
            self.succeed(None)

    def sent(self, node_id: int) -> None:
        self._settled.append(node_id)
        if len(self._settled) == len(self._nodes):
            self._settle()

    def fail(self, node_id: int, error: Exception) -> None:
        self._settled.append(node_id)
        self._node_errors[node_id] = error
        if len(self._settled) == len(self._nodes):
            self._settle()

    def _settle(self) -> None:
        if self.decided:
            return
        if not self._node_errors:
            self.succeed(None)
        else:
            self.lose(SendError(self._method.name, self._node_errors, len(self._nodes) - len(self._node_errors)))

    def forget(self) -> None:
        """What was not sent yet never will be."""
        for node in self._nodes:
            if node.id not in self._settled:
                node.channel.withdraw()

    def timeout_error(self) -> Exception:
        self.forget()
        for node in self._nodes:
            if node.id not in self._settled:
                text = f"not sent to {node.address} within {self.timeout} s"
                self._node_errors[node.id] = CallTimeoutError(text, node_id=node.id)
        return SendTimeoutError(self._method.name, self._node_errors, len(self._nodes) - len(self._node_errors))


def send_one_way(
    future: Resolvable[None],
    method: Method[Any, Any],
    pool: Pool,
    nodes: Sequence[Node],
    request: Message | bytes,
    options: CallOptions,
) -> ActiveCall[None]:
    """Send a one-way message, or its bytes, to nodes of a pool, now; `future` is done when it is sent."""
    call = _OneWayCall(future, method, nodes, options.timeout)
    told: Outgoing = call
    if pool.observers.call is not None:
        told = pool.observers.call(call, method, nodes)
    try:
        frame = call.frame = encode_request(pool, method, pool.next_seq_no(), request, options, call.frame)
    except StatusError as error:
        for node in nodes:
            told.fail(node.id, StatusError(error.code(), error.message, node_id=node.id))
    else:
        for node in nodes:
            node.channel.post(frame, told)
    return call


class _Posted:
    """A one-way message that nobody follows."""

    observed: CallObservation | None = None
    decided = False
    frame = b""


def post(
    method: Method[Any, Any], pool: Pool, nodes: Sequence[Node], request: Message | bytes, options: CallOptions
) -> None:
    """Send a one-way message to nodes of a pool, now, whatever becomes of it."""
    posted: _Posted | None = None
    if pool.observers.call is not None:
        posted = _Posted()
        pool.observers.call(posted, method, nodes)
    failure: StatusError | None = None
    try:
        frame = encode_request(
            pool, method, pool.next_seq_no(), request, options, b"" if posted is None else posted.frame
        )
    except StatusError as error:
        failure = error
    else:
        for node in nodes:
            node.channel.post(frame, IGNORED)
    if posted is not None and posted.observed is not None:
        try:
            posted.observed.ended(0.0, failure)
        except Exception:
            observer_failed()


def unicast(
    method: Method[Req, Resp],
    node: Node,
    request: Req,
    timeout: float | None = None,
    metadata: MetadataLike = None,
    interceptors: Sequence[Interceptor[Req, Resp]] = (),
    ignore_errors: bool = False,
) -> asyncio.Future[None]:
    """Send a one-way message to one node, now. Generated functions call this.

    The future is done when the transport has taken the message, which does not mean that the node has it.
    To await it is the natural brake for a sender that is faster than the network.

    Args:
        method: The method, of a generated module.
        node: The node to send to.
        request: The message; it may be changed once this returns.
        timeout: Seconds from now until the future fails; None for no limit.
        metadata: Sent with this message; the handler sees it.
        interceptors: Wrapped around the call; they see a response without a value.
        ignore_errors: Wait for nothing: the future is done at once, whatever becomes of the message.

    Raises, from the future:
        SendError: The message could not be sent; it holds the node's error.
        SendTimeoutError: The same, because the time was up: a `TimeoutError` too.

    Raises, at once:
        TypeError, ValueError: An argument is of the wrong kind.
        RuntimeError: Called outside the node's event loop.
    """
    if type(node) is not Node or node.pool.loop is not _get_running_loop():
        check_target(method, node, Node)  # says what is wrong
    if type(request) is not method.request_class:
        check_request(method, request)
    pool = node.pool
    options = pool.options.of_sending(timeout, metadata, interceptors)
    if options.interceptors:
        config = Configuration((node,), pool)
        return InterceptedCall(method, config, request, options).start_one_way(ignore_errors=ignore_errors)
    return _one_way(method, pool, (node,), request, options, ignore_errors=ignore_errors)


def multicast(
    method: Method[Req, Resp],
    config: Configuration,
    request: Req,
    timeout: float | None = None,
    metadata: MetadataLike = None,
    interceptors: Sequence[Interceptor[Req, Resp]] = (),
    ignore_errors: bool = False,
) -> asyncio.Future[None]:
    """Send a one-way message to all nodes of a configuration, now. Generated functions call this.

    The future is done when the transport has taken the message for every node, or has failed for it.

    Args:
        method: The method, of a generated module.
        config: The nodes to send to.
        request: The message; it may be changed once this returns.
        timeout: Seconds from now until the future fails; None for no limit.
        metadata: Sent with this message; handlers see it.
        interceptors: Wrapped around the call; they see a response without a value from each node.
        ignore_errors: Wait for nothing: the future is done at once, whatever becomes of the message.

    Raises, from the future:
        SendError: It could not be sent to one or more nodes, whose errors it holds; all others got it.
        SendTimeoutError: The same, because the time was up: a `TimeoutError` too.

    Raises, at once:
        TypeError, ValueError: An argument is of the wrong kind.
        RuntimeError: Called outside the configuration's event loop.
    """
    if type(config) is not Configuration or config.pool.loop is not _get_running_loop():
        check_target(method, config, Configuration)  # says what is wrong
    if type(request) is not method.request_class:
        check_request(method, request)
    options = config.options.of_sending(timeout, metadata, interceptors)
    if options.interceptors:
        return InterceptedCall(method, config, request, options).start_one_way(ignore_errors=ignore_errors)
    return _one_way(method, config.pool, config.nodes, request, options, ignore_errors=ignore_errors)


def _one_way(
    method: Method[Any, Any],
    pool: Pool,
    nodes: Sequence[Node],
    request: Message,
    options: CallOptions,
    *,
    ignore_errors: bool,
) -> asyncio.Future[None]:
    """Send a one-way message, now; the future of having sent it. With `ignore_errors` it is done at once."""
    future: CallFuture[None] = CallFuture(loop=pool.loop)
    if ignore_errors:
        post(method, pool, nodes, request, options)
        future.set_result(None)
    else:
        send_one_way(future, method, pool, nodes, request, options)
    return future
