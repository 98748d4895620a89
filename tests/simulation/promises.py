"""Scenarios of what `docs/delivery.md` promises, whatever happens to hosts and connections."""

import asyncio
from contextlib import suppress
from typing import Any

import pygorums as gorums
from pygorums import testing
from tests.protos.calls_gorums import ask, echo, note, spread
from tests.protos.calls_pb2 import Text
from tests.simulation.protocols import Answering, Scenario


class Recording(Answering):
    """Notes what it handles, and that no two handlers of a client are at work side by side."""

    def __init__(self) -> None:
        self.seen: dict[str, list[int]] = {}
        self._busy: set[str] = set()

    async def _handle(self, request: Text) -> Text:
        assert request.text not in self._busy, "two handlers of one client side by side"
        self._busy.add(request.text)
        self.seen.setdefault(request.text, []).append(request.number)
        try:
            await asyncio.sleep(0.002)
        finally:
            self._busy.discard(request.text)
        return request

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self._handle(request)

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self._handle(request)

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self._handle(request)

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self._handle(request)


def order(*, crashes: int = 0) -> Scenario:
    """Messages of a client are handled in the order of its calls, one after the other; one-way ones at most once."""

    async def scenario(world: testing.World) -> None:
        services: list[Recording] = []

        def boot(_: int) -> Recording:
            services.append(Recording())
            return services[-1]

        replicas = await world.servers(2, boot)
        one_way: set[tuple[str, int]] = set()
        answered: dict[str, set[int]] = {}

        async def client(name: str) -> None:
            config = world.connect(replicas, host=name)
            pending: list[Any] = []
            for number in range(8):
                request = Text(text=name, number=number)
                kind = world.random.choice(["ask", "echo", "note", "spread"])
                if kind == "ask":
                    pending.append((number, ask(config, request, timeout=3).async_all()))
                elif kind == "echo":
                    pending.append((None, echo(config[0], request, timeout=3)))
                else:
                    one_way.add((name, number))
                    send = note(config[0], request, timeout=3) if kind == "note" else spread(config, request, timeout=3)
                    pending.append((None, send))
                if world.random.random() < 0.5:
                    await world.sleep(world.random.uniform(0, 0.03))
            for number, waiting in pending:
                try:
                    reply = await waiting
                    if number is not None and reply is not None:
                        answered.setdefault(name, set()).add(number)
                except gorums.GorumsError:
                    pass

        async with world.faults(partitions=2, crashes=crashes, pauses=1, resets=4, over=0.3):
            began = world.time
            await asyncio.gather(client("a"), client("b"))
        # Nothing hangs: the timeouts are 3 s, and what a turn takes besides is little.
        assert world.time - began < 10
        for service in services:
            for name, numbers in service.seen.items():
                # For the first time each is seen after those before it. Those sent again come in order, too.
                firsts = list(dict.fromkeys(numbers))
                assert firsts == sorted(firsts), numbers
                if not crashes:
                    assert all(numbers.count(number) == 1 for number in numbers if (name, number) in one_way), numbers
        if not crashes:
            for name, numbers_of in answered.items():
                for service in services:
                    assert numbers_of <= set(service.seen.get(name, ())), "an answer without a request"

    return scenario


async def calls_back(world: testing.World) -> None:
    """Members that call each other from handlers: all calls end, and in the end all are connected again."""

    class Member(Recording):
        async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
            ctx.release()
            try:
                peers = ctx.config()
                if request.text == "pass on" and len(peers):
                    await ask(peers, Text(text="leaf", number=request.number), timeout=0.5).majority()
            except gorums.GorumsError:
                return Text(text="failed")
            return Text(text="ok")

    members = await world.systems(3, lambda _: Member())
    config = world.connect(members, host="client")
    async with world.faults(partitions=2, crashes=1, pauses=1, resets=3, over=0.5):
        for number in range(6):
            with suppress(gorums.GorumsError):
                await ask(config, Text(text="pass on", number=number), timeout=1).majority()
    for member in members:
        await member.wait_for_config(lambda known: len(known) == 3, timeout=60)
    await config.wait_connected(timeout=60)
    assert (await ask(config, Text(text="pass on"), timeout=5).all()).text == "ok"


PROMISES = {"order": order(), "crashes": order(crashes=2), "calls back": calls_back}
