"""The call functions of the blocking facade, which generated functions reach when they get one of its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from pygorums.base.errors import StatusError
from pygorums.base.metadata import MetadataLike
from pygorums.base.method import Method
from pygorums.calls.active_call import ActiveCall
from pygorums.calls.one_way import post, send_one_way
from pygorums.calls.preparing import check_kind, check_request, serialize
from pygorums.calls.rpc import send_rpc
from pygorums.nodes.call_options import CallOptions
from pygorums.nodes.configuration import Configuration as AsyncConfiguration
from pygorums.sync.configuration import Configuration, Node
from pygorums.sync.intercepted_call import InterceptedCall
from pygorums.sync.responses import Responses
from pygorums.sync.waiter import Waiter

__all__ = ["multicast", "quorum_call", "rpc", "unicast"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


def _check(method: Method[Any, Any], target: Node | Configuration, kind: type[Any], request: Message) -> None:
    check_kind(method, target, kind)
    target.thread.check()
    check_request(method, request)


def _payload(method: Method[Req, Resp], request: Req) -> Req | bytes:
    """The bytes of a request, so that it may be changed once the call returns.

    One that cannot be serialized is passed on as it is, and fails the call where every request is encoded.
    """
    try:
        return serialize(method, request)
    except StatusError:
        return request


def _alone(node: Node) -> Configuration:
    return Configuration(AsyncConfiguration((node.asynchronous,), node.asynchronous.pool), node.thread)


def rpc(
    method: Method[Req, Resp],
    node: Node,
    request: Req,
    timeout: float | None = None,
    metadata: MetadataLike = None,
    interceptors: Sequence[Any] = (),
) -> Resp:
    """Send a request to one node and wait for its reply: `pygorums.calls.rpc.rpc`, blocking."""
    _check(method, node, Node, request)
    target = node.asynchronous
    options = target.pool.options.of_waiting(timeout, metadata, interceptors)
    if options.interceptors:
        return InterceptedCall(method, _alone(node), request, options).rpc()
    payload = _payload(method, request)

    def send(waiter: Waiter[Resp]) -> ActiveCall[Resp]:
        return send_rpc(waiter, method, target, payload, options)

    return node.thread.send(send)


def unicast(
    method: Method[Req, Resp],
    node: Node,
    request: Req,
    timeout: float | None = None,
    metadata: MetadataLike = None,
    interceptors: Sequence[Any] = (),
    ignore_errors: bool = False,
) -> None:
    """Send a one-way message to one node and wait until it is sent: `pygorums.calls.one_way.unicast`, blocking."""
    _check(method, node, Node, request)
    options = node.asynchronous.pool.options.of_sending(timeout, metadata, interceptors)
    _one_way(method, _alone(node), request, options, ignore_errors=ignore_errors)


def multicast(
    method: Method[Req, Resp],
    config: Configuration,
    request: Req,
    timeout: float | None = None,
    metadata: MetadataLike = None,
    interceptors: Sequence[Any] = (),
    ignore_errors: bool = False,
) -> None:
    """Send a one-way message to all nodes and wait until it is sent: `pygorums.calls.one_way.multicast`, blocking."""
    _check(method, config, Configuration, request)
    options = config.asynchronous.options.of_sending(timeout, metadata, interceptors)
    _one_way(method, config, request, options, ignore_errors=ignore_errors)


def _one_way(
    method: Method[Req, Resp], config: Configuration, request: Req, options: CallOptions, *, ignore_errors: bool
) -> None:
    if options.interceptors:
        InterceptedCall(method, config, request, options).one_way(ignore_errors=ignore_errors)
        return
    payload = _payload(method, request)
    pool, nodes = config.asynchronous.pool, config.asynchronous.nodes
    if ignore_errors:
        config.thread.submit(lambda: post(method, pool, nodes, payload, options))
    else:
        config.thread.send(lambda waiter: send_one_way(waiter, method, pool, nodes, payload, options))


def quorum_call(
    method: Method[Req, Resp],
    config: Configuration,
    request: Req,
    timeout: float | None = None,
    metadata: MetadataLike = None,
    interceptors: Sequence[Any] = (),
) -> Responses[Resp]:
    """Prepare a call to all nodes of a configuration: `pygorums.calls.quorum_call.quorum_call` for the facade."""
    _check(method, config, Configuration, request)
    options = config.asynchronous.options.of_waiting(timeout, metadata, interceptors)
    return Responses(method, config, request if options.interceptors else _payload(method, request), options)
