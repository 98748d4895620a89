"""The Raft example, while members crash, stand still, are cut off, come and go."""

import pytest

from examples.raft.client import Client
from pygorums import testing
from tests.simulation.raft import Scenario, changing, clients, cluster
from tests.simulation.support import run


async def faults(world: testing.World) -> None:
    await clients()(world)


def power_cut(*, forgetful: bool) -> Scenario:
    """All members crash at once."""

    async def scenario(world: testing.World) -> None:
        replicas = await cluster(world, forgetful=forgetful)
        asked = Client(world.connect(replicas, host="a"), patience=0.5)
        for number in range(5):
            await asked.put("x", str(number))
        for replica in replicas:
            world.crash(replica)
        for replica in replicas:
            await world.restart(replica)
        assert await asked.get("x") == "4"

    return scenario


async def two_of_three(world: testing.World) -> None:
    """One member is gone for good: the other two elect, and go on."""
    replicas = await cluster(world)
    asked = Client(world.connect(replicas, host="a"), patience=0.5)
    await asked.put("x", "1")
    (leader,) = [replica for replica in replicas if replica.service.raft.role.value == "leader"]
    world.crash(leader)
    await asked.put("x", "2")
    assert await asked.get("x") == "2"
    assert await asked.cas("x", "2", "3")
    assert not await asked.cas("x", "2", "4")


def test_clients_see_one_store() -> None:
    testing.check(faults, seeds=12)


def test_members_come_and_go() -> None:
    testing.check(changing, seeds=2)


def test_a_majority_is_enough() -> None:
    run(two_of_three, latency=None)


def test_a_power_cut_loses_nothing() -> None:
    run(power_cut(forgetful=False), latency=None)


def test_a_disk_that_only_says_that_it_has_saved_is_found_out() -> None:
    with pytest.raises(AssertionError):
        run(power_cut(forgetful=True), latency=None)
