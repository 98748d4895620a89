"""Multicast: a one-way message to every node of a configuration."""

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
from pygorums.calls.preparing import check_configuration, check_request
from pygorums.nodes.configuration import Configuration

__all__ = ["multicast"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


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
        check_configuration(method, config)  # says what is wrong
    if type(request) is not method.request_class:
        check_request(method, request)
    options = config.options.of_sending(timeout, metadata, interceptors)
    if options.interceptors:
        return InterceptedCall(method, config, request, options).start_one_way(ignore_errors=ignore_errors)
    return one_way(method, config.pool, config.nodes, request, options, ignore_errors=ignore_errors)
