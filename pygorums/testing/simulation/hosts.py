"""Hosts, and the processes that run on them, one at a time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context, copy_context
from typing import Any, Protocol, TypeVar

from pygorums.base.errors import ConfigurationError
from pygorums.testing.simulation.disk import Disk
from pygorums.testing.simulation.handles import Handle
from pygorums.testing.simulation.loop import SimulatedLoop
from pygorums.transports.carrier import CARRIER
from pygorums.transports.interface import Connector
from pygorums.transports.listener import Listener

__all__ = ["Host", "Process", "Wire", "Wires"]

T = TypeVar("T")


class Wire(Protocol):
    """What streams are made of."""

    def connectors(self, process: Process, options: Mapping[str, Any], /) -> Callable[[str], Connector]:
        """What makes, for an address, what opens streams to it from a process."""

    def listener(self, process: Process, options: Mapping[str, Any], /) -> Listener:
        """What accepts streams in a process."""


class Wires(Protocol):
    """The network, as processes see it."""

    @property
    def loop(self) -> SimulatedLoop:
        """The loop that all run on."""

    @property
    def wire(self) -> Wire:
        """What its streams are."""


class Process:
    """What runs on a host between a start and a crash; it is what carries the streams of all that runs in it.

    Its code is told from that of others by its context: what was begun in it, directly or not, belongs to it.
    """

    def __init__(self, host: Host, network: Wires) -> None:
        self.host = host
        self.network = network
        self.halted = False
        self.alive = True
        self.links: dict[Any, None] = {}  # its streams, which the network knows more of
        self._deferred: list[Handle] = []
        self._context = copy_context()
        self._context.run(CARRIER.set, self)

    def defer(self, handle: Handle) -> None:
        """Keep a handle until the process goes on; a dead one keeps it, and never calls it."""
        self._deferred.append(handle)

    def pause(self) -> None:
        """Let nothing happen in it."""
        self.halted = True

    def resume(self, loop: SimulatedLoop) -> None:
        """Let happen what would have happened meanwhile."""
        if self.alive:
            self.halted = False
            handles, self._deferred = self._deferred, []
            loop.ready_again(handles)

    def die(self) -> None:
        """Abandon everything where it stands."""
        self.alive = False
        self.halted = True

    def context(self) -> Context:
        """A fresh copy of its context."""
        return self._context.copy()

    def run(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call a function in it."""
        return self.context().run(function, *args, **kwargs)

    def task(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a coroutine in it."""
        return asyncio.get_running_loop().create_task(coroutine, context=self.context())

    # What the engine asks for.

    def connectors(self, credentials: object, options: Mapping[str, Any], /) -> Callable[[str], Connector]:
        """What makes, for an address, what opens streams to it.

        Raises:
            ConfigurationError: There are credentials.
        """
        if credentials is not None:
            raise ConfigurationError("a simulation has no TLS: leave out the credentials there")
        return self.network.wire.connectors(self, options)

    def listener(self, options: Mapping[str, Any], /) -> Listener:
        """What accepts streams."""
        return self.network.wire.listener(self, options)


class Host:
    """A machine of a simulation, with a name, a disk, and a clock on the wall.

    Attributes:
        name: Its name.
        disk: What it keeps when it crashes.
        skew: Seconds by which its `time.time` is ahead of the world's.
        process: What runs on it.
    """

    def __init__(self, name: str, network: Wires) -> None:
        self.name = name
        self.disk = Disk()
        self.skew = 0.0
        self._network = network
        self.process = Process(self, network)
        self.boot: Callable[[], Coroutine[Any, Any, None]] | None = None  # what a restart begins with

    @property
    def up(self) -> bool:
        """Whether it has not crashed, or was restarted since."""
        return self.process.alive

    @property
    def paused(self) -> bool:
        """Whether nothing happens on it, though it has not crashed."""
        return self.process.alive and self.process.halted

    def crash(self, chance: random.Random) -> None:
        """End its process where it stands, and lose what was not synced."""
        self.process.die()
        self.disk.crash(chance)

    def reboot(self) -> None:
        """Have a new process."""
        self.process = Process(self, self._network)

    def __repr__(self) -> str:
        return f"<host {self.name}>"
