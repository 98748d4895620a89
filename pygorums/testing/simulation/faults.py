"""What goes wrong in a run: drawn from its seed, and applied while it goes on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pygorums.testing.simulation.hosts import Host
from pygorums.testing.simulation.network import Network

__all__ = ["KINDS", "Afflicted", "Fault", "Faults", "drawn"]

KINDS = ("partition", "crash", "pause", "reset", "skew")


@dataclass(slots=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        number: Its place among all faults of the run.
        kind: "partition", "crash", "pause", "reset" or "skew".
        at: Seconds after the beginning of its block.
        lasts: Seconds until it is over: healed, restarted, resumed.
        choice: What chooses the hosts, when it happens.
        text: What it was, once it has happened.
    """

    number: int
    kind: str
    at: float
    lasts: float
    choice: int
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.at:.4f} s: {self.text or f'{self.kind}, which hit nobody'}"


class Afflicted(Protocol):
    """The world, as faults see it."""

    @property
    def hosts(self) -> Mapping[str, Host]:
        """All hosts by name."""

    @property
    def network(self) -> Network:
        """The network."""

    def servers_up(self) -> list[Host]:
        """The hosts of servers that have not crashed."""

    def note(self, text: str, /) -> None:
        """Write something into the timeline."""

    def crash(self, host: str, /) -> None:
        """End what runs on a host."""

    async def restart(self, host: str, /) -> None:
        """Start it again."""

    def pause(self, host: str, /) -> None:
        """Let it stand still."""

    def resume(self, host: str, /) -> None:
        """Let it go on."""


class Faults:
    """The faults of one block, as an asynchronous context manager. At its end all are over, and every host is up."""

    def __init__(self, world: Afflicted, faults: list[Fault]) -> None:
        self._world = world
        self._faults = faults
        self._timers: list[asyncio.TimerHandle] = []
        self._over: dict[int, Callable[[], Any]] = {}  # by number: what ends it
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> list[Fault]:
        loop = asyncio.get_running_loop()
        for fault in self._faults:
            self._timers.append(loop.call_later(fault.at, self._begin, fault))
        return self._faults

    async def __aexit__(self, *exc_info: object) -> None:
        for timer in self._timers:
            timer.cancel()
        for number in list(self._over):
            self._end(number)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self, fault: Fault) -> None:
        end = getattr(self, f"_{fault.kind}")(fault, random.Random(fault.choice))
        if fault.text:
            self._world.note(fault.text)
        if end is not None:
            self._over[fault.number] = end
            self._timers.append(asyncio.get_running_loop().call_later(fault.lasts, self._end, fault.number))

    def _end(self, number: int) -> None:
        end = self._over.pop(number, None)
        if end is not None:
            end()

    def _partition(self, fault: Fault, chance: random.Random) -> Callable[[], Any] | None:
        world = self._world
        names = list(world.hosts)
        servers = [host.name for host in world.servers_up()]
        if len(names) < 2 or not servers:
            return None
        one = {name for name in names if chance.random() < 0.5}
        # Both sides have somebody, and servers are parted where there are several.
        first = chance.choice(servers)
        others = [name for name in (servers if len(servers) > 1 else names) if name != first]
        one.add(first)
        one.discard(chance.choice(others))
        rest = [name for name in names if name not in one]
        fault.text = f"{', '.join(sorted(one))} cut off from {', '.join(sorted(rest))} for {fault.lasts:.3f} s"
        cut = world.network.partition(one, rest)

        def heal() -> None:
            world.note(f"{', '.join(sorted(one))} no longer cut off")
            world.network.heal(cut)

        return heal

    def _crash(self, fault: Fault, chance: random.Random) -> Callable[[], Any] | None:
        up = self._world.servers_up()
        if not up:
            return None
        host = chance.choice(up)
        fault.text = f"{host.name} crashes, and restarts after {fault.lasts:.3f} s"
        self._world.crash(host.name)
        return lambda: self._tasks.append(asyncio.get_running_loop().create_task(self._restart(host.name)))

    async def _restart(self, name: str) -> None:
        if not self._world.hosts[name].up:
            await self._world.restart(name)

    def _pause(self, fault: Fault, chance: random.Random) -> Callable[[], Any] | None:
        running = [host for host in self._world.servers_up() if not host.paused]
        if not running:
            return None
        host = chance.choice(running)
        fault.text = f"{host.name} stands still for {fault.lasts:.3f} s"
        self._world.pause(host.name)
        return lambda: self._world.resume(host.name)

    def _reset(self, fault: Fault, chance: random.Random) -> None:
        links = sorted(
            {link for host in self._world.hosts.values() for link in host.process.links}, key=lambda link: link.number
        )
        if links:
            link = chance.choice(links)
            fault.text = f"the connection from {link.there.source.host.name} to {link.there.target.host.name} is reset"
            link.reset()

    def _skew(self, fault: Fault, chance: random.Random) -> Callable[[], Any] | None:
        up = self._world.servers_up()
        if not up:
            return None
        host = chance.choice(up)
        seconds = chance.uniform(-1, 1) * chance.choice([0.01, 1, 60])
        fault.text = f"the clock of {host.name} is {seconds:+.3f} s off for {fault.lasts:.3f} s"
        host.skew = seconds

        def set_back() -> None:
            host.skew = 0.0

        return set_back


def drawn(counts: Mapping[str, int], over: float, chance: random.Random, numbers: Callable[[], int]) -> list[Fault]:
    """Faults of a block: how many of each kind, within about so many seconds."""
    # In some runs they are close together, in others far apart.
    span = over * 2 ** chance.uniform(-4, 1)
    faults = []
    for kind in KINDS:
        for _ in range(counts.get(kind, 0)):
            lasts = span * chance.choice([0.02, 0.1, 0.3, 0.7]) * (0.5 + chance.random())
            faults.append(Fault(numbers(), kind, chance.uniform(0, span), lasts, chance.getrandbits(32)))
    return sorted(faults, key=lambda fault: fault.at)
