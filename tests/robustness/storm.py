"""Numbered calls of all kinds to three processes, over a network that breaks everything every 50 milliseconds.

Each server, and the callers, write down what they handle and what they are told. In the end that is compared.

    python -m tests.robustness.storm [CALLS] [SEED] [--seconds SECONDS] [--transport asyncio|grpc|mixed]

goes on until so many calls were made (those to a quorum or by multicast count for each node), in rounds: with servers
that live, with clients that wait and with ones that do not, and with servers that are killed again and again. What else
is different from round to round its seed draws. What happens when is up to the machine, so a seed is no schedule.
`make test` makes a few calls.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pygorums as gorums
from pygorums.streams import window
from pygorums.transports.choosing import TransportName
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.ledger import Ledger
from tests.support.ledger_process import LedgerProcess
from tests.support.numbered_calls import KINDS, LedgerService, NumberedCaller
from tests.support.proxy import TcpProxy
from tests.support.waiting import within

__all__ = ["Round", "Storm"]

APART = 0.05
"""Seconds between two things that go wrong, on average."""

TOGETHER = 40
"""Calls of one client that are under way at a time."""

TURN = 60.0
"""Seconds that everything has to end once the network is well, on a machine that may be busy."""

CALLS = 2000
"""Calls of each client in a round."""


@dataclass(frozen=True)
class Round:
    """How a storm is.

    Attributes:
        kills: Whether servers are killed.
        keep: How long clients wait for a server.
        client, server: What carries the streams; None for the default.
        unbatched: Whose streams do not batch: "client", "server", or both.
        window: Bytes of requests that an end takes before they are handled; None for as many as usual.
        clients: How many there are.
        calls: Of each client.
    """

    kills: bool
    keep: float
    client: TransportName | None = None
    server: TransportName | None = None
    unbatched: tuple[str, ...] = ()
    window: int | None = None
    clients: int = 1
    calls: int = CALLS


class Storm:
    """Three servers, each behind a proxy, and clients that they call back.

    Args:
        folder: For what they write.
        seed: Of what goes wrong.
        plan: How it is.
    """

    def __init__(self, folder: Path, seed: int, plan: Round) -> None:
        self._chance = random.Random(seed)
        self._plan = plan
        options = ("pygorums.batching",) if "server" in plan.unbatched else ()
        self._processes = [
            LedgerProcess(f"s{number}", folder, transport=plan.server, options=options, size=plan.window)
            for number in (1, 2, 3)
        ]
        self._over = asyncio.Event()
        self._one_at_a_time = [asyncio.Lock() for _ in self._processes]
        self._proxies: list[TcpProxy] = []
        self.ledger = Ledger()
        self.faults: Counter[str] = Counter()
        self._stuck: list[str] = []

    async def run(self) -> list[str]:
        """Make calls; what contradicts the promise."""
        async with AsyncExitStack() as stack:
            stack.enter_context(patch.object(window, "WINDOW", self._plan.window or window.WINDOW))
            await asyncio.gather(*(stack.enter_async_context(process) for process in self._processes))
            for process in self._processes:
                self._proxies.append(await stack.enter_async_context(TcpProxy(process.address)))
            names = [f"c{number}" for number in range(1, self._plan.clients + 1)]
            configs = {name: self._connect(name, stack) for name in names}
            for config in configs.values():
                await config.wait_connected(timeout=TURN)
            trouble = asyncio.create_task(self._trouble())
            try:
                ended = await self._each(configs, self._call)
            finally:
                self._over.set()
                await trouble
            self._calm()
            if not (ended and await self._each(configs, self._finish)):
                return [*self.ledger.problems(), "it does not come to an end", *self._stuck]
            for process in self._processes:
                assert await process.terminate() == 0
        for process in self._processes:
            process.read_into(self.ledger)
        for entries in self.ledger.handled.values():
            entries[:] = [entry for entry in entries if entry[0] != "the end"]
        dead = {name for process in self._processes for name in process.dead}
        replaced = {process.target for process in self._processes if process.boots > 1}
        doubt = self._plan.kills or self._plan.keep == 0
        return self.ledger.problems(excused=replaced.__contains__, dead=dead, doubt=doubt)

    def _connect(self, name: str, stack: AsyncExitStack) -> gorums.Configuration:
        own = gorums.Server(LedgerService(partial(self.ledger.handle, f"{name}/1"), self._pause))
        stack.push_async_callback(own.stop)
        config = gorums.connect(
            [proxy.address for proxy in self._proxies],
            backoff=gorums.Backoff(initial=0.005, maximum=0.05),
            session=gorums.Session(keep=self._plan.keep),
            server=own,
            transport=self._plan.client,
            channel_options=[("pygorums.batching", 0)] if "client" in self._plan.unbatched else (),
        )
        stack.push_async_callback(config.close)
        return config

    async def _pause(self) -> None:
        await asyncio.sleep(self._chance.uniform(0, 0.01))

    async def _each(
        self,
        configs: dict[str, gorums.Configuration],
        do: Callable[[str, gorums.Configuration], Awaitable[None]],
    ) -> bool:
        """Have all clients do something; whether that comes to an end."""
        try:
            async with asyncio.TaskGroup() as group:
                for name, config in configs.items():
                    group.create_task(self._watched(config, do(name, config)))
        except* TimeoutError:
            pass
        return not self._stuck

    async def _watched(self, config: gorums.Configuration, doing: Awaitable[None]) -> None:
        try:
            await doing
        except TimeoutError:
            # What there is to look for.
            for node, proxy in zip(config, self._proxies, strict=True):
                self._stuck.append(f"{proxy.open_links} links, {config.stats().nodes[node.id]}")
            raise

    async def _call(self, name: str, config: gorums.Configuration) -> None:
        caller, under_way = NumberedCaller(self.ledger, name), asyncio.Semaphore(TOGETHER)
        targets = {node.id: f"s{node.id}" for node in config}
        chance = self._chance
        for _ in range(self._plan.calls):
            await within(under_way.acquire(), TURN)
            to = config if chance.random() < 0.6 else config[chance.randrange(3) :]
            data = bytes(chance.choice((0, 0, 0, 100, 20_000)))
            give_up = chance.uniform(0, 0.1) if chance.random() < 0.03 else None
            timeout = chance.uniform(0, 0.1) if chance.random() < 0.03 else None
            call = caller.call(chance.choice(KINDS), to, targets, timeout=timeout, give_up=give_up, data=data)
            call.add_done_callback(lambda _: under_way.release())
        await within(caller.finished(), TURN)

    def _calm(self) -> None:
        """All is well."""
        for proxy in self._proxies:
            proxy.thaw()
            proxy.deaf = False
            proxy.reset()

    async def _finish(self, _: str, config: gorums.Configuration) -> None:
        """What was sent before is handled."""
        for node in config:
            await within(_end(node), TURN)

    async def _trouble(self) -> None:
        chance = self._chance
        kinds = {self._reset: 6.0, self._forsake: 1.0, self._cut: 3.0, self._half_close: 1.5, self._freeze: 1.0}
        kinds |= {self._go_deaf: 0.5, self._stop: 0.5}
        if self._plan.kills:
            kinds[self._kill] = 1.0
        async with asyncio.TaskGroup() as group:
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._over.wait(), chance.expovariate(1 / APART))
                    return
                kind = chance.choices(list(kinds), list(kinds.values()))[0]
                self.faults[kind.__name__.strip("_")] += 1
                group.create_task(kind(chance.randrange(3)))

    async def _reset(self, index: int) -> None:
        self._proxies[index].reset()

    async def _forsake(self, index: int) -> None:
        """The server does not hear of it."""
        self._proxies[index].reset_clients()

    async def _cut(self, index: int) -> None:
        count = self._chance.choice((1, 9, 20, 100, 1000))
        if self._chance.random() < 0.5:
            self._proxies[index].cut_to_server_after(count)
        else:
            self._proxies[index].cut_to_client_after(count)

    async def _half_close(self, index: int) -> None:
        proxy = self._proxies[index]
        if self._chance.random() < 0.5:
            # Not for ever: a client of gRPC does not notice it.
            proxy.half_close_from_client()
            await asyncio.sleep(self._chance.uniform(0, 2 * APART))
            proxy.reset()
        else:
            proxy.half_close_from_server()

    async def _freeze(self, index: int) -> None:
        self._proxies[index].freeze()
        await asyncio.sleep(self._chance.uniform(0, 2 * APART))
        self._proxies[index].thaw()

    async def _go_deaf(self, index: int) -> None:
        proxy = self._proxies[index]
        proxy.deaf = True
        await asyncio.sleep(self._chance.uniform(0, 2 * APART))
        proxy.reset()
        proxy.deaf = False

    async def _stop(self, index: int) -> None:
        process = self._processes[index]
        async with self._one_at_a_time[index]:
            process.freeze()
            await asyncio.sleep(self._chance.uniform(0, 2 * APART))
            process.thaw()

    async def _kill(self, index: int) -> None:
        process = self._processes[index]
        async with self._one_at_a_time[index]:
            await process.kill()
            await process.start()


async def _end(node: gorums.Node) -> None:
    while True:
        try:
            await echo(node, Text(text="the end", number=1))
            return
        except gorums.StatusError:
            await asyncio.sleep(0.01)


KINDS_OF_ROUNDS = ((False, 30.0), (False, 0.0), (False, 30.0), (True, 0.0), (False, 0.0), (True, 1.0))
"""With kills or without, and how long clients wait."""


def drawn(seed: int, transport: str) -> Round:
    """What is different in a round."""
    chance = random.Random(f"round {seed}")
    kills, keep = KINDS_OF_ROUNDS[seed % len(KINDS_OF_ROUNDS)]
    names: tuple[TransportName, ...] = ("asyncio", "grpc")
    client, server = (chance.choice([name for name in names if transport in (name, "mixed")]) for _ in range(2))
    unbatched = chance.choice(((), (), (), ("client",), ("server",), ("client", "server")))
    small = chance.choice((None, None, 64 << 10))
    return Round(kills, keep, client, server, unbatched, small, clients=chance.choice((1, 2, 4)))


async def main(given: argparse.Namespace) -> int:
    """Make so many calls; how many contradictions there are."""
    logging.disable(logging.CRITICAL)
    count, seed, end = 0, given.seed, time.monotonic() + given.seconds
    calls: Counter[str] = Counter()
    told: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    while sum(calls.values()) < given.calls and time.monotonic() < end:
        plan = drawn(seed, given.transport)
        with tempfile.TemporaryDirectory() as folder:
            storm = Storm(Path(folder), seed, plan)
            began = time.monotonic()
            problems = await storm.run()
        seconds = time.monotonic() - began
        count += len(problems)
        made = len(storm.ledger.told)
        calls[f"{plan.client} to {plan.server}"] += made
        told += storm.ledger.outcomes()
        faults += storm.faults
        print(f"{seed}: {plan}: {made:,} calls in {seconds:.1f} s, {sum(storm.faults.values())} faults", flush=True)
        if problems:
            print(*problems[:20], *problems[20:][-12:], sep="\n", flush=True)
        seed += 1
    print(f"{sum(calls.values()):,} calls: {dict(calls)}; go on with seed {seed}")
    print(f"told {dict(told)}; faults {dict(faults)}")
    print(f"{count} contradictions")
    return count


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calls", nargs="?", type=int, default=100_000)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3600.0, help="after which no further round begins")
    parser.add_argument("--transport", choices=["asyncio", "grpc", "mixed"], default="mixed")
    sys.exit(asyncio.run(main(parser.parse_args())) > 0)
