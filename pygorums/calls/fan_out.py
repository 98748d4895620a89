"""Sending one request to the nodes of a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from pygorums.base.errors import StatusError
from pygorums.base.method import Method
from pygorums.calls.interceptors import Call
from pygorums.calls.preparing import check_request, encode_request
from pygorums.calls.progress import Progress
from pygorums.calls.reply_queue import ReplyQueue
from pygorums.nodes.call_options import CallOptions
from pygorums.nodes.configuration import Configuration
from pygorums.streams.pending import PendingCall

__all__ = ["NodeShare", "Requests", "fan_out", "requests_of", "send_queue"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class NodeShare:
    """A call under way as one node's stream sees it when that node got a request of its own."""

    __slots__ = ("_queue", "frame")

    def __init__(self, queue: PendingCall, frame: bytes) -> None:
        self._queue = queue
        self.frame = frame

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)  # all else is common to the nodes


Requests = Sequence[tuple[int, Req | Exception | None]]
"""What each node is sent, by ID: its request, nothing if it is left out, or why none could be made for it."""


def requests_of(method: Method[Req, Any], call: Call[Req, Any]) -> Requests[Req]:
    """What interceptors have made of a call's request for each node. Calls their functions."""
    call.sent = True
    requests: list[tuple[int, Req | Exception | None]] = []
    for node in call.config:
        try:
            request = call.request_for(node)
            if request is not None and request is not call.request:
                check_request(method, request)
            requests.append((node.id, request))
        except Exception as error:
            requests.append((node.id, error))
    call.progress.left_out = [node_id for node_id, request in requests if request is None]
    return requests


def fan_out(
    method: Method[Req, Resp], config: Configuration, call: Call[Req, Resp], requests: Requests[Req]
) -> ReplyQueue[Resp]:
    """Send to each node the request that was made for it; the responses.

    A node for which none could be made has failed; nodes with the same request share its bytes.
    """
    seq_no = config.pool.next_seq_no()
    queue = ReplyQueue(method, config, seq_no, call.timeout, call.progress)
    told: PendingCall = queue
    if config.pool.observers.call is not None:
        told = config.pool.observers.call(queue, method, config.nodes)
        call.progress.observed = True
    encoded: dict[int, bytes] = {}  # by the identity of the request
    for node, (node_id, request) in zip(config.nodes, requests, strict=True):
        if request is None:
            queue.skip(node_id)
            continue
        if isinstance(request, Exception):
            told.fail(node_id, request)
            continue
        frame = encoded.get(id(request))
        if frame is None:
            try:
                frame = encode_request(config.pool, method, seq_no, request, call.options, queue.frame)
            except StatusError as error:
                told.fail(node_id, StatusError(error.code(), error.message, node_id=node_id))
                continue
            encoded[id(request)] = frame
        if method.one_way:
            node.channel.post(frame, told)
        else:
            share: Any = NodeShare(told, frame)
            node.channel.request(seq_no, share)
    return queue


def send_queue(
    method: Method[Any, Resp],
    config: Configuration,
    request: Message | bytes,
    options: CallOptions,
    progress: Progress,
) -> ReplyQueue[Resp]:
    """Send a quorum call whose responses are read one by one, now."""
    pool = config.pool
    seq_no = pool.next_seq_no()
    queue = ReplyQueue(method, config, seq_no, options.timeout, progress)
    told: PendingCall = queue
    if pool.observers.call is not None:
        told = pool.observers.call(queue, method, config.nodes)
        progress.observed = True
    try:
        queue.frame = encode_request(pool, method, seq_no, request, options, queue.frame)
    except StatusError as error:
        for node in config:
            told.fail(node.id, StatusError(error.code(), error.message, node_id=node.id))
    else:
        for node in config:
            node.channel.request(seq_no, told)
    return queue
