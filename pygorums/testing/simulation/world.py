"""What a scenario uses: hosts, what runs on them, and what goes wrong."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pygorums.nodes.configuration import Configuration
from pygorums.nodes.connecting import connect
from pygorums.serving.server import Server
from pygorums.serving.service import Service
from pygorums.serving.system import System
from pygorums.testing.simulation.faults import Fault, Faults, drawn
from pygorums.testing.simulation.hosts import Host, Process
from pygorums.testing.simulation.loop import START, SimulatedLoop
from pygorums.testing.simulation.network import Network
from pygorums.testing.simulation.replicas import Hosts, Replica, address_of, names_of, shown_names
from pygorums.testing.simulation.wires import WireName
from pygorums.transports.carrier import CARRIER

__all__ = ["ConditionError", "World"]

PORT = 7000


class ConditionError(AssertionError):
    """A condition that was to hold always does not, or one that was to hold eventually has not held in time."""


class World:
    """The hosts of a run, the network between them, and its clock.

    Scenarios get one. What they do themselves happens on a host of its own, "scenario", which nothing hinders.

    Attributes:
        seed: What all chance in the run comes from.
        random: A source of randomness for scenarios.
        hosts: The hosts by name, in the order in which they were first mentioned.
    """

    def __init__(
        self,
        loop: SimulatedLoop,
        seed: int,
        latency: tuple[float, float] | None,
        variant: int = 0,
        wire: WireName = "messages",
    ) -> None:
        self.seed = seed
        self.random = random.Random(f"{seed} scenario")
        self.hosts: dict[str, Host] = {}
        self._loop = loop
        self._chance = random.Random(f"{seed} faults")
        network_chance = random.Random(f"{seed} network {variant}" if variant else f"{seed} network")
        if latency is None:
            low = 10 ** network_chance.uniform(-4, -2)
            latency = (low, low * network_chance.choice([1.5, 5, 20]))
        self.network = Network(loop, network_chance, latency, wire)
        self._fault_numbers = itertools.count()
        self.faults_drawn: list[Fault] = []
        self.instead: Mapping[int, Fault | None] | None = None  # by number: what to do for a fault that is drawn
        self.notes: Callable[[str], None] | None = None
        self._conditions: list[tuple[str, Callable[[], bool]]] = []
        self._eventually: dict[asyncio.Future[None], tuple[str, Callable[[], bool]]] = {}
        self._replicas: dict[str, Replica] = {}
        self.abandoned: list[Any] = []  # what is held until the run is over
        self.host("scenario")

    # Hosts and what runs on them.

    @property
    def time(self) -> float:
        """Seconds since the run began."""
        return self._loop.time() - START

    async def sleep(self, seconds: float) -> None:
        """Let time go by."""
        await asyncio.sleep(seconds)

    def host(self, name: str) -> Host:
        """The host with a name; it is made when it is first mentioned."""
        found = self.hosts.get(name)
        if found is None:
            found = self.hosts[name] = Host(name, self.network)
        return found

    @property
    def here(self) -> Host:
        """The host on which the code runs that asks."""
        process = CARRIER.get()
        return process.host if isinstance(process, Process) else self.hosts["scenario"]

    async def systems(
        self,
        n: int,
        make_service: Callable[[int], Service | Sequence[Service]],
        *,
        settings: Callable[[int], Mapping[str, Any]] | None = None,
        **options: Any,
    ) -> list[Replica]:
        """A cluster of `n` systems, as `pygorums.local_systems` makes them, on hosts "s1", "s2", ….

        Args:
            n: How many.
            make_service: Makes the service of a node, when its host starts and whenever it is restarted. `here` is its
                host then.
            settings: Gives further keyword arguments for the `pygorums.System` of a node.
            options: Further keyword arguments for each.
        """
        peers = {node_id: f"s{node_id}:{PORT}" for node_id in range(1, n + 1)}

        def make(node_id: int, service: Any) -> System:
            own = {} if settings is None else settings(node_id)
            return System(peers[node_id], service, node_id=node_id, peers=peers, **{**options, **own})

        return await self._start(peers, make_service, make)

    async def servers(
        self, n: int, make_service: Callable[[int], Service | Sequence[Service]], **options: Any
    ) -> list[Replica]:
        """`n` servers that do not know each other, on hosts "s1", "s2", …; else as `systems`."""
        addresses = {node_id: f"s{node_id}:{PORT}" for node_id in range(1, n + 1)}

        def make(node_id: int, service: Any) -> Server:
            return Server(service, address=addresses[node_id], **options)

        return await self._start(addresses, make_service, make)

    async def _start(
        self, addresses: Mapping[int, str], make_service: Callable[[int], Any], make: Callable[[int, Any], Any]
    ) -> list[Replica]:
        if any(name in self._replicas for name in (f"s{node_id}" for node_id in addresses)):
            raise ValueError("a world has one cluster: systems or servers were made before")
        replicas = []
        for node_id, address in addresses.items():
            host = self.host(f"s{node_id}")
            replica = Replica(host, node_id, address)
            self._replicas[host.name] = replica
            replicas.append(replica)

            async def boot(replica: Replica = replica) -> None:
                replica.service = make_service(replica.node_id)
                replica.system = make(replica.node_id, replica.service)
                self.abandoned.append(replica.system)
                await replica.system.start()

            host.boot = boot
        for replica in replicas:
            await self._boot(replica.host)
        return replicas

    async def _boot(self, host: Host) -> None:
        assert host.boot is not None
        task = host.process.task(host.boot())
        self.abandoned.append(task)
        await asyncio.shield(task)

    def connect(
        self, nodes: Iterable[Replica | str] | Mapping[int, Replica | str], *, host: str = "scenario", **options: Any
    ) -> Configuration:
        """A configuration, as `pygorums.connect` makes it, whose streams are opened by a host.

        Args:
            nodes: Replicas, or addresses.
            host: The name of the host.
            options: Further keyword arguments for `pygorums.connect`.
        """
        if isinstance(nodes, Mapping):
            addresses = {node_id: address_of(node) for node_id, node in nodes.items()}
        else:
            listed = list(nodes)
            numbers = [node.node_id if isinstance(node, Replica) else index for index, node in enumerate(listed, 1)]
            addresses = dict(zip(numbers, map(address_of, listed), strict=True))
        config = self.host(host).process.run(connect, addresses, **options)
        self.abandoned.append(config)
        return config

    def servers_up(self) -> list[Host]:
        """The hosts of replicas that have not crashed."""
        return [replica.host for replica in self._replicas.values() if replica.host.up]

    # What goes wrong.

    def faults(
        self,
        *,
        partitions: int = 0,
        crashes: int = 0,
        pauses: int = 0,
        resets: int = 0,
        skews: int = 0,
        over: float = 1.0,
    ) -> Faults:
        """Faults that are drawn from the seed, for an ``async with``. At its end all are over and all hosts are up.

        Args:
            partitions: How many times some hosts are cut off from the others.
            crashes: How many times a server's host crashes and is restarted.
            pauses: How many times a server's host stands still for a while.
            resets: How many times a connection breaks.
            skews: How many times the clock on the wall of a server's host is off for a while.
            over: Within how many seconds, about.
        """
        counts = {"partition": partitions, "crash": crashes, "pause": pauses, "reset": resets, "skew": skews}
        faults = drawn(counts, over, self._chance, lambda: next(self._fault_numbers))
        if self.instead is not None:
            instead = self.instead
            faults = [other for fault in faults if (other := instead.get(fault.number)) is not None]
        self.faults_drawn.extend(faults)
        return Faults(self, faults)

    def partition(self, one: Hosts, other: Hosts) -> None:
        """Let nothing get from some hosts to others, nor back, until `heal`."""
        self.note(f"{shown_names(one)} cut off from {shown_names(other)}")
        self.network.partition(names_of(one), names_of(other))

    def isolate(self, hosts: Hosts) -> None:
        """Cut off hosts from all others, until `heal`."""
        self.note(f"{shown_names(hosts)} cut off from all others")
        self.network.partition(names_of(hosts), None)

    def heal(self) -> None:
        """End all partitions."""
        self.note("partitions healed")
        self.network.heal()

    def crash(self, host: str | Host | Replica) -> None:
        """End what runs on a host where it stands: no ``finally``, no ``except`` gets to run. Memory is lost.

        Its connections break. Files that were not synced may be lost, too.
        """
        crashed = self._host(host)
        if not crashed.up:
            raise ValueError(f"{crashed.name} has crashed before, and was not restarted")
        self.note(f"{crashed.name} crashes")
        process = crashed.process
        # Held, and never resumed: whoever lets go of a coroutine lets it clean up.
        self.abandoned.append((process, asyncio.all_tasks(self._loop)))
        for link in list(process.links):
            link.died(process, self._chance)
        crashed.crash(self._chance)

    async def restart(self, host: str | Host | Replica) -> None:
        """Start a host that has crashed, and what ran on it anew."""
        crashed = self._host(host)
        if crashed.up:
            raise ValueError(f"{crashed.name} is up")
        self.note(f"{crashed.name} restarts")
        crashed.reboot()
        if crashed.boot is not None:
            await self._boot(crashed)

    def pause(self, host: str | Host | Replica) -> None:
        """Let a host stand still until `resume`, as a machine that swaps, or is suspended."""
        self.note(f"{self._host(host).name} stands still")
        self._host(host).process.pause()

    def resume(self, host: str | Host | Replica) -> None:
        """Let a host go on."""
        self.note(f"{self._host(host).name} goes on")
        self._host(host).process.resume(self._loop)

    def reset(self, one: str | Host | Replica, other: str | Host | Replica) -> None:
        """Break the connections between two hosts; what is on its way is lost."""
        first, second = self._host(one), self._host(other)
        self.note(f"connections between {first.name} and {second.name} are reset")
        for link in self.network.links(first.name, second.name, self.hosts):
            link.reset()

    def delay(self, one: Hosts, other: Hosts, low: float, high: float | None = None) -> None:
        """Give messages between hosts another latency, in seconds, from now on."""
        for first in names_of(one):
            for second in names_of(other):
                self.network.delay(first, second, (low, low if high is None else high))

    def skew(self, host: str | Host | Replica, seconds: float) -> None:
        """Set the clock on the wall of a host, `time.time`, so many seconds ahead of the world's."""
        self._host(host).skew = seconds

    def _host(self, host: str | Host | Replica) -> Host:
        return self.host(next(iter(names_of(host))))

    def note(self, text: str) -> None:
        """Write something into the timeline of the run."""
        if self.notes is not None:
            self.notes(text)

    # What must hold.

    def always(self, condition: Callable[[], bool], name: str) -> None:
        """From now on a condition must hold after every step; the run fails with `ConditionError` when it does not."""
        self._conditions.append((name, condition))
        self._loop.after_each = self._check
        self._check()

    def eventually(self, condition: Callable[[], bool], name: str, *, within: float) -> asyncio.Future[None]:
        """A condition must hold at some time within so many seconds, be it that the scenario is over by then.

        Returns:
            What can be awaited, until it holds.
        """
        future: asyncio.Future[None] = self._loop.create_future()
        if condition():
            future.set_result(None)
            return future
        self._eventually[future] = (name, condition)
        self._loop.after_each = self._check
        self._loop.call_later(within, self._late, future, within)
        return future

    def _late(self, future: asyncio.Future[None], within: float) -> None:
        if future in self._eventually:
            name, condition = self._eventually.pop(future)
            if condition():
                future.set_result(None)
                return
            self._loop.fail(ConditionError(f"{name}: not within {within:g} s, at {self.time:.4f} s"))

    def _check(self) -> None:
        for name, condition in self._conditions:
            if not condition():
                self._loop.fail(ConditionError(f"{name}: does not hold at {self.time:.4f} s"))
        for future, (_, condition) in list(self._eventually.items()):
            if condition():
                del self._eventually[future]
                if not future.done():
                    future.set_result(None)

    def outstanding(self) -> Iterator[asyncio.Future[None]]:
        """What is to hold eventually and has not yet."""
        return iter(list(self._eventually))
