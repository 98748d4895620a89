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

__all__ = ["NO_QUORUM", "check_kind", "check_request", "check_target", "encode_request", "serialize"]


def check_kind(method: Method[Any, Any], target: Any, kind: type[Any]) -> None:
    """Refuse anything but a node, or but a configuration, of the world that is meant.

    Raises:
        TypeError: It is something else, such as the other of the two.
    """
    if isinstance(target, kind):
        return
    hint = ""
    if hasattr(target, "nodes"):
        hint = "; choose one of its nodes, as in config[0]"
    elif hasattr(target, "latency"):
        hint = "; config[i:i+1] is the configuration of a single node"
    takes = f"takes a {kind.__name__}, not {type(target).__name__}{hint}"
    raise TypeError(f"{method.name} is {method.call_type.phrase} and {takes}")


def check_target(method: Method[Any, Any], target: Node | Configuration, kind: type[Node | Configuration]) -> None:
    """Refuse anything but a node, or but a configuration, of the running event loop.

    Raises:
        TypeError: As `check_kind`.
        RuntimeError: Its event loop is not the running one.
    """
    check_kind(method, target, kind)
    _check_loop(method, target.pool)


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


NO_QUORUM = "incomplete call: no quorum is left"
"""The cause of a call that waits for certain nodes, and not for a number of them."""


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
    pool: Pool,
    method: Method[Any, Any],
    seq_no: int,
    request: Message | bytes,
    options: CallOptions,
    extra: bytes = b"",
) -> bytes:
    """The request as the bytes that go to every node; it may be serialized already.

    Args:
        pool: What the nodes belong to.
        method: The method.
        seq_no: The call's number.
        request: The request, or its bytes.
        options: The metadata that go with it, and for how long its reply is waited for, which the nodes are told.
        extra: What observers add to the metadata, encoded.

    Raises:
        StatusError: It cannot be serialized (INTERNAL) or is too large (RESOURCE_EXHAUSTED), so it fails this
            call alone and is never sent.
    """
    entries = options.entries
    if options.timeout is not None and not method.one_way:
        entries = timeout_field(options.timeout) + entries
    if extra:
        entries += extra
    frame = encode_message(seq_no, method.encoded_name, serialize(method, request), entries)
    if len(frame) > pool.max_message:
        raise StatusError(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            f"the request of {method.name} takes {len(frame)} bytes, more than the limit of {pool.max_message}; "
            "raise grpc.max_send_message_length here and grpc.max_receive_message_length at the nodes",
        )
    return frame
