"""The call functions of the blocking facade, which generated functions reach when they get one of its nodes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from pygorums.base.errors import StatusError
from pygorums.base.interceptors import listed_interceptors
from pygorums.base.metadata import MetadataLike, encode_entries
from pygorums.base.method import Method
from pygorums.base.timeout import sending_timeout, waiting_timeout
from pygorums.calls.active_call import ActiveCall
from pygorums.calls.one_way import post, send_one_way
from pygorums.calls.preparing import check_request, serialize
from pygorums.calls.rpc import send_rpc
from pygorums.nodes.configuration import Configuration as AsyncConfiguration
from pygorums.sync.configuration import Configuration, Node
from pygorums.sync.intercepted_call import InterceptedCall
from pygorums.sync.responses import Responses
from pygorums.sync.waiter import Waiter

__all__ = ["multicast", "quorum_call", "rpc", "unicast"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


def _check_node(method: Method[Any, Any], node: Node) -> None:
    if not isinstance(node, Node):
        kind = f"{method.name} is {method.call_type.phrase} and takes a Node, not {type(node).__name__}"
        raise TypeError(f"{kind}; choose one of its nodes, as in config[0]")
    node.thread.check()


def _check_configuration(method: Method[Any, Any], config: Configuration) -> None:
    if not isinstance(config, Configuration):
        kind = f"{method.name} is {method.call_type.phrase} and takes a Configuration, not {type(config).__name__}"
        raise TypeError(f"{kind}; config[i:i+1] is the configuration of a single node")
    config.thread.check()


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
    *,
    timeout: float | None = None,
    metadata: MetadataLike = None,
    interceptors: Sequence[Any] = (),
) -> Resp:
    """Send a request to one node and wait for its reply: `pygorums.calls.rpc.rpc`, blocking."""
    _check_node(method, node)
    check_request(method, request)
    timeout = waiting_timeout(timeout)
    interceptors = (*node.asynchronous.pool.interceptors, *listed_interceptors(interceptors))
    if interceptors:
        return InterceptedCall(method, _alone(node), request, timeout, metadata, interceptors).rpc()
    entries = encode_entries(metadata) if metadata else b""
    payload = _payload(method, request)
    target = node.asynchronous

    def send(waiter: Waiter[Resp]) -> ActiveCall[Resp]:
        return send_rpc(waiter, method, target, payload, timeout, entries)

    return node.thread.send(send)


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
    _check_node(method, node)
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
    _check_configuration(method, config)
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
    check_request(method, request)
    target = config.asynchronous
    if target.defaults is not None:
        timeout, metadata, interceptors = target.defaults.applied(timeout, metadata, interceptors)
    timeout = sending_timeout(timeout)
    interceptors = (*target.pool.interceptors, *listed_interceptors(interceptors))
    if interceptors:
        intercepted = InterceptedCall(method, config, request, timeout, metadata, interceptors)
        intercepted.one_way(ignore_errors=ignore_errors)
        return
    entries = encode_entries(metadata) if metadata else b""
    payload = _payload(method, request)
    if ignore_errors:
        config.thread.submit(lambda: post(method, target, payload, entries))
        return
    config.thread.send(lambda waiter: send_one_way(waiter, method, target, payload, entries, timeout))


def quorum_call(
    method: Method[Req, Resp],
    config: Configuration,
    request: Req,
    *,
    timeout: float | None = None,
    metadata: MetadataLike = None,
    interceptors: Sequence[Any] = (),
) -> Responses[Resp]:
    """Prepare a call to all nodes of a configuration: `pygorums.calls.quorum_call.quorum_call` for the facade."""
    _check_configuration(method, config)
    check_request(method, request)
    target = config.asynchronous
    if target.defaults is not None:
        timeout, metadata, interceptors = target.defaults.applied(timeout, metadata, interceptors)
    timeout = waiting_timeout(timeout)
    interceptors = (*target.pool.interceptors, *listed_interceptors(interceptors))
    if interceptors:
        intercepted = InterceptedCall(method, config, request, timeout, metadata, interceptors)
        return Responses(method, config, b"", timeout, b"", intercepted)
    entries = encode_entries(metadata) if metadata else b""
    return Responses(method, config, _payload(method, request), timeout, entries, None)


# Generated functions take nodes of both worlds, and find these functions through the classes of this one.
Node.__gorums_calls__ = Configuration.__gorums_calls__ = sys.modules[__name__]
