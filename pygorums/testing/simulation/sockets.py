"""Connections that carry bytes, for programs and transports that use asyncio's: HTTP/2 runs on them as it is."""

from __future__ import annotations

import asyncio
import errno
import os
import random
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from pygorums.testing.simulation.hosts import Process
from pygorums.testing.simulation.links import ACCEPTED, Direction, Link
from pygorums.transports.interface import ConnectionLostError
from pygorums.transports.sockets.listener import SocketListener
from pygorums.wire.handshake import Pairs

__all__ = ["SimulatedSocket", "SimulatedSocketListener", "dial"]

Factory = Callable[[], asyncio.BaseProtocol]


class SimulatedSocket(asyncio.Transport):
    """One end of a connection.

    What is written at once may arrive in several parts, at times of their own, as it does over TCP.

    Args:
        process: Whose end it is.
        link: The connection.
        to: The way out.
        peer: The host and the port of the other end.
    """

    def __init__(self, process: Process, link: Link, to: Direction, peer: tuple[str, int]) -> None:
        super().__init__({"peername": peer})
        self._process = process
        self._loop = process.network.loop
        self._link = link
        self._to = to
        self._from = link.back if to is link.there else link.there
        self._protocol: Any = None
        self._early: deque[Any] = deque()  # what has come, and was not given to the protocol
        self._reading = True
        self._stuck = False
        self._closing = False
        self._eof = False  # whether we have said that no more comes
        self._chance = random.Random(to.number)
        self._from.receive = self._arrived
        to.writable = self._writable

    def begin(self, protocol: asyncio.BaseProtocol) -> None:
        """Give it to a protocol."""
        self._protocol = protocol
        protocol.connection_made(self)
        self._tell()

    # What protocols use.

    def write(self, data: Any) -> None:
        """Put bytes on their way."""
        data = bytes(data)
        if self._closing or self._eof or not data:
            return
        cut = int(self._chance.random() * 8 * len(data))  # mostly it is beyond the end
        if 0 < cut < len(data):
            self._to.send(data[:cut])
            data = data[cut:]
        if not self._to.send(data) and not self._stuck and not self._link.over:
            self._stuck = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        """Put bytes on their way."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """It can."""
        return True

    def write_eof(self) -> None:
        """Say that no more bytes come."""
        if not self._eof:
            self._eof = True
            self._to.send(None)

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._closing

    def close(self) -> None:
        """Close it once all is written, which is at once."""
        if not self._closing:
            self.write_eof()
            self._lose(None)

    def abort(self) -> None:
        """Close it now."""
        if not self._closing:
            self._to.send(ConnectionLostError("the connection was reset by the other side"))
            self._lose(None)

    def pause_reading(self) -> None:
        """Give the protocol nothing until `resume_reading`."""
        self._reading = False

    def resume_reading(self) -> None:
        """Go on."""
        self._reading = True
        self._loop.call_soon(self._tell, context=self._process._context)

    def is_reading(self) -> bool:
        """Whether it gives the protocol what comes."""
        return self._reading and not self._closing

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Give it to another protocol."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Whose it is."""
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """The network says how much is on its way at the most."""

    def get_write_buffer_size(self) -> int:
        """What is written is on its way."""
        return 0

    # What the network tells.

    def _writable(self) -> None:
        if self._stuck and not self._closing:
            self._stuck = False
            self._protocol.resume_writing()

    def _arrived(self, what: Any) -> None:
        if self._closing:
            if type(what) is not bytes:
                self._link.end()
            return
        self._early.append(what)
        self._tell()

    def _tell(self) -> None:
        early, protocol = self._early, self._protocol
        while early and protocol is not None and self._reading and not self._closing:
            what = early.popleft()
            if type(what) is bytes:
                self._from.taken(len(what))
                if isinstance(protocol, asyncio.BufferedProtocol):
                    _fill(protocol, what)
                else:
                    protocol.data_received(what)
            elif what is None:
                if not protocol.eof_received():
                    self.close()
                if self._eof:
                    self._link.end()
            else:
                self._link.end()
                self._lose(ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)))
            protocol = self._protocol

    def _lose(self, error: Exception | None) -> None:
        self._closing = True
        self._early.clear()
        if self._protocol is not None:
            self._loop.call_soon(self._protocol.connection_lost, error, context=self._process._context)


def _fill(protocol: asyncio.BufferedProtocol, data: bytes) -> None:
    view = memoryview(data)
    while view:
        buffer = memoryview(protocol.get_buffer(len(view)))
        part = view[: len(buffer)]
        buffer[: len(part)] = part
        protocol.buffer_updated(len(part))
        view = view[len(part) :]


class Opening(Protocol):
    """The network, as who connects sees it."""

    def open(self, process: Process, address: str, metadata: Pairs, receive: Callable[[Any], None], /) -> Link | None:
        """Set out to an address. What comes back is told: `ACCEPTED`, or an error."""


async def dial(
    network: Opening, process: Process, factory: Factory, host: str, port: int
) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
    """Connect, as `loop.create_connection` does.

    Raises:
        OSError: Nobody listens there, or whoever did is gone.
    """
    accepted: asyncio.Future[None] = process.network.loop.create_future()
    made: list[SimulatedSocket] = []

    def receive(what: Any) -> None:
        if accepted.done():
            if link is not None:  # who has connected has given up
                link.there.send(ConnectionLostError("the connection was reset by the other side"))
                link.end()
        elif what == ACCEPTED and link is not None:
            made.append(SimulatedSocket(process, link, link.there, (host, port)))
            accepted.set_result(None)
        else:
            if link is not None:
                link.end()
            accepted.set_exception(ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)))

    link = network.open(process, f"{host}:{port}", (), receive)
    await accepted
    protocol = factory()
    made[0].begin(protocol)
    return made[0], protocol


class Addresses(Protocol):
    """The network, as listeners see it."""

    def bind(self, listener: Any, address: str, /) -> str:
        """Take an address."""

    def unbind(self, listener: Any, /) -> None:
        """Let go of it."""


class _Bound:
    """A socket that listens at an address: what connections go to."""

    family = None
    sockets = ()  # it is no real one

    def __init__(self, process: Process, network: Addresses) -> None:
        self.process = process
        self._network = network
        self._factory: Factory | None = None
        self._waiting: list[SimulatedSocket] = []

    def arrived(self, link: Link, metadata: Pairs, peer: tuple[str, int]) -> None:  # noqa: ARG002 - of streams
        """A connection has come; until somebody serves it, it waits."""
        self._waiting.append(SimulatedSocket(self.process, link, link.back, peer))
        self._serve()

    def serve_with(self, factory: Factory) -> None:
        """Say what connections are given to."""
        self._factory = factory
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._factory is not None:
            self._waiting.pop(0).begin(self._factory())

    def close(self) -> None:
        """Take no more connections."""
        self._network.unbind(self)


class SimulatedSocketListener(SocketListener):
    """What listens with HTTP/2, but for the sockets below."""

    def __init__(self, given: Mapping[str, Any], process: Process, network: Addresses) -> None:
        super().__init__(given)
        self._process = process
        self._network = network

    def bind(self, address: str, credentials: Any) -> str:
        """Take an address.

        Raises:
            OSError: Another process has it.
        """
        if credentials is not None:
            raise OSError(errno.EOPNOTSUPP, f"cannot listen on {address}: a simulation has no TLS")
        bound: Any = _Bound(self._process, self._network)
        taken = self._network.bind(bound, address)
        self._sockets = [bound]
        return taken
