"""The time that a call has, as an entry of its request: gRPC's own key and format, such as ``1500m``."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from pygorums.wire.framing import varint

__all__ = ["TIMEOUT_KEY", "encode_timeout", "parse_timeout", "timeout_field", "with_time_left"]

TIMEOUT_KEY = "grpc-timeout"

_KEY_FIELD = b"\x0a\x0cgrpc-timeout"  # field 1 of an entry

_MOST = 10**8
"""gRPC takes no more than eight digits."""

_LONGEST = 3600.0 * (_MOST - 1)
"""Seconds that stand for all that is longer."""

_UNITS = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "S": 1.0, "M": 60.0, "H": 3600.0}
_VALUE = re.compile(r"([0-9]{1,8})([HMSmun])")


@lru_cache(maxsize=256)  # programs have few timeouts, and encoding one costs as much as all of a request
def timeout_field(seconds: float) -> bytes:
    """The entry of a request whose call ends in so many seconds, in microseconds or the finest unit that can hold it.

    Rounded up: the other side is never told less than there is. What is up already is told as a nanosecond.
    """
    value = encode_timeout(seconds).encode()
    return b"".join((b'"', varint(len(_KEY_FIELD) + 2 + len(value)), _KEY_FIELD, b"\x12", varint(len(value)), value))


def encode_timeout(seconds: float) -> str:
    """So many seconds as gRPC writes them, rounded up."""
    if seconds <= 0:
        return "1n"
    seconds = min(seconds, _LONGEST)
    micros = max(math.ceil(round(seconds * 1e6, 3)), 1)
    if micros % 1000 == 0 and micros // 1000 < _MOST:
        return f"{micros // 1000}m"
    if micros < _MOST:
        return f"{micros}u"
    for unit in "mSM":
        count = math.ceil(seconds / _UNITS[unit])
        if count < _MOST:
            return f"{count}{unit}"
    return f"{math.ceil(seconds / _UNITS['H'])}H"


def with_time_left(frame: bytes, timeout: float, elapsed: float) -> bytes:
    """A request that is sent, again or at last, so many seconds after its call began: with the time that is left."""
    # The entry is the first one, so only the method's name comes before it, which has no such bytes.
    return frame.replace(timeout_field(timeout), timeout_field(timeout - elapsed), 1)


def parse_timeout(value: str) -> float | None:
    """The seconds that an entry tells; None if it is not in gRPC's format, as if it were not there."""
    match = _VALUE.fullmatch(value)
    return int(match[1]) * _UNITS[match[2]] if match else None
