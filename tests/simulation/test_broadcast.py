"""Broadcast on simulated hosts: what one member that goes on delivers all do."""

import asyncio
from typing import Any

import pytest

from pygorums import testing
from pygorums.broadcast import Broadcast, Mode
from tests.protos.calls_pb2 import Text
from tests.simulation.support import Echo

MEMBERS = 4


async def broadcasts(world: testing.World, mode: Mode, crashed: int = 1) -> None:
    """All send; one crashes in the middle of it; connections break."""
    replicas = await world.systems(MEMBERS, lambda _: Echo())
    delivered: dict[int, list[tuple[int, int]]] = {replica.node_id: [] for replica in replicas}
    buses = {}
    for replica in replicas:
        own = delivered[replica.node_id]

        def deliver(sender: int, message: Any, own: list[tuple[int, int]] = own) -> None:
            own.append((sender, message.number))

        buses[replica.node_id] = replica.host.process.run(Broadcast, replica.system, deliver, mode)

    async def send(node_id: int) -> None:
        for number in range(1, 6):
            await world.sleep(world.random.uniform(0, 0.1))
            await buses[node_id].send(Text(number=number))

    tasks = [replica.host.process.task(send(replica.node_id)) for replica in replicas]
    async with world.faults(partitions=1, pauses=1, resets=3, over=0.4):
        await world.sleep(world.random.uniform(0, 0.4))
        for replica in world.random.sample(replicas, crashed):
            world.crash(replica)
        await world.sleep(0.5)
    up = [replica.node_id for replica in replicas if replica.up]
    await asyncio.wait([task for replica, task in zip(replicas, tasks, strict=True) if replica.up])
    complete = {(sender, number) for sender in up for number in range(1, 6)}
    await world.eventually(lambda: all(complete <= set(delivered[each]) for each in up), "all deliver", within=60)
    await world.sleep(60)
    assert all(buses[each].lost == 0 for each in up)
    for each in up:
        assert len(delivered[each]) == len(set(delivered[each])), f"node {each} has delivered something twice"
        assert set(delivered[each]) == set(delivered[up[0]]), "one has delivered what another one has not"
        if mode == "fifo":
            for sender in range(1, MEMBERS + 1):
                numbers = [number for origin, number in delivered[each] if origin == sender]
                assert numbers == sorted(numbers), f"node {each} has delivered messages of {sender} in another order"


async def reliable(world: testing.World) -> None:
    await broadcasts(world, "reliable")


async def fifo(world: testing.World) -> None:
    await broadcasts(world, "fifo")


@pytest.mark.parametrize("scenario", [reliable, fifo])
def test_all_or_none_of_those_that_go_on_deliver(scenario: Any) -> None:
    testing.check(scenario, seeds=20)
