"""The call functions of the blocking facade, which generated functions reach when they get one of its nodes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from pygorums.base.metadata import MetadataLike, encode_entries
from pygorums.base.method import Method
from pygorums.base.timeout import check_timeout
from pygorums.calls.future import FutureCall
from pygorums.calls.one_way import post, send_one_way
from pygorums.calls.preparing import check_request, serialize
from pygorums.calls.rpc import send_rpc
from pygorums.nodes.configuration import Configuration as AsyncConfiguration
from pygorums.sync.chained import ChainedCall
from pygorums.sync.configuration import Configuration, Node
from pygorums.sync.loop_thread import LoopThread
from pygorums.sync.responses import Responses
from pygorums.sync.waiter import Waiter

__all__ = ["multicast", "quorum_call", "rpc", "unicast"]

T = TypeVar("T")
Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


def _blocking(thread: LoopThread, send: Callable[[Waiter[T]], FutureCall[T]]) -> T:
    waiter: Waiter[T] = Waiter(thread.loop)
    calls: list[FutureCall[T]] = []
    thread.submit(lambda: calls.append(send(waiter)))
    return waiter.wait(lambda: thread.submit(lambda: calls[0].give_up()))


def _alone(node: Node) -> Configuration:
    return Configuration(AsyncConfiguration((node.asynchronous,), node.asynchronous.pool), node.thread)


def rpc(
    method: Method[Req, Resp],
    node: Node,
    request: Req,
    *,
    timeout: float | None = None,
    metadata: MetadataLike = None,
    interceptors: Sequence[Any] = (),
) -> Resp:
    """Send a request to one node and wait for its reply: `pygorums.calls.rpc.rpc`, blocking."""
    node.thread.check()
    check_request(method, request)
    check_timeout(timeout)
    interceptors = (*node.asynchronous.pool.interceptors, *interceptors)
    if interceptors:
        return ChainedCall(method, _alone(node), request, timeout, metadata, interceptors).rpc()
    entries = encode_entries(metadata) if metadata else b""
    payload = serialize(method, request)
    target = node.asynchronous

    def send(waiter: Waiter[Resp]) -> FutureCall[Resp]:
        return send_rpc(waiter, method, target, payload, timeout, entries)

    reply: Resp = _blocking(node.thread, send)
    return reply


def unicast(
    method: Method[Req, Resp],
    node: Node,
    request: Req,
    *,
    timeout: float | None = None,
    metadata: MetadataLike = None,
    interceptors: Sequence[Any] = (),
    ignore_errors: bool = False,
) -> None:
    """Send a one-way message to one node and wait until it is sent: `pygorums.calls.unicast.unicast`, blocking."""
    if not isinstance(node, Node):
        raise TypeError(f"{method.name} is a unicast and takes a Node, not {type(node).__name__}")
    _one_way(method, _alone(node), request, timeout, metadata, interceptors, ignore_errors=ignore_errors)


def multicast(
    method: Method[Req, Resp],
    config: Configuration,
    request: Req,
    *,
    timeout: float | None = None,
    metadata: MetadataLike = None,
    interceptors: Sequence[Any] = (),
    ignore_errors: bool = False,
) -> None:
    """Send a one-way message to all nodes and wait until it is sent: `pygorums.calls.multicast.multicast`, blocking."""
    _one_way(method, config, request, timeout, metadata, interceptors, ignore_errors=ignore_errors)


def _one_way(
    method: Method[Req, Resp],
    config: Configuration,
    request: Req,
    timeout: float | None,
    metadata: MetadataLike,
    interceptors: Sequence[Any],
    *,
    ignore_errors: bool,
) -> None:
    config.thread.check()
    check_request(method, request)
    target = config.asynchronous
    if target.defaults is not None:
        timeout, metadata, interceptors = target.defaults.applied(timeout, metadata, interceptors)
    check_timeout(timeout)
    interceptors = (*target.pool.interceptors, *interceptors)
    if interceptors:
        chained = ChainedCall(method, config, request, timeout, metadata, interceptors)
        chained.one_way(ignore_errors=ignore_errors)
        return
    entries = encode_entries(metadata) if metadata else b""
    payload = serialize(method, request)
    if ignore_errors:
        config.thread.submit(lambda: post(method, target, payload, entries))
        return
    _blocking(config.thread, lambda waiter: send_one_way(waiter, method, target, payload, entries, timeout))


def quorum_call(
    method: Method[Req, Resp],
    config: Configuration,
    request: Req,
    *,
    timeout: float | None = None,
    metadata: MetadataLike = None,
    interceptors: Sequence[Any] = (),
) -> Responses[Resp]:
    """Prepare a call to all nodes of a configuration: `pygorums.calls.responses.quorum_call` for the facade."""
    config.thread.check()
    check_request(method, request)
    target = config.asynchronous
    if target.defaults is not None:
        timeout, metadata, interceptors = target.defaults.applied(timeout, metadata, interceptors)
    check_timeout(timeout)
    interceptors = (*target.pool.interceptors, *interceptors)
    if interceptors:
        chained = ChainedCall(method, config, request, timeout, metadata, interceptors)
        return Responses(method, config, b"", timeout, b"", chained)
    entries = encode_entries(metadata) if metadata else b""
    return Responses(method, config, serialize(method, request), timeout, entries, None)


# Generated functions take nodes of both worlds, and find these functions through the classes of this one.
Node.__gorums_calls__ = Configuration.__gorums_calls__ = sys.modules[__name__]
