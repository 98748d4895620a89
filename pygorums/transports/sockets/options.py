"""What a connector or a listener is told besides addresses."""

from __future__ import annotations

from dataclasses import dataclass

from pygorums.transports.http2.limits import DEFAULT, Limits

__all__ = ["NODE_STREAM", "Pings", "SocketOptions"]

NODE_STREAM = "/stream.Gorums/NodeStream"
"""The gRPC method of all streams between nodes."""


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
        patience: Seconds that an attempt to connect may take until the other side has answered.
        user_agent: Who we are.
    """

    limits: Limits = DEFAULT
    pings: Pings | None = None
    patience: float = 5.0
    user_agent: str = "pygorums"
