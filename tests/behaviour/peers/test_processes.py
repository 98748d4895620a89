"""A cluster of real processes, which know of each other nothing but their addresses."""

import asyncio
import itertools
from contextlib import AsyncExitStack

import pytest

import pygorums as gorums
from tests.behaviour.peers.system_process import SystemProcess
from tests.behaviour.peers.test_systems import free_addresses
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.cluster import QUICK
from tests.support.waiting import within


async def everybody_answers(config: gorums.Configuration, count: int) -> None:
    """Waits until every node, asked to nest a quorum call, has got replies of so many nodes, itself among them."""

    async def answers(node: gorums.Node) -> None:
        while True:
            reply = await echo(node, Text(text="iterate"), timeout=10)
            if reply.number == count:
                return
            await asyncio.sleep(0.02)

    await within(asyncio.gather(*(answers(node) for node in config)), 30)


@pytest.mark.parametrize("order", [*itertools.permutations((1, 2, 3))][::2])
async def test_started_in_any_order_killed_and_started_again(order: tuple[int, ...]) -> None:
    """Peers find each other, and one that comes back, without anybody calling them.

    Rows: 48, 49, 53, 84, 94, 261, 265.
    """
    addresses = free_addresses(3)
    async with AsyncExitStack() as stack:
        processes = {}
        for node_id in order:
            processes[node_id] = await stack.enter_async_context(SystemProcess(node_id, addresses))
        async with gorums.connect(addresses, backoff=QUICK) as config:
            await config.wait_connected(timeout=20)
            await everybody_answers(config, 3)
            victim = order[0]
            await processes[victim].kill()
            await everybody_answers(config.remove(victim), 2)
            await processes[victim].start()
            await config.wait_connected(timeout=20)
            await everybody_answers(config, 3)
            assert await processes[victim].terminate() == 0
            await everybody_answers(config.remove(victim), 2)
