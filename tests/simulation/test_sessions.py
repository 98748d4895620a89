"""In sessions every message is handled once and in order, or its caller is told, whatever happens to connections."""

import asyncio
import math
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

import pygorums as gorums
from pygorums import testing
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.simulation.protocols import Scenario
from tests.support.ledger import KINDS, UNKNOWN, Ledger, LedgerService, NumberedCaller

NONE: Mapping[str, Any] = {}

CALLS = 15
"""Of each client."""


async def end(node: gorums.Node) -> None:
    """What was sent to a node before is handled then."""
    while True:
        try:
            await echo(node, Text(text="the end", number=1))
            return
        except gorums.StatusError:
            await asyncio.sleep(0.1)


def exactly_once(
    *,
    keep: float,
    back: bool,
    doubt: bool = True,
    loses: bool = False,
    options: Mapping[str, Any] = NONE,
    **faults: int,
) -> Scenario:
    """Two clients make calls of all kinds to three servers, which call them back.

    Args:
        keep: How long the clients wait.
        back: Whether they are called back.
        doubt: Whether a call may be unknown though no server crashes.
        loses: Whether servers give sessions up.
        options: Of the servers.
        faults: How many of each kind.
    """

    async def scenario(world: testing.World) -> None:
        ledger, boots = Ledger(), Counter[int]()
        callers: dict[str, NumberedCaller] = {}
        configs: list[gorums.Configuration] = []

        async def pause() -> None:
            await asyncio.sleep(world.random.uniform(0, 0.01))

        def boot(node_id: int) -> LedgerService:
            boots[node_id] += 1
            name = f"s{node_id}/{boots[node_id]}"
            callers[name] = NumberedCaller(ledger, name)
            return LedgerService(partial(ledger.handle, name), pause, callers[name] if back else None)

        servers = await world.servers(3, boot, **options)
        targets = {server.node_id: f"s{server.node_id}" for server in servers}

        async def client(name: str) -> None:
            service = LedgerService(partial(ledger.handle, f"{name}/1"), pause)
            own = gorums.Server(service) if back else None
            config = world.connect(servers, host=name, server=own, session=gorums.Session(keep=keep))
            caller = NumberedCaller(ledger, name)
            for _ in range(CALLS):
                give_up = world.random.uniform(0, 0.2) if world.random.random() < 0.1 else None
                timeout = world.random.uniform(0, 0.3) if world.random.random() < 0.1 else None
                one = config if world.random.random() < 0.6 else config[world.random.randrange(3) :]
                caller.call(world.random.choice(KINDS), one, targets, timeout=timeout, give_up=give_up)
                if world.random.random() < 0.5:
                    await world.sleep(world.random.uniform(0, 0.03))
            await caller.finished()
            configs.append(config)

        async with asyncio.timeout(300):
            async with world.faults(over=0.3, **faults):
                await asyncio.gather(client("a"), client("b"))
            for config in configs:
                await config.wait_connected(timeout=60)
                for node in config:
                    await end(node)
            running = {f"s{node_id}/{count}" for node_id, count in boots.items()}
            for name in running:
                await callers[name].finished()
        await world.sleep(1)
        for entries in ledger.handled.values():
            entries[:] = [entry for entry in entries if entry[0] != "the end"]
        replaced = {f"s{node_id}" for node_id, count in boots.items() if count > 1}
        problems = ledger.problems(
            excused=lambda target: loses or target in replaced, dead=callers.keys() - running, doubt=doubt
        )
        assert not problems, problems

    return scenario


