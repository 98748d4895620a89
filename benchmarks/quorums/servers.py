"""Servers whose answers take their time: ``python -m benchmarks.quorums.servers NUMBER MEAN`` is one."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pygorums as gorums
from benchmarks.quorums.stragglers_gorums import StragglersServer
from benchmarks.quorums.stragglers_pb2 import ReadReply, ReadRequest

__all__ = ["SLOWER", "STRAGGLERS", "stragglers"]

STRAGGLERS = 0.02
"""Which part of the answers takes long,"""

SLOWER = 20
"""and how much longer than others."""

START_LIMIT = 30.0
_ROOT = Path(__file__).parents[2]


class _Stragglers(StragglersServer):
    """Answers after times with an exponential distribution, and some after much longer.

    Args:
        number: Which of the servers it is.
        mean: Seconds.
    """

    def __init__(self, number: int, mean: float) -> None:
        self._number = number
        self._mean = mean
        self._chance = random.Random(number)
        self._requests = 0

    async def read(self, ctx: gorums.ServerContext, request: ReadRequest) -> ReadReply:  # noqa: ARG002 - the same to all
        """Answer after a time."""
        ctx.release()
        self._requests += 1
        seconds = self._chance.expovariate(1 / self._mean)
        await asyncio.sleep(seconds * (SLOWER if self._chance.random() < STRAGGLERS else 1))
        return ReadReply()

    async def touch(self, ctx: gorums.ServerContext, request: ReadRequest) -> ReadReply:  # noqa: ARG002 - signature
        """Answer at once, or refuse."""
        self._requests += 1
        if request.refused_by == self._number:
            raise gorums.StatusError(gorums.StatusCode.UNAVAILABLE, "refused, as it was told")
        return ReadReply()

    async def count(self, ctx: gorums.ServerContext, request: ReadRequest) -> ReadReply:  # noqa: ARG002 - signature
        """Tell, and begin anew."""
        requests, self._requests = self._requests, 0
        return ReadReply(requests=requests)


async def _serve(number: int, mean: float) -> None:
    async with gorums.Server(_Stragglers(number, mean)) as server:
        print(await server.start("127.0.0.1:0"), flush=True)
        await asyncio.to_thread(sys.stdin.read)  # until whoever started it closes that


@asynccontextmanager
async def stragglers(size: int, mean: float) -> AsyncIterator[list[str]]:
    """So many servers in processes of their own; their addresses."""
    async with AsyncExitStack() as stack:
        processes = []
        for number in range(1, size + 1):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "benchmarks.quorums.servers", str(number), str(mean)),
                cwd=_ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            processes.append(process)
            stack.push_async_callback(process.wait)
            if process.stdin is not None:
                stack.callback(process.stdin.close)
        addresses = []
        for process in processes:
            assert process.stdout is not None
            async with asyncio.timeout(START_LIMIT):
                addresses.append((await process.stdout.readline()).decode().strip())
        yield addresses


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
