"""What a request is, once it is read."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.message import DecodeError

from pygorums.base.errors import StatusError
from pygorums.base.metadata import MAX_PAIRS
from pygorums.base.method import Method
from pygorums.wire.framing import Frame, Message

__all__ = ["read_request"]

LARGE = 64 << 10
"""Bytes of a request from which on its pairs are counted: that many would take no less, or little time."""


def read_request(method: Method[Any, Any], message: Message | Frame, size: int) -> Any:
    """The request in a message of so many bytes.

    Raises:
        StatusError: It is none, or its metadata would take long to be read.
    """
    if size > LARGE and (pairs := len(message.entry)) > MAX_PAIRS:
        text = f"the request of {method.name} has {pairs} pairs of metadata, more than {MAX_PAIRS}"
        raise StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
    try:
        return method.parse_request(message.payload)
    except DecodeError as error:
        text = f"the request of {method.name} is not a {method.request_class.DESCRIPTOR.full_name}: {error}"
        raise StatusError(grpc.StatusCode.UNKNOWN, text) from None
