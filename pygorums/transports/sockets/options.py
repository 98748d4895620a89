"""What a connector or a listener is told besides addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pygorums.base.errors import ConfigurationError
from pygorums.transports.http2.limits import DEFAULT, Limits

__all__ = ["NODE_STREAM", "Pings", "SocketOptions"]

NODE_STREAM = "/stream.Gorums/NodeStream"
"""The gRPC method of all streams between nodes."""

SERVER_PINGS_EVERY = 20_000
PATIENCE = 20_000
"""Milliseconds."""

LARGEST_MESSAGE = (1 << 32) - 1
"""What the length of a message on the wire can be."""


@dataclass(frozen=True, slots=True)
class Pings:
    """When to ping.

    Attributes:
        every: Seconds without a byte after which a ping is sent.
        patience: Seconds that the peer has then to send anything.
    """

    every: float
    patience: float


@dataclass(frozen=True, slots=True)
class SocketOptions:
    """How connections are used.

    Attributes:
        limits: What is taken from the other side.
        pings: When to ping; None for never.
        user_agent: Who we are.
        authority: What a client calls the server, if that is not its address.
        server_name: What the server's certificate has to be for, if that is not the host.
    """

    limits: Limits = DEFAULT
    pings: Pings | None = None
    user_agent: str = "pygorums"
    authority: str | None = None
    server_name: str | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any], *, server: bool) -> SocketOptions:
        """What options of gRPC mean here.

        Args:
            options: By name.
            server: Whether they are a server's, which pings its clients if nothing else is said. A client does not:
                servers of other implementations end connections for that.

        Raises:
            ConfigurationError: A value is none for its option.
        """

        def number(name: str, default: int) -> int:
            value = options.get(name, default)
            if not isinstance(value, int):
                raise ConfigurationError(f"{name} is a whole number, not {value!r}")
            return value

        every = number("grpc.keepalive_time_ms", SERVER_PINGS_EVERY if server else 0)
        patience = number("grpc.http2.ping_timeout_ms", PATIENCE)
        largest = number("grpc.max_receive_message_length", DEFAULT.max_message)
        largest = LARGEST_MESSAGE if largest < 0 else min(largest, LARGEST_MESSAGE)
        try:
            limits = Limits(
                max_message=largest,
                max_partial=max(largest, DEFAULT.max_partial),
                max_header_list=number("grpc.max_metadata_size", DEFAULT.max_header_list),
                max_streams=number("grpc.max_concurrent_streams", DEFAULT.max_streams),
            )
        except ValueError as error:
            raise ConfigurationError(f"the options cannot be used: {error}") from None
        prefix = options.get("grpc.primary_user_agent")
        return cls(
            limits=limits,
            pings=Pings(every / 1000, patience / 1000) if every > 0 else None,
            user_agent=f"{prefix} pygorums" if prefix else "pygorums",
            authority=options.get("grpc.default_authority"),
            server_name=options.get("grpc.ssl_target_name_override"),
        )
