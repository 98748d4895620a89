"""What the streams of a simulation are: messages on their way by themselves, or HTTP/2 on bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

from pygorums.testing.simulation.hosts import Process, Wire
from pygorums.testing.simulation.links import Link
from pygorums.testing.simulation.sockets import SimulatedSocketListener
from pygorums.testing.simulation.transport import OpenedEnd, SimulatedListener
from pygorums.transports.interface import Connector
from pygorums.transports.listener import Listener
from pygorums.transports.sockets.client import SocketConnector
from pygorums.transports.sockets.options import SocketOptions
from pygorums.wire.handshake import Pairs

__all__ = ["WIRES", "WireName"]

WireName = Literal["messages", "http2"]
"""What users may ask for."""


class Ways(Protocol):
    """The network, as wires see it."""

    def open(self, process: Process, address: str, metadata: Pairs, receive: Callable[[Any], None], /) -> Link | None:
        """Open a connection."""

    def bind(self, listener: Any, address: str, /) -> str:
        """Take an address."""

    def unbind(self, listener: Any, /) -> None:
        """Let go of it."""


class _Messages:
    """Each write of the engine is on its way as it is."""

    def __init__(self, network: Ways) -> None:
        self._network = network

    def connectors(self, process: Process, options: Mapping[str, Any], /) -> Callable[[str], Connector]:  # noqa: ARG002 - of HTTP/2
        """What opens streams to an address."""

        def connector(address: str) -> Connector:
            def connect(metadata: Pairs, /) -> OpenedEnd:
                end = OpenedEnd(process, address)
                end.set_out(self._network.open(process, address, metadata, end.arrived))
                return end

            return connect

        return connector

    def listener(self, process: Process, options: Mapping[str, Any], /) -> Listener:  # noqa: ARG002 - of HTTP/2
        """What accepts streams."""
        return SimulatedListener(process, self._network)


class _Http2:
    """The engine's transport over sockets, on simulated ones."""

    def __init__(self, network: Ways) -> None:
        self._network = network

    def connectors(self, process: Process, options: Mapping[str, Any], /) -> Callable[[str], Connector]:  # noqa: ARG002 - the loop knows it
        """What opens streams to an address."""
        socket_options = SocketOptions.of(options, server=False)
        return lambda address: SocketConnector(address, None, socket_options)

    def listener(self, process: Process, options: Mapping[str, Any], /) -> Listener:
        """What accepts streams."""
        return SimulatedSocketListener(options, process, self._network)


WIRES: Mapping[str, Callable[[Ways], Wire]] = {"messages": _Messages, "http2": _Http2}
"""What there is."""
