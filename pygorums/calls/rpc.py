"""RPC: a call to one node that waits for its reply."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from google.protobuf.message import Message

from pygorums.base.errors import CallTimeoutError, StatusError
from pygorums.base.interceptors import listed_interceptors
from pygorums.base.metadata import MetadataLike, encode_entries
from pygorums.base.method import Method
from pygorums.base.timeout import waiting_timeout
from pygorums.calls.active_call import ActiveCall, CallFuture, Resolvable
from pygorums.calls.intercepted_call import InterceptedCall
from pygorums.calls.interceptors import Interceptor
from pygorums.calls.preparing import check_node, check_request, encode_request, other_world
from pygorums.calls.response import parse_reply
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node

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
        """The node replied."""
        try:
            self.succeed(parse_reply(self._method, payload, node_id))
        except StatusError as error:
            self.lose(error)

    def fail(self, node_id: int, error: Exception) -> None:  # noqa: ARG002 - there is only one node
        """The node failed."""
        if not self.decided:
            self.lose(error)

    def end(self, node_id: int) -> None:
        """Only streaming calls are ended by their nodes."""

    def forget(self) -> None:
        """Expect no reply any more."""
        self._node.channel.give_up(self._seq_no)

    def timeout_error(self) -> Exception:
        """Forget the call: the time is up."""
        self.forget()
        node = self._node
        return CallTimeoutError(f"no reply from {node.address} within {self.timeout} s", node_id=node.id)


def send_rpc(
    future: Resolvable[Resp],
    method: Method[Req, Resp],
    node: Node,
    request: Req | bytes,
    timeout: float | None,
    entries: bytes,
) -> ActiveCall[Resp]:
    """Send a request, or its bytes, to one node, now, and resolve `future` with its reply."""
    pool = node.pool
    seq_no = pool.next_seq_no()
    call = _RpcCall(future, method, node, seq_no, timeout)
    try:
        call.frame = encode_request(pool, method, seq_no, request, entries, timeout)
    except StatusError as error:
        call.lose(error)
    else:
        node.channel.request(seq_no, call)
    return call


def rpc(
    method: Method[Req, Resp],
    node: Node,
    request: Req,
    *,
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
    if type(node) is not Node and (calls := other_world(node)) is not None:
        return calls.rpc(  # type: ignore[no-any-return] # the overloads of generated code know the type
            method, node, request, timeout=timeout, metadata=metadata, interceptors=interceptors
        )
    check_node(method, node)
    check_request(method, request)
    timeout = waiting_timeout(timeout)
    if interceptors or node.pool.interceptors:
        interceptors = (*node.pool.interceptors, *listed_interceptors(interceptors))
        config = Configuration([node], node.pool)
        return InterceptedCall(method, config, request, timeout, metadata, interceptors).start_rpc()
    entries = encode_entries(metadata) if metadata else b""
    future: CallFuture[Resp] = CallFuture(loop=node.pool.loop)
    send_rpc(future, method, node, request, timeout, entries)
    return future
