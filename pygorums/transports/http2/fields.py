"""Whether the fields of a request, a response or a trailer section obey HTTP (RFC 9113, sections 8.2 and 8.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pygorums.transports.http2.faults import MalformedError

__all__ = ["Field", "check_request", "check_response", "check_trailers", "content_length", "first"]

Field = tuple[bytes, bytes]
"""The name and the value of a field, as they were on the wire."""

_NAME = re.compile(rb":?[!-9;-@\[-~]+")
_BAD_VALUE = re.compile(rb"[\0\r\n]|\A[ \t]|[ \t]\Z")
_CONNECTION_SPECIFIC = frozenset((b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"))
_REQUEST_FIELDS = frozenset((b":method", b":scheme", b":authority", b":path"))
_RESPONSE_FIELDS = frozenset((b":status",))


def first(fields: Sequence[Field], name: bytes) -> bytes | None:
    """The value of the first field of that name."""
    for key, value in fields:
        if key == name:
            return value
    return None


def _check(fields: Sequence[Field], allowed: frozenset[bytes]) -> dict[bytes, bytes]:
    """The pseudo-header fields, once every field has been looked at."""
    pseudo: dict[bytes, bytes] = {}
    regular = False
    for name, value in fields:
        if not _NAME.fullmatch(name):
            raise MalformedError(f"field name {name[:80]!r}")
        if value and _BAD_VALUE.search(value):
            raise MalformedError(f"value of field {name[:80]!r}")
        if name[0] == 0x3A:  # ":"
            if regular:
                raise MalformedError(f"pseudo-header field {name[:80]!r} after regular fields")
            if name not in allowed:
                raise MalformedError(f"pseudo-header field {name[:80]!r}")
            if name in pseudo:
                raise MalformedError(f"pseudo-header field {name[:80]!r} twice")
            pseudo[name] = value
        else:
            regular = True
            if name in _CONNECTION_SPECIFIC:
                raise MalformedError(f"connection-specific field {name[:80]!r}")
            if name == b"te" and value.lower() != b"trailers":
                raise MalformedError("te is not trailers")
    return pseudo


def check_request(fields: Sequence[Field]) -> dict[bytes, bytes]:
    """The pseudo-header fields of a request.

    Raises:
        MalformedError: It breaks a rule.
    """
    pseudo = _check(fields, _REQUEST_FIELDS)
    method = pseudo.get(b":method")
    if not method:
        raise MalformedError("no :method")
    if method == b"CONNECT":
        if b":scheme" in pseudo or b":path" in pseudo or not pseudo.get(b":authority"):
            raise MalformedError("CONNECT needs :authority, and no :scheme and no :path")
    elif not pseudo.get(b":scheme") or not pseudo.get(b":path"):
        raise MalformedError("no :scheme or no :path")
    hosts = [value for name, value in fields if name == b"host"]
    if len(hosts) > 1 or (hosts and pseudo.get(b":authority", hosts[0]) != hosts[0]):
        raise MalformedError("host fields that contradict :authority or each other")
    content_length(fields)
    return pseudo


def check_response(fields: Sequence[Field]) -> int:
    """The HTTP status of a response.

    Raises:
        MalformedError: It breaks a rule.
    """
    status = _check(fields, _RESPONSE_FIELDS).get(b":status", b"")
    if len(status) != 3 or not status.isdigit() or status < b"100":
        raise MalformedError(f":status {status[:80]!r}")
    content_length(fields)
    return int(status)


def check_trailers(fields: Sequence[Field]) -> None:
    """Look at a trailer section, which has no pseudo-header fields.

    Raises:
        MalformedError: It breaks a rule.
    """
    _check(fields, frozenset())


def content_length(fields: Sequence[Field]) -> int | None:
    """How many bytes of data the fields announce; None where they say nothing.

    Raises:
        MalformedError: They say something else than one number.
    """
    lengths = {value for name, value in fields if name == b"content-length"}
    if not lengths:
        return None
    length = lengths.pop()
    if lengths or not length.isdigit() or len(length) > 19:
        raise MalformedError("content-length is not one number")
    return int(length)
