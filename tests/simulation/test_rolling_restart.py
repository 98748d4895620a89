"""Servers that take leave, and are started again: no call fails, no RPC is handled twice or never."""

import asyncio
from collections import Counter
from typing import Any

import pytest

import pygorums as gorums
from pygorums import testing
from tests.protos.calls_gorums import ask, echo, note
from tests.protos.calls_pb2 import Text
from tests.simulation.protocols import Answering
from tests.simulation.support import run

QUICK = gorums.Backoff(initial=0.02, maximum=0.1)


async def restarts(world: testing.World) -> None:
    """Each server once, while clients make calls, which they make at another node if one says that it is leaving."""
    handled: Counter[str] = Counter()

    class Counting(Answering):
        async def _handle(self, request: Text) -> Text:
            await asyncio.sleep(world.random.choice([0, 0, 0.05]))
            handled[request.text] += 1
            return request

        async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
            return await self._handle(request)

        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            if world.random.random() < 0.5:
                ctx.release()
            return await self._handle(request)

        async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
            await self._handle(request)

    replicas = await world.servers(3, lambda node_id: Counting())
    over = False
    once: list[str] = []
    at_most_once: list[str] = []  # what is sent over a new stream, which is refused, is lost

    async def client(name: str) -> None:
        config = world.connect(replicas, host=name, backoff=QUICK)
        configs.append(config)
        await config.wait_connected()
        number = 0
        while not over:
            number += 1
            text = f"{name} {number}"
            kind = world.random.choice(["majority", "rpc", "one-way"])
            if kind == "majority":
                reply = await ask(config, Text(text=text), timeout=5).majority()
                assert reply.text == text
            else:
                (once if kind == "rpc" else at_most_once).append(text)
                await elsewhere(config, echo if kind == "rpc" else note, text)
            await world.sleep(world.random.uniform(0, 0.03))

    async def elsewhere(config: gorums.Configuration, call: Any, text: str) -> None:
        first = world.random.randrange(3)
        for attempt in range(first, first + 3):
            try:
                await call(config[attempt % 3], Text(text=text), timeout=5)
            except (gorums.StreamDownError, gorums.SendError):
                continue
            return
        raise AssertionError(f"{text}: no node takes it")

    configs: list[gorums.Configuration] = []
    clients = [asyncio.ensure_future(client(name)) for name in ("anna", "bert", "cleo")]
    for replica in replicas:
        await world.sleep(world.random.uniform(0.1, 0.3))
        await replica.host.process.task(replica.system.stop(5))
        await world.sleep(0.5)  # a crash would take back what is on its way, as the end of a process does not
        world.crash(replica)
        await world.restart(replica)
        for config in configs:
            await config.wait_connected(timeout=10)
    over = True
    await asyncio.gather(*clients)
    for replica in replicas:
        await replica.host.process.task(replica.system.stop(5))
    wrong = {text: handled[text] for text in once if handled[text] != 1}
    wrong |= {text: handled[text] for text in at_most_once if handled[text] > 1}
    assert not wrong


@pytest.mark.parametrize("seed", range(4))
def test_no_call_fails(seed: int) -> None:
    run(restarts, seed, latency=None)
