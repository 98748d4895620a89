"""Statuses as plain gRPC clients get them: code and text in trailers, details in ``grpc-status-details-bin``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.status_pb2 import Status

__all__ = ["DETAILS_KEY", "abort", "shortened"]

DETAILS_KEY = "grpc-status-details-bin"

MAX_TEXT = 2048
"""Bytes of a text as a trailer: clients refuse trailers of more than 8 KiB in all."""

MAX_DETAILS = 3072
"""Bytes of a status with its details, a third less than they take as a trailer."""


def shortened(text: str) -> str:
    """As much of a text as fits into a trailer, where what is not ASCII takes three times its bytes."""
    data = text.encode(errors="replace")
    most = MAX_TEXT if data.isascii() and text.isprintable() else MAX_TEXT // 3
    return data[:most].decode(errors="ignore")


async def abort(context: Any, code: grpc.StatusCode, text: str, details: Iterable[Any]) -> NoReturn:
    """End a call with a status; details that do not fit into a trailer are left out.

    Raises:
        grpc.aio.AbortError: Always; by that gRPC knows.
    """
    text = shortened(text)
    status = Status(code=code.value[0], message=text)
    for detail in details:
        if isinstance(detail, AnyMessage):
            status.details.append(detail)
        else:
            status.details.add().Pack(detail)
    trailers: tuple[tuple[str, bytes], ...] = ()
    if status.details and status.ByteSize() <= MAX_DETAILS:
        trailers = ((DETAILS_KEY, status.SerializeToString()),)
    await context.abort(code, text, trailers)
    raise AssertionError("gRPC has not ended the call")
