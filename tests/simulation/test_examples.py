"""The register, Paxos and broadcast examples on simulated hosts."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

import pygorums as gorums
from examples.bracha.bracha_gorums import BrachaServer
from examples.bracha.bracha_pb2 import Message
from examples.bracha.member import Member
from examples.paxos.acceptor import Acceptor
from examples.paxos.paxos_pb2 import Promise
from examples.paxos.proposer import Proposer
from examples.register.client import Register
from examples.register.register_pb2 import Value
from examples.register.replica import Replica
from pygorums import quorums, testing


class DiskFiles:
    """The register's files on a simulated disk."""

    def __init__(self, disk: testing.Disk) -> None:
        self._disk = disk

    def load(self) -> dict[str, Value]:
        values = (Value.FromString(self._disk.read(name)) for name in self._disk)
        return {value.key: value for value in values}

    def save(self, value: Value) -> None:
        self._disk.write(value.key, value.SerializeToString())
        self._disk.sync()


class DiskMemory:
    """An acceptor's memory on a simulated disk."""

    def __init__(self, disk: testing.Disk) -> None:
        self._disk = disk

    def load(self) -> Promise:
        return Promise.FromString(self._disk.read("promise")) if "promise" in self._disk else Promise()

    def save(self, promise: Promise) -> None:
        self._disk.write("promise", promise.SerializeToString())
        self._disk.sync()


SYSTEMS = {
    "majority": (3, quorums.majority([1, 2, 3])),
    "threshold": (4, quorums.threshold([1, 2, 3, 4], reads=2, writes=3)),
    "grid": (4, quorums.grid([[1, 2], [3, 4]])),
}


async def registers(world: testing.World, name: str) -> None:
    n, system = SYSTEMS[name]
    replicas = await world.servers(n, lambda _: Replica(DiskFiles(world.here.disk)))
    history = testing.History()

    async def client(process: str) -> None:
        register = Register(world.connect(replicas, host=process), system, timeout=0.5)
        for number in range(5):
            await world.sleep(world.random.uniform(0, 0.1))
            if world.random.random() < 0.5:
                await history.call(process, "write", f"{process}{number}", register.write("x", f"{process}{number}"))
            else:
                await history.call(process, "read", None, register.read("x"))

    async with world.faults(partitions=2, crashes=2, pauses=1, resets=2):
        await asyncio.gather(*(client(process) for process in "abc"))
    history.assert_linearizable(testing.register())


async def majority(world: testing.World) -> None:
    await registers(world, "majority")


async def threshold(world: testing.World) -> None:
    await registers(world, "threshold")


async def grid(world: testing.World) -> None:
    await registers(world, "grid")


@pytest.mark.parametrize("scenario", [majority, threshold, grid])
def test_a_register_is_atomic(scenario: Any) -> None:
    testing.check(scenario, seeds=15)


async def decisions(world: testing.World, phase1: int = 3, phase2: int = 3, acceptors: int = 5) -> None:
    """Proposers, one after the other and at the same time: all learn one value, which one of them has proposed."""
    replicas = await world.servers(acceptors, lambda _: Acceptor(DiskMemory(world.here.disk)))
    everybody = quorums.of(phase1, *range(1, acceptors + 1)), quorums.of(phase2, *range(1, acceptors + 1))
    system: Any = SimpleNamespace(reads=everybody[0], writes=everybody[1])  # nobody checks here that they meet
    decided = []

    async def proposer(name: str) -> None:
        config = world.connect(replicas, host=name)
        await world.sleep(world.random.uniform(0, 0.2))
        decided.append(await Proposer(config, system, timeout=0.3).propose(name))

    async with world.faults(partitions=2, crashes=3, pauses=1, resets=2):
        await asyncio.gather(*(proposer(name) for name in "abcd"))
    assert len(set(decided)) == 1, f"different values are decided: {decided}"
    assert decided[0] in "abcd"


async def flexible(world: testing.World) -> None:
    await decisions(world, phase1=4, phase2=2)


async def too_few(world: testing.World) -> None:
    await decisions(world, phase1=2, phase2=3)


@pytest.mark.parametrize("scenario", [decisions, flexible])
def test_all_proposers_learn_one_value(scenario: Any) -> None:
    testing.check(scenario, seeds=15)


def test_quorums_of_the_phases_that_do_not_meet_are_found_out() -> None:
    with pytest.raises(testing.SimulationFailure, match="different values are decided"):
        testing.check(too_few, seeds=2000)


class Twin(BrachaServer):
    """Two members with one identity: each talks to some of the others only, and they contradict each other."""

    def __init__(self) -> None:
        self.twins = [Member(lambda *_: None), Member(lambda *_: None)]

    async def started(self, system: gorums.System) -> None:
        others = [node_id for node_id in system.outbound.node_ids if node_id != system.node_id]
        for index, twin in enumerate(self.twins):
            await twin.started(system)
            some = system.outbound.remove(others[index])
            twin._system = SimpleNamespace(node_id=system.node_id, outbound=some)  # type: ignore[assignment]

    async def initial(self, ctx: gorums.ServerContext, request: Message) -> None:
        for twin in self.twins:
            await twin.initial(ctx, request)

    async def echo(self, ctx: gorums.ServerContext, request: Message) -> None:
        for twin in self.twins:
            await twin.echo(ctx, request)

    async def ready(self, ctx: gorums.ServerContext, request: Message) -> None:
        for twin in self.twins:
            await twin.ready(ctx, request)


async def broadcasts(world: testing.World) -> None:
    """Three honest members and a twin: what one honest member delivers all do, and it is the same."""
    delivered: dict[int, dict[tuple[int, int], bytes]] = {1: {}, 2: {}, 3: {}}

    def member(node_id: int) -> BrachaServer:
        def deliver(sender: int, number: int, content: bytes) -> None:
            assert (sender, number) not in delivered[node_id], "delivered twice"
            delivered[node_id][sender, number] = content

        return Member(deliver) if node_id in delivered else Twin()

    replicas = await world.systems(4, member)
    async with world.faults(partitions=1, pauses=1, resets=3):
        for number in range(1, 4):
            for replica in replicas[:3]:
                await replica.service.broadcast(f"{replica.node_id} says {number}".encode())
            for index, twin in enumerate(replicas[3].service.twins):
                await twin.broadcast(f"lie {index}".encode())
            await world.sleep(world.random.uniform(0, 0.2))
    honest = {(sender, number) for sender in delivered for number in range(1, 4)}
    await world.eventually(lambda: all(honest <= got.keys() for got in delivered.values()), "honest ones", within=30)
    await world.sleep(30)
    first, second, third = delivered.values()
    assert first == second == third, "honest members have delivered different messages"


def test_honest_members_deliver_the_same_whatever_a_twin_says() -> None:
    testing.check(broadcasts, seeds=15)
