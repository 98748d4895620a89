"""From what a user passes to a call to what is sent."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from google.protobuf.message import EncodeError, Message

from pygorums.base.errors import IncompleteError, StatusError, counted
from pygorums.base.method import Method
from pygorums.nodes.call_options import CallOptions
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node, Pool
from pygorums.wire.framing import encode_message
from pygorums.wire.timeouts import timeout_field

__all__ = ["check_configuration", "check_node", "check_request", "encode_request", "serialize"]


def check_node(method: Method[Any, Any], node: Node) -> None:
    """Refuse anything but a node of the running event loop.

    Raises:
        TypeError: It is something else, such as a configuration.
        RuntimeError: Its event loop is not the running one.
    """
    if not isinstance(node, Node):
        hint = "; choose one of its nodes, as in config[0]" if isinstance(node, Configuration) else ""
        raise TypeError(f"{method.name} is {method.call_type.phrase} and takes a Node, not {type(node).__name__}{hint}")
    _check_loop(method, node.pool)


def check_configuration(method: Method[Any, Any], config: Configuration) -> None:
    """Refuse anything but a configuration of the running event loop.

    Raises:
        TypeError: It is something else, such as a node.
        RuntimeError: Its event loop is not the running one.
    """
    if not isinstance(config, Configuration):
        hint = "; config[i:i+1] is the configuration of a single node" if isinstance(config, Node) else ""
        raise TypeError(
            f"{method.name} is {method.call_type.phrase} and takes a Configuration, not {type(config).__name__}{hint}"
        )
    _check_loop(method, config.pool)


def _check_loop(method: Method[Any, Any], pool: Pool) -> None:
    running = asyncio._get_running_loop()
    if running is not pool.loop:
        if running is None and pool.loop.is_running():
            raise RuntimeError(
                f"{method.name} was called in another thread than that of its nodes' event loop. If this is a plain "
                "`def` handler, which runs in a thread, make this handler async, or serve with gorums.sync, where "
                "plain handlers may call"
            )
        where = "without a running event loop" if running is None else "from another event loop"
        raise RuntimeError(
            f"{method.name} was called {where}: nodes can only be called on the loop that connected them"
        )


def check_request(method: Method[Any, Any], request: Message) -> None:
    """Refuse a request of another message type.

    Raises:
        TypeError: It is of another type.
    """
    if not isinstance(request, method.request_class):
        raise TypeError(
            f"{method.name} takes a request of type {method.request_class.DESCRIPTOR.full_name}, "
            f"not {type(request).__name__}"
        )


def too_few_nodes(method_name: str, need: int, size: int) -> IncompleteError:
    """The error of a quorum call that needs more replies than there are nodes."""
    needed = f"{counted(need, 'reply is', 'replies are')} needed"
    cause = f"incomplete call: {needed} and the configuration has {counted(size, 'node')}"
    return IncompleteError(method_name, {}, 0, cause)


def serialize(method: Method[Any, Any], request: Message | bytes) -> bytes:
    """The bytes of a request, which may be serialized already.

    Raises:
        StatusError: It cannot be serialized: INTERNAL.
    """
    if isinstance(request, bytes):
        return request
    try:
        return request.SerializeToString()
    except (EncodeError, ValueError) as error:
        text = f"the request of {method.name} cannot be serialized: {error}"
        raise StatusError(grpc.StatusCode.INTERNAL, text) from error


def encode_request(
    pool: Pool, method: Method[Any, Any], seq_no: int, request: Message | bytes, options: CallOptions
) -> bytes:
    """The request as the bytes that go to every node; it may be serialized already.

    Args:
        pool: What the nodes belong to.
        method: The method.
        seq_no: The call's number.
        request: The request, or its bytes.
        options: The metadata that go with it, and for how long its reply is waited for, which the nodes are told.

    Raises:
        StatusError: It cannot be serialized (INTERNAL) or is too large (RESOURCE_EXHAUSTED), so it fails this
            call alone and is never sent.
    """
    entries = options.entries
    if options.timeout is not None and not method.one_way:
        entries = timeout_field(options.timeout) + entries
    frame = encode_message(seq_no, method.encoded_name, serialize(method, request), entries)
    if len(frame) > pool.max_message:
        raise StatusError(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            f"the request of {method.name} takes {len(frame)} bytes, more than the limit of {pool.max_message}; "
            "raise grpc.max_send_message_length here and grpc.max_receive_message_length at the nodes",
        )
    return frame
