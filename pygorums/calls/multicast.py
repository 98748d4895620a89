"""Multicast: a one-way message to every node of a configuration."""

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
from pygorums.calls.preparing import check_configuration, check_request, other_world
from pygorums.nodes.configuration import Configuration

__all__ = ["multicast"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


def multicast(
    method: Method[Req, Resp],
    config: Configuration,
    request: Req,
    *,
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
    if type(config) is not Configuration and (calls := other_world(config)) is not None:
        return calls.multicast(  # type: ignore[no-any-return] # the overloads of generated code know the type
            method,
            config,
            request,
            timeout=timeout,
            metadata=metadata,
            interceptors=interceptors,
            ignore_errors=ignore_errors,
        )
    check_configuration(method, config)
    check_request(method, request)
    if config.defaults is not None:
        timeout, metadata, interceptors = config.defaults.applied(timeout, metadata, interceptors)
    timeout = sending_timeout(timeout)
    if interceptors or config.pool.interceptors:
        interceptors = (*config.pool.interceptors, *listed_interceptors(interceptors))
        intercepted = InterceptedCall(method, config, request, timeout, metadata, interceptors)
        return intercepted.start_one_way(ignore_errors=ignore_errors)
    entries = encode_entries(metadata) if metadata else b""
    return one_way(method, config, request, entries, timeout, ignore_errors=ignore_errors)
