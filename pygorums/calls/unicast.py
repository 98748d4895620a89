"""Unicast: a one-way message to one node."""

from __future__ import annotations

import asyncio
from asyncio import _get_running_loop
from collections.abc import Sequence
from typing import TypeVar

from google.protobuf.message import Message

from pygorums.base.metadata import MetadataLike
from pygorums.base.method import Method
from pygorums.calls.intercepted_call import InterceptedCall
from pygorums.calls.interceptors import Interceptor
from pygorums.calls.one_way import one_way
from pygorums.calls.preparing import check_node, check_request
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node

__all__ = ["unicast"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


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
        check_node(method, node)  # says what is wrong
    if type(request) is not method.request_class:
        check_request(method, request)
    pool = node.pool
    options = pool.options.of_sending(timeout, metadata, interceptors)
    if options.interceptors:
        config = Configuration((node,), pool)
        return InterceptedCall(method, config, request, options).start_one_way(ignore_errors=ignore_errors)
    return one_way(method, pool, (node,), request, options, ignore_errors=ignore_errors)
