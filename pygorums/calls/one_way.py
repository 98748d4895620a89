"""What unicast and multicast share: following one-way messages until the transport has taken them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from google.protobuf.message import Message

from pygorums.base.errors import CallTimeoutError, SendError, SendTimeoutError, StatusError
from pygorums.base.method import Method
from pygorums.calls.active_call import ActiveCall, CallFuture, Resolvable
from pygorums.calls.preparing import encode_request
from pygorums.nodes.call_options import CallOptions
from pygorums.nodes.node import Node, Pool
from pygorums.streams.outgoing import UNOWNED

__all__ = ["one_way", "post", "send_one_way"]


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
        """The transport has taken the message for a node."""
        self._settled.append(node_id)
        if len(self._settled) == len(self._nodes):
            self._settle()

    def fail(self, node_id: int, error: Exception) -> None:
        """The message could not be sent to a node."""
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
        """Forget the call: the time is up."""
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
    try:
        frame = call.frame = encode_request(pool, method, pool.next_seq_no(), request, options)
    except StatusError as error:
        for node in nodes:
            call.fail(node.id, StatusError(error.code(), error.message, node_id=node.id))
    else:
        for node in nodes:
            node.channel.post(frame, call)
    return call


def post(
    method: Method[Any, Any], pool: Pool, nodes: Sequence[Node], request: Message | bytes, options: CallOptions
) -> None:
    """Send a one-way message to nodes of a pool, now, whatever becomes of it."""
    with suppress(StatusError):
        frame = encode_request(pool, method, pool.next_seq_no(), request, options)
        for node in nodes:
            node.channel.post(frame, UNOWNED)


def one_way(
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
