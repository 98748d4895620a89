"""What a case of the tables is: what a client writes, and what has to come back."""

from __future__ import annotations

from dataclasses import dataclass, field

from pygorums.transports.http2.codes import ErrorCode
from tests.unit.transports.http2.raw import (
    END_HEADERS,
    GRPC,
    HEADERS,
    PREFACE,
    block,
    frame,
    request,
    setting,
)

PROTOCOL = ErrorCode.PROTOCOL_ERROR
FLOW = ErrorCode.FLOW_CONTROL_ERROR
SIZE = ErrorCode.FRAME_SIZE_ERROR
CLOSED = ErrorCode.STREAM_CLOSED
COMPRESSION = ErrorCode.COMPRESSION_ERROR
REFUSED = ErrorCode.REFUSED_STREAM
CALM = ErrorCode.ENHANCE_YOUR_CALM


OPENING = PREFACE + setting()


@dataclass
class Ended:
    """GOAWAY with this code, and nothing is read any more."""

    code: ErrorCode


@dataclass
class Reset:
    """RST_STREAM with this code, and the connection goes on."""

    code: ErrorCode
    stream: int = 1


@dataclass
class Fine:
    """Neither, and the connection goes on; these frames are among what it writes."""

    kinds: tuple[int, ...] = ()


@dataclass
class Answer:
    """The stream is answered with these fields, and the connection goes on."""

    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class Case:
    section: str
    name: str
    written: bytes
    expected: Ended | Reset | Fine | Answer
    opening: bytes = OPENING


OPEN = request(1)
HALF = request(1, end=True)
GET = request(1, ((":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "localhost")), end=True)
FIELDS = block(*GRPC)
REQ = list(GRPC)


def headers_of(block: bytes, flags: int = END_HEADERS, stream: int = 1) -> bytes:
    return frame(HEADERS, flags, stream, block)


def malformed(section: str, name: str, *fields: tuple[bytes | str, bytes | str]) -> Case:
    return Case(section, name, request(1, fields, end=True), Reset(PROTOCOL))


def hpack(section: str, name: str, raw: bytes, expected: Ended | Fine | None = None) -> Case:
    return Case(section, name, headers_of(raw), expected or Ended(COMPRESSION))
