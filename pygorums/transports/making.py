"""Making what a client connects and a server listens with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pygorums.transports.carrier import CARRIER
from pygorums.transports.choosing import TransportName, choose
from pygorums.transports.grpc.listener import GrpcListener
from pygorums.transports.grpc.tls_check import check_tls
from pygorums.transports.grpc.transport import GrpcConnector
from pygorums.transports.interface import Connector
from pygorums.transports.listener import Listener
from pygorums.transports.sockets.client import SocketConnector
from pygorums.transports.sockets.listener import SocketListener
from pygorums.transports.sockets.options import SocketOptions
from pygorums.transports.sockets.tls import checked_context

__all__ = ["make_connector", "make_listener"]


def make_listener(
    transport: TransportName | None, credentials: object, options: Mapping[str, Any], only_grpc: str = ""
) -> Listener:
    """What listens with the transport that was asked for, or that suits what else was.

    Args:
        transport: What was asked for; None if nothing was.
        credentials: For TLS: an `ssl.SSLContext`, or those of gRPC; None for plain text.
        options: gRPC's options, by name.
        only_grpc: What else was asked for that only gRPC has, in words.

    Raises:
        ConfigurationError: The transport that was asked for cannot do that.
    """
    carrier = CARRIER.get()
    if carrier is not None:
        return carrier.listener(options)
    if choose(transport, credentials, options, only_grpc=only_grpc) == "grpc":
        return GrpcListener(options.items())
    return SocketListener(options)


def make_connector(
    transport: TransportName | None, credentials: Any, options: Mapping[str, Any]
) -> Callable[[str], Connector]:
    """What makes, for an address, what opens streams to it; by the transport as above.

    Raises:
        ConfigurationError: The transport that was asked for cannot do that, or the credentials cannot be used.
    """
    carrier = CARRIER.get()
    if carrier is not None:
        return carrier.connectors(credentials, options)
    if choose(transport, credentials, options) == "grpc":
        check_tls(credentials)
        pairs = tuple(options.items())
        return lambda address: GrpcConnector(address, credentials, pairs)
    tls = checked_context(credentials, server=False)
    socket_options = SocketOptions.of(options, server=False)
    return lambda address: SocketConnector(address, tls, socket_options)
