"""Who can reach whom, and how long it takes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.testing.simulation.hosts import Process, Wire
from pygorums.testing.simulation.links import ACCEPTED, Direction, Link
from pygorums.testing.simulation.loop import SimulatedLoop
from pygorums.testing.simulation.sockets import dial
from pygorums.testing.simulation.wires import WIRES, WireName
from pygorums.transports.carrier import CARRIER
from pygorums.wire.handshake import Pairs

__all__ = ["Network"]


class Listening(Protocol):
    """What accepts connections at an address."""

    @property
    def process(self) -> Process:
        """Where it does."""

    def arrived(self, link: Link, metadata: Pairs, peer: tuple[str, int], /) -> None:
        """A connection has come, from a host and a port."""


class Network:
    """Who can reach whom, and how long it takes.

    Args:
        loop: The loop.
        chance: For all that is left to chance.
        latency: The range in seconds from which each message's time on its way is drawn.
        wire: What streams are.
    """

    def __init__(
        self, loop: SimulatedLoop, chance: random.Random, latency: tuple[float, float], wire: WireName = "messages"
    ) -> None:
        self.loop = loop
        self.chance = chance
        self.latency = latency
        self.wire: Wire = WIRES[wire](self)
        self.trace: Callable[[str, str, str, int, Any], None] | None = None
        loop.dial = self.dial
        self._base = chance.getrandbits(40)
        self._links = 0
        self._ports: dict[str, int] = {}
        self._listening: dict[str, Listening] = {}
        self._delays: dict[tuple[str, str], tuple[float, float]] = {}
        self._partitions: list[tuple[frozenset[str], frozenset[str] | None]] = []
        self._waiting: dict[Direction, None] = {}

    # Who can reach whom.

    def partition(self, one: Iterable[str], other: Iterable[str] | None) -> object:
        """Cut off hosts from others, or from all others; what `heal` takes."""
        cut = (frozenset(one), None if other is None else frozenset(other))
        self._partitions.append(cut)
        return cut

    def heal(self, cut: object | None = None) -> None:
        """Undo one partition, or all."""
        self._partitions = [each for each in self._partitions if cut is not None and each is not cut]
        waiting, self._waiting = self._waiting, {}
        for direction in waiting:
            if self.hindered(direction.source.host.name, direction.target.host.name):
                self._waiting[direction] = None
            else:
                direction.heal()

    def hindered(self, source: str, target: str) -> bool:
        """Whether nothing gets from one host to another."""
        if not self._partitions:
            return False
        for one, other in self._partitions:
            inside = (source in one, target in one)
            if other is None:
                if inside[0] != inside[1]:
                    return True
            elif (inside[0] and target in other) or (inside[1] and source in other):
                return True
        return False

    def wait_for_heal(self, direction: Direction) -> None:
        """Have a direction told when it may go on."""
        self._waiting[direction] = None

    def delay(self, one: str, other: str, latency: tuple[float, float]) -> None:
        """Give two hosts another latency."""
        self._delays[one, other] = self._delays[other, one] = latency

    def latency_of(self, source: str, target: str) -> tuple[float, float]:
        """The range for messages from one host to another."""
        return self._delays.get((source, target), self.latency) if self._delays else self.latency

    def links(self, one: str, other: str, hosts: Mapping[str, Any]) -> list[Link]:
        """The streams that stand between two hosts."""
        return [link for link in hosts[one].process.links if link.between(one, other)]

    # Streams.

    def bind(self, listener: Listening, address: str) -> str:
        """Listen at an address of a host, whatever the host is called in it."""
        host, _, port = address.rpartition(":")
        if port == "0":
            port = str(self._ports.setdefault(host, 50_000))
            self._ports[host] += 1
        bound = f"{host}:{port}"
        there = self._listening.get(bound)
        if there is not None and there.process.alive:
            raise OSError(98, f"cannot listen on {bound}: another process of the simulation does")
        self._listening[bound] = listener
        return bound

    def unbind(self, listener: Listening) -> None:
        """Listen no more."""
        self._listening = {address: each for address, each in self._listening.items() if each is not listener}

    async def dial(self, factory: Callable[[], asyncio.BaseProtocol], host: str, port: int) -> Any:
        """Connect who asks, as `loop.create_connection` does."""
        process: Any = CARRIER.get()
        return await dial(self, process, factory, host, port)

    def open(self, process: Process, address: str, metadata: Pairs, receive: Callable[[Any], None]) -> Link | None:
        """Open a connection from a process to whoever listens at an address.

        Args:
            process: Who opens it.
            address: Where to.
            metadata: What the acceptor is given with it.
            receive: What is told of what comes back, first of all `ACCEPTED`, or an error if nobody is there.

        Returns:
            The connection; None if nobody is there.
        """
        self._links += 1
        number = self._base + self._links
        there = self._listening.get(address)
        target = None if there is None else there.process
        name = address.rpartition(":")[0]
        if target is None or not target.alive:
            high = self.latency_of(process.host.name, name)[1]
            refused = StreamDownError(f"{address}: connection refused")
            if not self.hindered(process.host.name, name):
                self.loop.call_later(2 * high, receive, refused, context=process._context)
            return None
        link = Link(self, process, target, number)
        link.back.receive = receive
        port = self._links % 20_000 + 30_000

        def accept(first: Any) -> None:
            # The listener may have gone while the first packet was on its way.
            listener = self._listening.get(address)
            if isinstance(first, StatusError) or listener is None or listener.process is not target:
                link.back.send(StreamDownError(f"{address}: connection refused"))
                return
            link.back.send(ACCEPTED)
            listener.arrived(link, metadata, (process.host.name, port))

        link.there.receive = accept
        link.there.send("open")
        return link
