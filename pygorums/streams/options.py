"""gRPC options that concern us too, and a few of our own among them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pygorums.base.errors import ConfigurationError
from pygorums.wire.handshake import BATCH_KEY, CANCEL_KEY, DRAIN_KEY, EXTENSIONS, NO_LIMIT, STREAM_END_KEY, Terms

__all__ = ["DEFAULT_MAX_MESSAGE", "DEFAULT_OPTIONS", "StreamOptions"]

DEFAULT_MAX_MESSAGE = 4 << 20
"""The largest message that gRPC accepts by default. A larger one would end the stream at the receiver."""

KEEPALIVE_TIME = "grpc.keepalive_time_ms"
DEFAULT_KEEPALIVE_MS = 10_000

_EXTENSIONS = {
    "pygorums.batching": BATCH_KEY,
    "pygorums.stream_end": STREAM_END_KEY,
    "pygorums.cancel": CANCEL_KEY,
    "pygorums.drain": DRAIN_KEY,
}

_WHOLE = "a whole number from 1"
_NUMBERS: Mapping[str, tuple[int, int, float, str]] = {
    "pygorums.shortest_heartbeat_ms": (1000, 1, 1 << 40, "a number of milliseconds from 1"),
    "pygorums.slow_handler_seconds": (10, 0, 1 << 31, "a number of seconds from 0"),
    "pygorums.max_released_handlers": (4096, 1, math.inf, _WHOLE),
    "pygorums.max_held_bytes": (1 << 30, 1, math.inf, _WHOLE),
    "pygorums.max_streams": (10_000, 1, math.inf, _WHOLE),
    "pygorums.max_streams_by_address": (10_000, 1, math.inf, _WHOLE),
}
"""The default, the least and the most of each, and what it is in words."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What channel or server options mean for a stream.

    Besides gRPC's own options there are ``pygorums.batching``, ``pygorums.stream_end``, ``pygorums.cancel`` and
    ``pygorums.drain``: a false value turns that extension of the protocol off. ``pygorums.shortest_heartbeat_ms`` is
    how often the other side may ask for signs of life, every second by default, and ``pygorums.max_…`` are limits of
    servers. ``grpc.keepalive_time_ms`` also sets the time between heartbeats; unless it is given gRPC sends no pings of
    its own, for which servers of other implementations end connections.

    Attributes:
        grpc: The options that gRPC gets.
        terms: What we agree to. The largest message that we take, ``grpc.max_receive_message_length``, is said if it is
            less than what gRPC accepts by default.
        max_message: The largest message in bytes that we send: ``grpc.max_send_message_length``, by default
            what gRPC accepts by default; -1 there means no limit.
        slow_handler: Seconds after which it is logged that a handler holds up requests behind it; 0 for never.
        max_released: How many handlers of one stream may run at once; all but one of them have released.
        max_held: How many bytes of requests and replies a server holds for all streams.
        max_streams: How many streams a server has.
        max_streams_by_address: How many of them may come from one address.
        suspect_after: From which level on a silent node is suspected; None for never. No option of gRPC's kind.
    """

    grpc: tuple[tuple[str, Any], ...]
    max_message: int
    terms: Terms
    slow_handler: float
    max_released: int
    max_held: int
    max_streams: int
    max_streams_by_address: int
    suspect_after: float | None = None

    @classmethod
    def of(cls, options: Sequence[tuple[str, Any]], *, least_ping_timeout_ms: int = 0) -> StreamOptions:
        """Sort out options as users give them.

        Args:
            options: Pairs of name and value.
            least_ping_timeout_ms: How long at least an answer to gRPC's pings may take, unless that is given. It may
                wait behind much that is on its way, and those who have heartbeats do not depend on it.

        Raises:
            ConfigurationError: They are not pairs, or name an option of ours that does not exist.
        """
        try:
            values = dict(options)
        except (TypeError, ValueError):
            raise ConfigurationError(f"options must be pairs of name and value, not {options!r}") from None
        extensions = EXTENSIONS
        numbers: dict[str, Any] = {name: default for name, (default, *_) in _NUMBERS.items()}
        for name in [name for name in values if str(name).startswith("pygorums.")]:
            value = values.pop(name)
            if name in _NUMBERS:
                _, least, most, words = _NUMBERS[name]
                if not isinstance(value, int if words is _WHOLE else int | float) or not least <= value <= most:
                    raise ConfigurationError(f"{name} is {words}, not {value!r}")
                numbers[name] = value
            elif name not in _EXTENSIONS:
                known = ", ".join((*_EXTENSIONS, *_NUMBERS))
                raise ConfigurationError(f"unknown option {name!r}: there are {known}")
            elif not value:
                extensions = tuple(pair for pair in extensions if pair[0] != _EXTENSIONS[name])
        keepalive_ms = int(values.get(KEEPALIVE_TIME, DEFAULT_KEEPALIVE_MS))
        if KEEPALIVE_TIME in values:
            timeout_ms = values.get("grpc.keepalive_timeout_ms", max(keepalive_ms, least_ping_timeout_ms))
            values.setdefault("grpc.http2.ping_timeout_ms", timeout_ms)
        max_message = int(values.get("grpc.max_send_message_length", DEFAULT_MAX_MESSAGE))
        max_message = max_message if max_message >= 0 else NO_LIMIT
        max_receive = int(values.get("grpc.max_receive_message_length", DEFAULT_MAX_MESSAGE))
        return cls(
            grpc=tuple(values.items()),
            max_message=max_message,
            terms=Terms(
                extensions=extensions,
                max_send=max_message,
                max_receive=max_receive if 0 <= max_receive < DEFAULT_MAX_MESSAGE else None,
                heartbeat=keepalive_ms / 1000,
                shortest_heartbeat=numbers["pygorums.shortest_heartbeat_ms"] / 1000,
                takes=max_receive if max_receive >= 0 else NO_LIMIT,
            ),
            slow_handler=numbers["pygorums.slow_handler_seconds"],
            max_released=numbers["pygorums.max_released_handlers"],
            max_held=numbers["pygorums.max_held_bytes"],
            max_streams=numbers["pygorums.max_streams"],
            max_streams_by_address=numbers["pygorums.max_streams_by_address"],
        )


DEFAULT_OPTIONS = StreamOptions.of(())
