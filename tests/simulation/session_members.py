"""Scenarios of sessions between members of a system, each of which calls over streams that the others have opened."""

import asyncio
import math
from collections import Counter
from contextlib import suppress
from functools import partial
from unittest.mock import patch

import pygorums as gorums
from pygorums import testing
from pygorums.streams import window
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.simulation.protocols import Scenario
from tests.simulation.support import TOLD
from tests.support.ledger import Ledger
from tests.support.numbered_calls import KINDS, LedgerService, NumberedCaller

__all__ = ["members"]

SHAPES = ((2, 10), (3, 12), (3, 30))
"""Members, and calls that they are told to make."""

OFTEN = (5, 2, 1)


class Member(LedgerService):
    """Calls the other members when it is told to."""

    def __init__(self, world: testing.World, ledger: Ledger, number: int, boot: int) -> None:
        async def pause() -> None:
            await asyncio.sleep(world.random.uniform(0, 0.01))

        name = f"s{number}/{boot}"
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
    """Members call each other, each when a client tells it to; in some runs they have room for few requests."""

    async def scenario(world: testing.World) -> None:
        with patch.object(window, "WINDOW", world.random.choice((window.WINDOW, window.WINDOW, 600, 3000))):
            await play(world)

    async def play(world: testing.World) -> None:
        ledger, boots = Ledger(), Counter[int]()
        count, calls = world.random.choices(SHAPES, OFTEN)[0]

        def boot(number: int) -> Member:
            boots[number] += 1
            return Member(world, ledger, number, boots[number])

        systems = await world.systems(count, boot, session=gorums.Session())
        config = world.connect(systems, host="client", session=gorums.Session(keep=20.0))

        async def all_know_all() -> None:
            for system in systems:
                await system.wait_for_config(lambda known: len(known) == count, timeout=60)

        async with asyncio.timeout(300):
            await all_know_all()
            async with world.faults(over=0.01 * calls, **faults):
                for _ in range(calls):
                    with suppress(gorums.StatusError):
                        await echo(config[world.random.randrange(count)], Text(text="go", number=1))
                    if world.random.random() < 0.5:
                        await world.sleep(world.random.uniform(0, 0.02))
            await all_know_all()
            for system in systems:
                await system.service.caller.finished()
        await world.sleep(5)  # and the one-way ones
        dead = {f"s{number}/{boot}" for number, last in boots.items() for boot in range(1, last)}
        replaced = {f"s{number}" for number, last in boots.items() if last > 1}
        problems = ledger.problems(excused=replaced.__contains__, dead=dead)
        assert not problems, problems
        TOLD.update(ledger.outcomes())

    return scenario
