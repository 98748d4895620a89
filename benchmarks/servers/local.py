"""Servers in processes of their own on this machine."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.measuring.profiling import server_profile
from benchmarks.program import StartError
from benchmarks.servers.serving import ANNOUNCEMENT

__all__ = ["END_LIMIT", "START_LIMIT", "LocalServers", "end_process", "in_turn"]

_ROOT = Path(__file__).parents[2]

START_LIMIT = 30.0
"""Seconds; a process that imports grpc takes a second or two on a loaded machine."""

END_LIMIT = 10.0


class LocalServers:
    """Processes that are servers, started on entry and ended on exit.

    Args:
        count: How many servers.
        transport: What they stand on.
        processes: In how many processes; by default each has its own.
        uvloop: Whether they run on uvloop.
        profile: Where each process writes its profile, with a number behind it; None for nowhere.

    Attributes:
        addresses: Where they listen; neighbours are in different processes.
    """

    def __init__(
        self,
        count: int,
        transport: str,
        *,
        processes: int | None = None,
        uvloop: bool = False,
        profile: str | None = None,
    ) -> None:
        self._transport = transport
        self._shares = _shares(count, min(processes or count, count))
        self._loop = "uvloop" if uvloop else "asyncio"
        self._profile = os.path.abspath(profile) if profile else None
        self._processes: list[asyncio.subprocess.Process] = []
        self._frozen: set[int] = set()
        self.addresses: list[str] = []

    async def __aenter__(self) -> Self:
        try:
            for number, share in enumerate(self._shares, 1):
                self._processes.append(await self._start(number, share))
            # They start side by side.
            listening = [
                [await _address(process) for _ in range(share)]
                for process, share in zip(self._processes, self._shares, strict=True)
            ]
            self.addresses += in_turn(listening)
        except BaseException:
            await self._end()
            raise
        return self

    async def _start(self, number: int, share: int) -> asyncio.subprocess.Process:
        profile = server_profile(self._profile, number) if self._profile else ""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.servers", str(share), self._loop, self._transport, profile),
            cwd=_ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def _end(self) -> None:
        for number in list(self._frozen):
            self.thaw(number)
        await asyncio.gather(*(end_process(process) for process in self._processes))

    def freeze(self, process: int) -> None:
        """Stop a process in its tracks; its connections stay open."""
        self._processes[process].send_signal(signal.SIGSTOP)
        self._frozen.add(process)

    def thaw(self, process: int) -> None:
        """End `freeze`."""
        self._frozen.discard(process)
        if self._processes[process].returncode is None:
            self._processes[process].send_signal(signal.SIGCONT)


def in_turn(listening: Sequence[Sequence[str]]) -> list[str]:
    """The addresses of all processes, so that the first few of many are in as many processes as all of them."""
    return [address for row in zip_longest(*listening) for address in row if address is not None]


def _shares(count: int, processes: int) -> Sequence[int]:
    return [count // processes + (number < count % processes) for number in range(processes)]


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_LIMIT):
            line = (await process.stdout.readline()).decode()
    except TimeoutError:
        raise StartError(f"a local server has not started within {START_LIMIT:.0f} s") from None
    start, _, address = line.rstrip("\n").rpartition(" ")
    if start != ANNOUNCEMENT:
        raise StartError("a local server could not be started; what it has said is above")
    return address


async def end_process(process: asyncio.subprocess.Process) -> None:
    """Let a process end by closing its standard input, or kill it if it does not."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(END_LIMIT):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
