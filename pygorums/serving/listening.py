"""Making what a server listens with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pygorums.serving.grpc_listener import GrpcListener
from pygorums.serving.listener import Listener
from pygorums.serving.socket_listener import SocketListener
from pygorums.transports.choosing import TransportName, choose

__all__ = ["make_listener"]


def make_listener(transport: TransportName | None, credentials: object, options: Mapping[str, Any]) -> Listener:
    """What listens with the transport that was asked for, or that suits what else was.

    Args:
        transport: What was asked for; None if nothing was.
        credentials: For TLS: an `ssl.SSLContext`, or those of gRPC; None for plain text.
        options: gRPC's options, by name.

    Raises:
        ConfigurationError: The transport that was asked for cannot do that.
    """
    if choose(transport, credentials, options) == "grpc":
        return GrpcListener(options.items())
    return SocketListener(options)
