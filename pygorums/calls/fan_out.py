"""Sending one request to the nodes of a configuration."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import Message

from pygorums.base.errors import StatusError
from pygorums.base.metadata import encode_entries
from pygorums.base.method import Method
from pygorums.calls.interceptors import Call
from pygorums.calls.preparing import check_request, encode_request
from pygorums.calls.reply_queue import ReplyQueue
from pygorums.nodes.node import Node

__all__ = ["fan_out"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class _NodeShare:
    """A call under way as one node's stream sees it when that node got a request of its own."""

    __slots__ = ("_queue", "frame")

    def __init__(self, queue: ReplyQueue[Resp], frame: bytes) -> None:
        self._queue = queue
        self.frame = frame

    one_way = False

    @property
    def withdrawn(self) -> bool:
        return self._queue.withdrawn

    @property
    def streaming(self) -> bool:
        return self._queue.streaming

    @property
    def decided(self) -> bool:
        return self._queue.decided

    @property
    def sent_at(self) -> float:
        return self._queue.sent_at

    def deliver(self, node_id: int, payload: bytes) -> None:
        self._queue.deliver(node_id, payload)

    def fail(self, node_id: int, error: Exception) -> None:
        self._queue.fail(node_id, error)

    def sent(self, node_id: int) -> None:
        """Replies tell more."""

    def end(self, node_id: int) -> None:
        self._queue.end(node_id)


def fan_out(method: Method[Req, Resp], call: Call[Req, Resp], seq_no: int, queue: ReplyQueue[Resp]) -> int:
    """Send a call that has interceptors to its nodes, each with the request that the interceptors made for it.

    A node for which no request can be made has failed; nodes with the same request share its bytes.

    Returns:
        How many nodes were asked.
    """
    pool = call.config.pool
    entries = encode_entries(call.metadata.pairs)
    encoded: dict[int, bytes] = {}  # by the identity of the request, which `kept` keeps alive
    kept: list[Req] = []
    asked = 0
    for node in call.config:
        try:
            request = call.request_for(node)
            if request is None:
                queue.skip(node.id)
                continue
            asked += 1
            frame = encoded.get(id(request))
            if frame is None:
                check_request(method, request)
                frame = encoded[id(request)] = encode_request(pool, method, seq_no, request, entries)
                kept.append(request)
        except Exception as error:
            queue.fail(node.id, error if not isinstance(error, StatusError) else _at(error, node))
            continue
        if method.one_way:
            node.channel.post(frame, queue)
        else:
            node.channel.request(seq_no, _NodeShare(queue, frame))
    return asked


def _at(error: StatusError, node: Node) -> StatusError:
    return StatusError(error.code(), error.message, error.details, node_id=node.id)
