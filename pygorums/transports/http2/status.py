"""gRPC's status: its codes, its text on the wire, and what HTTP and HTTP/2 say instead where it is missing."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from pygorums.transports.http2.codes import ErrorCode, error_name

__all__ = [
    "Code",
    "Status",
    "decode_code",
    "decode_message",
    "decode_timeout",
    "encode_message",
    "of_http_status",
    "of_reset",
]


class Code(IntEnum):
    """The status codes of gRPC, by their numbers."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class Status(NamedTuple):
    """How a stream ended."""

    code: Code
    message: str = ""


_HTTP = {
    400: Code.INTERNAL,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.UNIMPLEMENTED,
    429: Code.UNAVAILABLE,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.UNAVAILABLE,
}
# Codes that are not here, such as STREAM_CLOSED and those that nobody has defined, say nothing: UNKNOWN.
_RESET = {
    ErrorCode.NO_ERROR: Code.INTERNAL,
    ErrorCode.PROTOCOL_ERROR: Code.INTERNAL,
    ErrorCode.INTERNAL_ERROR: Code.INTERNAL,
    ErrorCode.FLOW_CONTROL_ERROR: Code.INTERNAL,
    ErrorCode.SETTINGS_TIMEOUT: Code.INTERNAL,
    ErrorCode.FRAME_SIZE_ERROR: Code.INTERNAL,
    ErrorCode.REFUSED_STREAM: Code.UNAVAILABLE,
    ErrorCode.CANCEL: Code.CANCELLED,
    ErrorCode.COMPRESSION_ERROR: Code.INTERNAL,
    ErrorCode.CONNECT_ERROR: Code.INTERNAL,
    ErrorCode.ENHANCE_YOUR_CALM: Code.RESOURCE_EXHAUSTED,
    ErrorCode.INADEQUATE_SECURITY: Code.PERMISSION_DENIED,
}
_TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])")
_SECONDS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_UNRESERVED = "".join(chr(n) for n in range(0x20, 0x7F) if chr(n) != "%")


def of_http_status(status: int, text: str = "") -> Status:
    """What a response means that has an HTTP status and none of gRPC."""
    return Status(_HTTP.get(status, Code.UNKNOWN), f"HTTP status {status}{text and ': '}{text}")


def of_reset(code: int) -> Status:
    """What the reset of a stream by the peer means."""
    meaning = _RESET[ErrorCode(code)] if code in _RESET else Code.UNKNOWN
    return Status(meaning, f"stream reset by the peer: {error_name(code)}")


def decode_code(value: bytes) -> Code:
    """The field ``grpc-status``; UNKNOWN if it is no status."""
    number = int(value) if value.isdigit() and len(value) <= 2 else Code.UNKNOWN
    return Code(number) if number <= Code.UNAUTHENTICATED else Code.UNKNOWN


def encode_message(message: str) -> bytes:
    """A status message as the field ``grpc-message``: UTF-8, percent-encoded but for printable ASCII."""
    encoded = quote(message, safe=_UNRESERVED, errors="replace").encode()
    # Fields may not begin or end with a blank.
    if encoded[:1] == b" ":
        encoded = b"%20" + encoded[1:]
    if encoded[-1:] == b" ":
        encoded = encoded[:-1] + b"%20"
    return encoded


def decode_message(value: bytes) -> str:
    """The same back; what is not encoded as it should be stays as it is."""
    return unquote_to_bytes(value).decode("utf-8", "replace")


def decode_timeout(value: bytes) -> float:
    """The field ``grpc-timeout`` in seconds.

    Raises:
        ValueError: It is no timeout.
    """
    found = _TIMEOUT.fullmatch(value)
    if found is None:
        raise ValueError(f"grpc-timeout {value[:80]!r}")
    return int(found[1]) * _SECONDS[found[2]]
