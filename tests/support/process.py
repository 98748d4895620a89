"""A server in a process of its own, which can be killed, frozen and started again at the same port."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tests.support.waiting import within

# Starting an interpreter that imports grpc takes a second or two on a loaded machine.
_START_LIMIT = 30.0


class ServerProcess:
    """Runs `tests.support.server_process`.

    Attributes:
        address: where it listens, the same after a restart.
    """

    def __init__(self, number: int = 1, address: str = "127.0.0.1:0") -> None:
        self.address = address
        self._number = number
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    def command(self) -> Sequence[str]:
        """The module to run, and its arguments."""
        return "tests.support.server_process", self.address, str(self._number)

    async def start(self) -> None:
        """Starts it and waits until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *self.command(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        line = (await within(self._process.stdout.readline(), _START_LIMIT)).decode()
        word, _, address = line.strip().partition(" ")
        assert word == "listening", f"the server process said {line!r}"
        self.address = address

    async def kill(self) -> None:
        """Ends it at once, without a word to its clients (SIGKILL); nothing if it has ended."""
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await within(self._process.communicate())
            self._process = None

    async def terminate(self) -> int:
        """Asks it to end (SIGTERM) and returns its exit status."""
        assert self._process is not None
        self._process.terminate()
        await within(self._process.communicate())
        assert self._process.returncode is not None
        return self._process.returncode

    def freeze(self) -> None:
        """Stops it in its tracks (SIGSTOP); its connections stay open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Ends `freeze`."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