async def graceful(world: testing.World) -> None:
    """A server that stops in peace answers what it has taken, and nobody is left in doubt; so does the next one."""
    ledger, boots = Ledger(), Counter[int]()

    async def pause() -> None:
        await asyncio.sleep(world.random.uniform(0, 0.01))

    async def start(number: int, address: str) -> gorums.Server:
        boots[number] += 1
        name = f"s{number}/{boots[number]}"
        server = gorums.Server(LedgerService(partial(ledger.handle, name), pause, NumberedCaller(ledger, name)))
        await server.start(address)
        return server

    servers = {number: await start(number, f"127.0.0.1:{7000 + number}") for number in (1, 2)}

    async def restart(number: int) -> None:
        await world.sleep(world.random.uniform(0, 0.2))
        await servers[number].stop(20)
        await world.sleep(world.random.choice([0, 0, 0.1]))
        servers[number] = await start(number, f"127.0.0.1:{7000 + number}")

    async def client(name: str) -> None:
        own = gorums.Server(LedgerService(partial(ledger.handle, f"{name}/1"), pause))
        addresses = {number: f"127.0.0.1:{7000 + number}" for number in servers}
        config = world.connect(addresses, host=name, server=own, session=gorums.Session())
        caller = NumberedCaller(ledger, name)
        for _ in range(CALLS):
            to = config if world.random.random() < 0.6 else config[world.random.randrange(2) :]
            caller.call(world.random.choice(KINDS), to, {number: f"s{number}" for number in servers})
            if world.random.random() < 0.6:
                await world.sleep(world.random.uniform(0, 0.03))
        await caller.finished()
        await config.close()

    async with asyncio.timeout(300):
        await asyncio.gather(client("a"), client("b"), restart(1), restart(2))
    await world.sleep(1)
    for server in servers.values():
        await server.stop(5)
    problems = ledger.problems(excused=lambda _: True)
    # Calls back to a client that is closed may be under way.
    problems += [
        f"{call} is unknown" for call, told in ledger.told.items() if told == UNKNOWN and call[1] in ("a", "b")
    ]
    assert not problems, problems


class Member(LedgerService):
    """Calls the other members when it is told to."""

    def __init__(self, world: testing.World, ledger: Ledger, number: int) -> None:
        async def pause() -> None:
            await asyncio.sleep(world.random.uniform(0, 0.01))

        name = f"s{number}/1"
        super().__init__(partial(ledger.handle, name), pause)
        self.caller = NumberedCaller(ledger, name)
        self._world = world
        self._number = number

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        if request.text != "go":
            return await super().echo(ctx, request)
        ctx.release()
        members = ctx.config()
        others = members.remove(*(node.id for node in members if node.id == self._number))
        if len(others):
            targets = {node.id: f"s{node.id}" for node in others}
            self.caller.call(self._world.random.choice(KINDS), others, targets, timeout=math.inf)
        return request


def members(**faults: int) -> Scenario:
    """Three members of a system call each other, over streams that the others have opened."""

    async def scenario(world: testing.World) -> None:
        ledger = Ledger()
        systems = await world.systems(3, partial(Member, world, ledger), session=gorums.Session())
        config = world.connect(systems, host="client", session=gorums.Session(keep=20.0))

        async def all_know_all() -> None:
            for system in systems:
                await system.wait_for_config(lambda known: len(known) == 3, timeout=60)

        async with asyncio.timeout(300):
            await all_know_all()
            async with world.faults(over=0.3, **faults):
                for _ in range(2 * CALLS):
                    with suppress(gorums.StatusError):
                        await echo(config[world.random.randrange(3)], Text(text="go", number=1))
                    if world.random.random() < 0.5:
                        await world.sleep(world.random.uniform(0, 0.02))
            await all_know_all()
            for system in systems:
                await system.service.caller.finished()
        await world.sleep(5)  # and the one-way ones
        problems = ledger.problems()
        assert not problems, problems

    return scenario


RESETS = exactly_once(keep=0.0, back=False, resets=8)
CALLS_BACK = exactly_once(keep=0.0, back=True, resets=8, pauses=2)
PARTITIONS = exactly_once(keep=0.0, back=True, resets=4, partitions=2, pauses=1)
PATIENT = exactly_once(keep=20.0, back=False, doubt=False, resets=4, partitions=2, pauses=1)
CRASHES = exactly_once(keep=0.0, back=True, resets=4, crashes=2, pauses=1)
ABSENT = exactly_once(keep=0.0, back=True, options={"session_linger": 0.02}, resets=8, partitions=1, pauses=1)
GIVEN_UP = exactly_once(
    keep=1.0,
    back=True,
    loses=True,
    options={"session_limit": 1, "session_keep": 0.03, "session_linger": 0.01},
    resets=10,
    partitions=1,
    crashes=1,
)

MEMBERS = members(resets=6, partitions=1, pauses=1)


@pytest.mark.parametrize(
    ("scenario", "seeds"),
    [
        (RESETS, 12),
        (CALLS_BACK, 20),
        (PARTITIONS, 10),
        (PATIENT, 10),
        (CRASHES, 20),
        (ABSENT, 15),
        (GIVEN_UP, 15),
        (graceful, 10),
        (MEMBERS, 10),
    ],
    ids=["resets", "calls back", "partitions", "patient", "crashes", "absent", "given up", "graceful", "members"],
)
def test_exactly_once(scenario: Scenario, seeds: int) -> None:
    """More of them: `pytest --gorums-seeds 10000 tests/simulation/test_sessions.py`."""
    testing.check(scenario, seeds=seeds)
