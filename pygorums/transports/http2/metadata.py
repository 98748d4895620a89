"""Requests, responses and trailers of gRPC as fields of HTTP/2, and their metadata."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence

from pygorums.transports.http2.fields import Field
from pygorums.transports.http2.status import Status, encode_message

__all__ = [
    "Pairs",
    "http_response_fields",
    "is_grpc",
    "read_metadata",
    "request_fields",
    "response_fields",
    "trailer_fields",
    "trailers_only_fields",
    "write_metadata",
]

Pairs = tuple[tuple[str, str | bytes], ...]
"""Metadata as pairs. The values of keys that end in ``-bin`` are bytes, all others are strings."""

CONTENT_TYPE = (b"content-type", b"application/grpc")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_IDENTITY = (b"grpc-accept-encoding", b"identity")
_NOT_METADATA = frozenset(
    (
        b"te",
        b"content-type",
        b"content-length",
        b"host",
        b"grpc-timeout",
        b"grpc-encoding",
        b"grpc-accept-encoding",
        b"grpc-message-type",
        b"grpc-status",
        b"grpc-message",
    )
)


def write_metadata(pairs: Iterable[tuple[str, str | bytes]]) -> list[Field]:
    """Metadata as fields: bytes in base64 without padding, strings without blanks around them, which HTTP forbids."""
    return [
        (
            key.encode("ascii"),
            base64.b64encode(value).rstrip(b"=") if isinstance(value, bytes) else value.strip(" \t").encode("ascii"),
        )
        for key, value in pairs
    ]


def read_metadata(fields: Iterable[Field]) -> Pairs:
    """The metadata among the fields. One with bytes may hold several values with commas between them.

    Raises:
        ValueError: A value that should be base64 is not.
    """
    pairs: list[tuple[str, str | bytes]] = []
    for name, value in fields:
        if name[0] == 0x3A or name in _NOT_METADATA:  # ":"
            continue
        key = name.decode("ascii")
        if key.endswith("-bin"):
            pairs.extend((key, _decode(key, part.strip())) for part in value.split(b","))
        else:
            pairs.append((key, value.decode("latin-1")))
    return tuple(pairs)


def _decode(key: str, value: bytes) -> bytes:
    try:
        unpadded = value.rstrip(b"=")
        return base64.b64decode(unpadded + b"=" * (-len(unpadded) % 4), validate=True)
    except binascii.Error:
        raise ValueError(f"the value of {key[:80]!r} is not base64") from None


def is_grpc(content_type: bytes | None) -> bool:
    """Whether a content type is gRPC's, with protobuf's messages or whatever else."""
    return content_type is not None and (
        content_type == b"application/grpc" or content_type.startswith((b"application/grpc+", b"application/grpc;"))
    )


def request_fields(
    path: str, authority: str, scheme: str, user_agent: str, metadata: Iterable[tuple[str, str | bytes]]
) -> list[Field]:
    """The fields that open a stream."""
    return [
        (b":method", b"POST"),
        (b":scheme", scheme.encode()),
        (b":path", path.encode()),
        (b":authority", authority.encode()),
        (b"te", b"trailers"),
        CONTENT_TYPE,
        (b"user-agent", user_agent.encode()),
        _IDENTITY,
        *write_metadata(metadata),
    ]


def response_fields(metadata: Iterable[tuple[str, str | bytes]]) -> list[Field]:
    """The fields that begin a response."""
    return [(b":status", b"200"), CONTENT_TYPE, _IDENTITY, *write_metadata(metadata)]


def trailer_fields(status: Status, metadata: Iterable[tuple[str, str | bytes]]) -> list[Field]:
    """The fields that end a response."""
    fields = [(b"grpc-status", b"%d" % status.code)]
    if status.message:
        fields.append((b"grpc-message", encode_message(status.message)))
    return fields + write_metadata(metadata)


def trailers_only_fields(status: Status, metadata: Iterable[tuple[str, str | bytes]]) -> list[Field]:
    """The fields of a response that has ended before it began."""
    return [*response_fields(()), *trailer_fields(status, metadata)]


def http_response_fields(http_status: int, extra: Sequence[Field], status: Status) -> list[Field]:
    """The fields of a response to what is no gRPC request; one who reads gRPC only learns as much."""
    return [(b":status", b"%d" % http_status), *extra, _TEXT, *trailer_fields(status, ())]
