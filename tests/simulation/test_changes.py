"""What is told of nodes adds up, whatever happens to hosts and connections."""

from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest

import pygorums as gorums
from pygorums import testing
from tests.simulation.protocols import Answering, Scenario
from tests.simulation.support import run

QUICK = gorums.Backoff(initial=0.02, maximum=0.1)


class Reader:
    """Reads changes, now and then, and knows what it was told of each node, and how it was at first."""

    def __init__(self, source: Any, config: gorums.Configuration) -> None:
        self._changes: Any = source.changes()
        self._told: defaultdict[int, list[type[Any]]] = defaultdict(list)
        for node in config:
            if node.connected:
                self._told[node.id].append(gorums.NodeUp)
        self.read = 0

    @property
    def happened(self) -> int:
        """How many changes there were."""
        return int(self.read + self._changes.missed)

    def catch_up(self) -> None:
        while (change := self._changes.take()) is not None:
            self._told[change.node_id].append(type(change))
            self.read += 1

    def check(self, config: gorums.Configuration) -> None:
        """The last change of each node is its state, and nothing was said twice."""
        self.catch_up()
        for node in config:
            told = self._told[node.id]
            if told or node.connected:
                assert told[-1] is (gorums.NodeUp if node.connected else gorums.NodeDown), (node, told[-5:])
            assert all(one is not other for one, other in pairwise(told)), f"said twice of {node}"


def flapping(flaps: int) -> Scenario:
    """Connections break, hosts crash and come back, and readers read all, some, or nothing of it."""

    async def scenario(world: testing.World) -> None:
        replicas = await world.servers(4, lambda node_id: Answering())
        config = world.connect(replicas, host="c", backoff=QUICK)
        await config.wait_connected()
        every, seldom, never = (Reader(config, config) for _ in range(3))
        down: list[Any] = []
        for _ in range(flaps):
            await world.sleep(world.random.uniform(0, 0.2))
            every.catch_up()
            if world.random.random() < 0.05:
                seldom.catch_up()
            if down and (len(down) == len(replicas) or world.random.random() < 0.5):
                await world.restart(down.pop())
            elif world.random.random() < 0.2:
                down.append(world.random.choice([each for each in replicas if each not in down]))
                world.crash(down[-1])
            else:
                world.reset("c", world.random.choice(list(replicas)))
        for reader in (every, seldom, never):
            reader.check(config)
        assert every.happened == seldom.happened == never.happened >= flaps / 2
        for replica in down:
            await world.restart(replica)
        await config.wait_connected(timeout=60)
        for reader in (every, seldom, never):
            reader.check(config)

    return scenario


@pytest.mark.parametrize("seed", range(3))
def test_changes_add_up(seed: int) -> None:
    run(flapping(200), seed, latency=None)


async def suspicions(world: testing.World) -> None:
    """A node that is frozen is suspected long before its stream is given up, and one that is only slow never is."""
    replicas = await world.servers(3, lambda node_id: Answering())
    world.delay("c", replicas[1], 0.01, 0.03)
    second = [("grpc.keepalive_time_ms", 1000)]
    config = world.connect(replicas, host="c", suspect_after=8, channel_options=second, backoff=QUICK)
    await config.wait_connected()
    changes = config.changes()
    await world.sleep(60)
    assert changes.take() is None
    began = world.time
    for kind, lasts in ((gorums.NodeUp, 1.4), (gorums.NodeDown, 5.0)):
        world.pause(replicas[0])
        assert await anext(changes) == gorums.NodeSuspected(config[0])
        assert 0.5 < world.time - began < 1.3
        assert [node.suspected for node in config] == [True, False, False]
        assert config[0].connected
        await world.sleep(began + lasts - world.time)
        world.resume(replicas[0])
        change = await anext(changes)
        assert isinstance(change, kind)
        assert not config[0].suspected
        await config.wait_connected(timeout=10)
        await world.sleep(30)
        began = world.time
    assert isinstance(await anext(changes), gorums.NodeUp)
    assert changes.take() is None


def test_frozen_nodes_are_suspected() -> None:
    run(suspicions, latency=(0.001, 0.02))
