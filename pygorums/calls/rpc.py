"""RPC: a call to one node that waits for its reply."""

from __future__ import annotations

import asyncio
from asyncio import _get_running_loop
from collections.abc import Sequence
from typing import TypeVar

from google.protobuf.message import Message

from pygorums.base.errors import CallTimeoutError, StatusError
from pygorums.base.metadata import MetadataLike
from pygorums.base.method import Method
from pygorums.calls.active_call import ActiveCall, CallFuture, Resolvable
from pygorums.calls.intercepted_call import InterceptedCall
from pygorums.calls.interceptors import Interceptor
from pygorums.calls.preparing import check_request, check_target, encode_request
from pygorums.calls.response import parse_reply
from pygorums.nodes.call_options import CallOptions
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node
from pygorums.streams.pending import PendingCall

__all__ = ["rpc", "send_rpc"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class _RpcCall(ActiveCall[Resp]):
    __slots__ = ("_method", "_node", "_seq_no")

    def __init__(
        self, future: Resolvable[Resp], method: Method[Req, Resp], node: Node, seq_no: int, timeout: float | None
    ) -> None:
        ActiveCall.__init__(self, future, timeout)  # `super` would cost more
        self._method = method
        self._node = node
        self._seq_no = seq_no

    def deliver(self, node_id: int, payload: bytes) -> None:
        try:
            self.succeed(parse_reply(self._method, payload, node_id))
        except StatusError as error:
            self.lose(error)

    def fail(self, node_id: int, error: Exception) -> None:  # noqa: ARG002 - there is only one node
        if not self.decided:
            self.lose(error)

    def end(self, node_id: int) -> None:
        """Only streaming calls are ended by their nodes."""

    def forget(self) -> None:
        self._node.channel.give_up(self._seq_no)

    def timeout_error(self) -> Exception:
        self.forget()
        node = self._node
        return CallTimeoutError(f"no reply from {node.address} within {self.timeout} s", node_id=node.id)


def send_rpc(
    future: Resolvable[Resp],
    method: Method[Req, Resp],
    node: Node,
    request: Req | bytes,
    options: CallOptions,
) -> ActiveCall[Resp]:
    """Send a request, or its bytes, to one node, now, and resolve `future` with its reply."""
    pool = node.pool
    seq_no = pool.next_seq_no()
    call = _RpcCall(future, method, node, seq_no, options.timeout)
    told: PendingCall = call
    if pool.observers.call is not None:
        told = pool.observers.call(call, method, (node,))
    try:
        call.frame = encode_request(pool, method, seq_no, request, options, call.frame)
    except StatusError as error:
        call.lose(error)
    else:
        node.channel.request(seq_no, told)
    return call


def rpc(
    method: Method[Req, Resp],
    node: Node,
    request: Req,
    timeout: float | None = None,
    metadata: MetadataLike = None,
    interceptors: Sequence[Interceptor[Req, Resp]] = (),
) -> asyncio.Future[Resp]:
    """Send a request to one node, now, and return the future of its reply. Generated functions call this.

    Args:
        method: The method, of a generated module.
        node: The node to ask.
        request: The request; it may be changed once this returns.
        timeout: Seconds from now until the call fails; None for what is left to the handler that makes the call, if
            it has a deadline, or else for no limit, as `math.inf`.
        metadata: Sent with this message; the handler sees it.
        interceptors: Wrapped around the call.

    Raises, from the future:
        StatusError: What the node answered; `NodeClosedError` or `StreamDownError` if it cannot be reached.
        CallTimeoutError: The time was up: a `StatusError` and a `TimeoutError`.

    Raises, at once:
        TypeError, ValueError: An argument is of the wrong kind.
        RuntimeError: Called outside the node's event loop.
    """
    if type(node) is not Node or node.pool.loop is not _get_running_loop():
        check_target(method, node, Node)  # says what is wrong
    if type(request) is not method.request_class:
        check_request(method, request)
    pool = node.pool
    options = pool.options.of_waiting(timeout, metadata, interceptors)
    if options.interceptors:
        return InterceptedCall(method, Configuration((node,), pool), request, options).start_rpc()
    future: CallFuture[Resp] = CallFuture(loop=pool.loop)
    send_rpc(future, method, node, request, options)
    return future
