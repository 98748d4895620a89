"""Numbered calls of all kinds to three processes, over a network that breaks everything every 50 milliseconds.

Each server, and the caller, write down what they handle and what they are told. In the end that is compared.

    python -m tests.robustness.storm [CALLS] [SEED]

makes so many calls, first with servers that live, then with ones that are killed again and again. `make test` makes a
few. What happens when is up to the machine, so a seed is no schedule.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Literal

import pygorums as gorums
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.ledger import KINDS, Ledger, LedgerService, NumberedCaller
from tests.support.ledger_process import LedgerProcess
from tests.support.proxy import TcpProxy
from tests.support.waiting import within

__all__ = ["Storm"]

APART = 0.05
"""Seconds between two things that go wrong, on average."""

TOGETHER = 40
"""Calls that are under way at a time."""

TURN = 30.0
"""Seconds that everything has to end once the network is well."""


class Storm:
    """Three servers, each behind a proxy, and one client that they call back.

    Args:
        folder: For what they write.
        seed: Of what goes wrong.
        kills: Whether servers are killed.
        transport: Of the client; that of the servers is the default one.
    """

    def __init__(
        self, folder: Path, seed: int, *, kills: bool, transport: Literal["asyncio", "grpc"] | None = None
    ) -> None:
        self._chance = random.Random(seed)
        self._kills = kills
        self._transport = transport
        self._processes = [LedgerProcess(f"s{number}", folder) for number in (1, 2, 3)]
        self._proxies: list[TcpProxy] = []
        self.ledger = Ledger()
        self.faults: Counter[str] = Counter()

    async def run(self, calls: int, *, keep: float) -> list[str]:
        """Make calls; what contradicts the promise."""
        async with AsyncExitStack() as stack:
            await asyncio.gather(*(stack.enter_async_context(process) for process in self._processes))
            for process in self._processes:
                self._proxies.append(await stack.enter_async_context(TcpProxy(process.address)))
            own = gorums.Server(LedgerService(partial(self.ledger.handle, "client/1"), self._pause))
            stack.push_async_callback(own.stop)
            config = gorums.connect(
                [proxy.address for proxy in self._proxies],
                backoff=gorums.Backoff(initial=0.005, maximum=0.05),
                session=gorums.Session(keep=keep),
                server=own,
                transport=self._transport,
            )
            stack.push_async_callback(config.close)
            await config.wait_connected(timeout=TURN)
            trouble = asyncio.create_task(self._trouble())
            try:
                await self._call(config, calls)
            except TimeoutError:
                return self.ledger.problems()
            finally:
                trouble.cancel()
                with suppress(asyncio.CancelledError):
                    await trouble
            await self._calm(config)
            for process in self._processes:
                assert await process.terminate() == 0
        for process in self._processes:
            process.read_into(self.ledger)
        for entries in self.ledger.handled.values():
            entries[:] = [entry for entry in entries if entry[0] != "the end"]
        dead = {name for process in self._processes for name in process.dead}
        replaced = {process.target for process in self._processes if process.boots > 1}
        return self.ledger.problems(excused=replaced.__contains__, dead=dead, doubt=self._kills or keep == 0)

    async def _pause(self) -> None:
        await asyncio.sleep(self._chance.uniform(0, 0.01))

    async def _call(self, config: gorums.Configuration, calls: int) -> None:
        caller, under_way = NumberedCaller(self.ledger, "client"), asyncio.Semaphore(TOGETHER)
        targets = {node.id: f"s{node.id}" for node in config}
        for _ in range(calls):
            await within(under_way.acquire(), TURN)
            to = config if self._chance.random() < 0.6 else config[self._chance.randrange(3) :]
            data = bytes(self._chance.choice((0, 0, 0, 100, 20_000)))
            call = caller.call(self._chance.choice(KINDS), to, targets, data=data)
            call.add_done_callback(lambda _: under_way.release())
        await within(caller.finished(), TURN)

    async def _calm(self, config: gorums.Configuration) -> None:
        """All is well, and what was sent before is handled."""
        for proxy in self._proxies:
            proxy.thaw()
            proxy.deaf = False
            proxy.reset()
        for process in self._processes:
            process.thaw()
        for node in config:
            await within(_end(node), TURN)

    async def _trouble(self) -> None:
        chance = self._chance
        kinds = {self._reset: 6.0, self._forsake: 1.0, self._cut: 3.0, self._half_close: 1.5, self._freeze: 1.0}
        kinds |= {self._go_deaf: 0.5, self._stop: 0.5}
        if self._kills:
            kinds[self._kill] = 1.0
        while True:
            await asyncio.sleep(chance.expovariate(1 / APART))
            kind = chance.choices(list(kinds), list(kinds.values()))[0]
            self.faults[kind.__name__.strip("_")] += 1
            await kind(chance.randrange(3))

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
        process.freeze()
        await asyncio.sleep(self._chance.uniform(0, 2 * APART))
        process.thaw()

    async def _kill(self, index: int) -> None:
        process = self._processes[index]
        await process.kill()
        await process.start()


async def _end(node: gorums.Node) -> None:
    while True:
        try:
            await echo(node, Text(text="the end", number=1))
            return
        except gorums.StatusError:
            await asyncio.sleep(0.01)


async def main(calls: int, seed: int) -> int:
    """Make so many calls in each of three ways; how many contradictions there are."""
    count = 0
    for kills, keep in ((False, 30.0), (False, 0.0), (True, 0.0)):
        with tempfile.TemporaryDirectory() as folder:
            storm = Storm(Path(folder), seed, kills=kills)
            began = time.monotonic()
            problems = await storm.run(calls, keep=keep)
        count += len(problems)
        seconds = time.monotonic() - began
        print(f"kills: {kills}, keep: {keep}: {calls} calls in {seconds:.1f} s, {dict(storm.faults)}")
        print(f"    told {dict(storm.ledger.outcomes())}", *problems[:20], sep="\n    ", flush=True)
    return count


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*(*map(int, sys.argv[1:3]), *(1000, 0)[len(sys.argv) - 1 :]))) > 0)
