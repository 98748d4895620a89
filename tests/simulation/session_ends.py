"""Scenarios of sessions that end while connections break: clients that close, and servers that stop at once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

import pygorums as gorums
from pygorums import testing
from tests.simulation.support import TOLD
from tests.support.ledger import Ledger
from tests.support.numbered_calls import KINDS, LedgerService, NumberedCaller

__all__ = ["closing", "stopping"]

CALLS = 8
"""Of each client."""


def _pause(world: testing.World) -> Callable[[], Awaitable[object]]:
    return lambda: world.sleep(world.random.uniform(0, 0.01))


async def closing(world: testing.World) -> None:
    """What a client has sent one-way before it is closed is handled, in order and once, though connections break."""
    ledger = Ledger()

    def boot(node_id: int) -> LedgerService:
        name = f"s{node_id}/1"
        return LedgerService(partial(ledger.handle, name), _pause(world), NumberedCaller(ledger, name))

    servers = await world.servers(world.random.randrange(1, 3), boot)
    targets = {server.node_id: f"s{server.node_id}" for server in servers}

    async def client(name: str) -> None:
        own = gorums.Server(LedgerService(partial(ledger.handle, f"{name}/1"), _pause(world)))
        quick = gorums.Backoff(initial=0.005, maximum=0.02)
        config = world.connect(servers, host=name, server=own, session=gorums.Session(keep=5.0), backoff=quick)
        await config.wait_connected(timeout=60)
        caller = NumberedCaller(ledger, name)
        sent = []
        for _ in range(CALLS):
            kind = world.random.choice(("note", "spread", world.random.choice(KINDS)))
            call = caller.call(kind, config, targets)
            if kind in ("note", "spread"):
                sent.append(call)
            if world.random.random() < 0.5:
                await world.sleep(world.random.uniform(0, 0.03))
        await asyncio.gather(*sent)
        await config.close()
        await caller.finished()

    async with asyncio.timeout(300):
        async with world.faults(over=0.2, resets=5):
            await asyncio.gather(client("a"), client("b"))
    await world.sleep(2)
    for server in servers:
        await server.stop(5)
    # Calls back to a client that is closed may be under way.
    problems = ledger.problems(dead=[f"s{node_id}/1" for node_id in targets])
    assert not problems, problems
    TOLD.update(ledger.outcomes())


async def stopping(world: testing.World) -> None:
    """A server that stops at once has handled nothing of what it says it has not, and callers hear the same."""
    ledger, boots = Ledger(), Counter[int]()

    def service() -> LedgerService:
        boots[1] += 1
        name = f"s1/{boots[1]}"
        return LedgerService(partial(ledger.handle, name), _pause(world), NumberedCaller(ledger, name))

    async def start() -> gorums.Server:
        server = gorums.Server(service())
        await server.start("127.0.0.1:7001")
        return server

    server = await start()

    async def client(name: str) -> None:
        own = gorums.Server(LedgerService(partial(ledger.handle, f"{name}/1"), _pause(world)))
        config = world.connect({1: "127.0.0.1:7001"}, host=name, server=own, session=gorums.Session())
        caller = NumberedCaller(ledger, name)
        for _ in range(2 * CALLS):
            caller.call(world.random.choice(KINDS), config, {1: "s1"})
            if world.random.random() < 0.6:
                await world.sleep(world.random.uniform(0, 0.03))
        await caller.finished()
        await config.close()

    async def stops() -> None:
        nonlocal server
        for _ in range(2):
            await world.sleep(world.random.uniform(0, 0.2))
            await server.stop(world.random.choice((None, None, 0.005, 0.02)))
            await world.sleep(world.random.choice((0, 0, 0.1)))
            server = await start()

    async with asyncio.timeout(300):
        await asyncio.gather(client("a"), client("b"), stops())
    await world.sleep(2)
    await server.stop(5)
    problems = ledger.problems(
        excused=lambda target: target == "s1", dead=[f"s1/{boot}" for boot in range(1, boots[1] + 1)]
    )
    assert not problems, problems
    TOLD.update(ledger.outcomes())
