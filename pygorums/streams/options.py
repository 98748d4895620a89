"""gRPC options that concern us too, and a few of our own among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pygorums.base.errors import ConfigurationError
from pygorums.streams.transport import BATCH_KEY, OFFERED, STREAM_END_KEY, Pairs

__all__ = ["DEFAULT_MAX_MESSAGE", "StreamOptions"]

DEFAULT_MAX_MESSAGE = 4 << 20
"""The largest message that gRPC accepts by default. A larger one would end the stream at the receiver."""

KEEPALIVE_TIME = "grpc.keepalive_time_ms"
DEFAULT_KEEPALIVE_MS = 10_000

_OURS = {"pygorums.batching": BATCH_KEY, "pygorums.stream_end": STREAM_END_KEY}


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What channel or server options mean for a stream.

    Besides gRPC's own options there are ``pygorums.batching`` and ``pygorums.stream_end``: a false value
    turns that extension of the protocol off. ``grpc.keepalive_time_ms`` also sets the time between heartbeats;
    unless it is given gRPC sends no pings of its own, for which servers of other implementations end connections.

    Attributes:
        grpc: The options that gRPC gets.
        max_message: The largest message in bytes that we send: ``grpc.max_send_message_length``, by default
            what gRPC accepts by default; -1 there means no limit.
        extensions: The extensions that we offer or confirm.
        keepalive: Seconds after which a silent peer should give a sign of life: ``grpc.keepalive_time_ms``.
    """

    grpc: tuple[tuple[str, Any], ...]
    max_message: int
    extensions: Pairs
    keepalive: float

    @classmethod
    def of(cls, options: Sequence[tuple[str, Any]]) -> StreamOptions:
        """Sort out options as users give them.

        Raises:
            ConfigurationError: They are not pairs, or name an option of ours that does not exist.
        """
        try:
            values = dict(options)
        except (TypeError, ValueError):
            raise ConfigurationError(f"options must be pairs of name and value, not {options!r}") from None
        off = set()
        for name, value in values.items():
            if str(name).startswith("pygorums."):
                if name not in _OURS:
                    raise ConfigurationError(f"unknown option {name!r}: there are {', '.join(_OURS)}")
                if not value:
                    off.add(_OURS[name])
        keepalive_ms = int(values.get(KEEPALIVE_TIME, DEFAULT_KEEPALIVE_MS))
        if KEEPALIVE_TIME in values:
            # gRPC notices a peer that does not answer only by the third of these, whatever the second says.
            timeout_ms = values.setdefault("grpc.keepalive_timeout_ms", keepalive_ms)
            values.setdefault("grpc.http2.ping_timeout_ms", timeout_ms)
            values.setdefault("grpc.http2.max_pings_without_data", 0)
        max_message = int(values.get("grpc.max_send_message_length", DEFAULT_MAX_MESSAGE))
        return cls(
            grpc=tuple((name, value) for name, value in values.items() if name not in _OURS),
            max_message=max_message if max_message >= 0 else 1 << 62,
            extensions=tuple(pair for pair in OFFERED if pair[0] not in off),
            keepalive=keepalive_ms / 1000,
        )
