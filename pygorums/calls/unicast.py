"""Unicast: a one-way message to one node."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from google.protobuf.message import Message

from pygorums.base.interceptors import listed_interceptors
from pygorums.base.metadata import MetadataLike, encode_entries
from pygorums.base.method import Method
from pygorums.base.timeout import sending_timeout
from pygorums.calls.intercepted_call import InterceptedCall
from pygorums.calls.interceptors import Interceptor
from pygorums.calls.one_way import one_way
from pygorums.calls.preparing import check_node, check_request, other_world
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node

__all__ = ["unicast"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


def unicast(
    method: Method[Req, Resp],
    node: Node,
    request: Req,
    *,
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
    if type(node) is not Node and (calls := other_world(node)) is not None:
        return calls.unicast(  # type: ignore[no-any-return] # the overloads of generated code know the type
            method,
            node,
            request,
            timeout=timeout,
            metadata=metadata,
            interceptors=interceptors,
            ignore_errors=ignore_errors,
        )
    check_node(method, node)
    check_request(method, request)
    timeout = sending_timeout(timeout)
    config = Configuration((node,), node.pool)
    if interceptors or node.pool.interceptors:
        interceptors = (*node.pool.interceptors, *listed_interceptors(interceptors))
        intercepted = InterceptedCall(method, config, request, timeout, metadata, interceptors)
        return intercepted.start_one_way(ignore_errors=ignore_errors)
    entries = encode_entries(metadata) if metadata else b""
    return one_way(method, config, request, entries, timeout, ignore_errors=ignore_errors)
