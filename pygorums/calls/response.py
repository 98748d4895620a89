"""What one node said to a call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError, Message

from pygorums.base.errors import StatusError
from pygorums.base.method import Method

__all__ = ["BeingReadError", "NodeResponse", "ResponseStream", "malformed_reply", "parse_reply"]

T = TypeVar("T")
Resp = TypeVar("Resp", bound=Message)


@dataclass(frozen=True)  # with slots, Python before 3.13 cannot make a NodeResponse[Reply](…)
class NodeResponse(Generic[T]):
    """One reply or error of one node.

    Attributes:
        node_id: The node.
        value: Its reply; None if it failed, and for one-way calls.
        error: Why it failed; None if it did not.
    """

    node_id: int
    # Typed as the reply alone: whoever has seen that error is None uses it without a cast.
    value: T
    error: Exception | None = None

    @classmethod
    def failed(cls, node_id: int, error: Exception) -> NodeResponse[T]:
        """The response of a node that failed."""
        return cls(node_id, cast("T", None), error)


class ResponseStream(Protocol[T]):
    """The responses of a call as they arrive, which can be closed to forget the call."""

    def __aiter__(self) -> AsyncIterator[NodeResponse[T]]: ...
    def __anext__(self) -> Awaitable[NodeResponse[T]]: ...
    def aclose(self) -> Coroutine[Any, Any, None]:
        """Forget the call."""


class BeingReadError(RuntimeError):
    """Another task is reading these responses. It goes on."""


def parse_reply(method: Method[Any, Resp], payload: bytes, node_id: int) -> Resp:
    """The reply as a message.

    Raises:
        StatusError: The bytes are not a message of the method's response type: INTERNAL, and the node's error.
    """
    try:
        return method.parse_reply(payload)
    except DecodeError as error:
        raise malformed_reply(method, node_id, error) from error


def malformed_reply(method: Method[Any, Any], node_id: int, error: DecodeError) -> StatusError:
    """The node's error when its reply is not a message of the method's response type."""
    text = f"the reply to {method.name} is not a {method.response_class.DESCRIPTOR.full_name}: {error}"
    return StatusError(grpc.StatusCode.INTERNAL, text, node_id=node_id)
