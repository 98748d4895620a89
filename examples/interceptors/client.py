"""Client interceptors: functions around a call that see each node's response, and may change what is sent.

They are passed to a call, to `pygorums.connect` for all of its calls, or to `Configuration.with_defaults`. The first
one in the list is the innermost: it sees the responses first.
"""

import logging
from collections.abc import AsyncIterator, Callable
from time import perf_counter
from typing import Any, TypeVar

from google.protobuf.message import Message

import pygorums as gorums
from examples.storage.storage_pb2 import ReadResponse, WriteRequest

__all__ = ["Counter", "from_node", "keep_if", "log_responses", "value_for_node"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)

_log = logging.getLogger("examples.interceptors")


def _value_for_node(request: WriteRequest, node: gorums.Node) -> WriteRequest:
    # All nodes share the request, so it must not be changed: each gets one of its own.
    return WriteRequest(key=request.key, value=f"{request.value}-node-{node.id}", time=request.time)


def _from_node(reply: ReadResponse, node: gorums.Node) -> ReadResponse:
    return ReadResponse(OK=reply.OK, value=f"{reply.value} from node {node.id}", time=reply.time)


value_for_node: gorums.Interceptor[WriteRequest, Any] = gorums.map_request(_value_for_node)
"""Writes another value at each node."""

from_node: gorums.Interceptor[Any, ReadResponse] = gorums.map_response(_from_node)
"""Tells in the value of a reply which node it came from."""


async def log_responses(
    call: gorums.Call[Req, Resp], responses: AsyncIterator[gorums.NodeResponse[Resp]]
) -> AsyncIterator[gorums.NodeResponse[Resp]]:
    """Logs each node's response to the logger ``examples.interceptors``, and how many there were at the end."""
    start = perf_counter()
    count = 0
    _log.info("%s to %d nodes: %s", call.method, call.size, " ".join(str(call.request).split()))
    try:
        async for response in responses:
            count += 1
            if response.error is None:
                _log.info("%s: node %d replied", call.method, response.node_id)
            else:
                _log.info("%s: node %d failed: %s", call.method, response.node_id, response.error)
            yield response
    finally:
        # Also when the caller has seen enough and reads no further.
        _log.info("%s: %d responses in %.1f ms", call.method, count, (perf_counter() - start) * 1000)


def keep_if(predicate: Callable[[Resp], bool]) -> gorums.Interceptor[Any, Resp]:
    """An interceptor that drops the replies for which `predicate` is false; errors pass through.

    A dropped reply counts as if its node had not answered.
    """

    async def filtered(
        _call: gorums.Call[Any, Resp], responses: AsyncIterator[gorums.NodeResponse[Resp]]
    ) -> AsyncIterator[gorums.NodeResponse[Resp]]:
        async for response in responses:
            if response.error is not None or predicate(response.value):
                yield response

    return filtered


class Counter:
    """An interceptor that counts the responses that pass through it, errors too.

    Attributes:
        count: How many there were so far, in all calls that it was passed to.
    """

    def __init__(self) -> None:
        self.count = 0

    async def __call__(
        self, _call: gorums.Call[Any, Resp], responses: AsyncIterator[gorums.NodeResponse[Resp]], /
    ) -> AsyncIterator[gorums.NodeResponse[Resp]]:
        """Wrap the responses of a call."""
        async for response in responses:
            self.count += 1
            yield response
