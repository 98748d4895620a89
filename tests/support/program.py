"""Programs in processes of their own: small ones, written in the test that runs them."""

import asyncio
import os
import signal
import sys
from types import TracebackType
from typing import Self

from tests.support.waiting import within

# Starting an interpreter that imports grpc takes a second or two on a loaded machine.
START_LIMIT = 30.0

_PREAMBLE = """
import asyncio, os, signal, sys
import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
"""


class Program:
    """Runs Python source, after a few imports, with warnings as errors.

    Attributes:
        errors: what it wrote to its standard error, once it has ended.
    """

    def __init__(self, source: str, *arguments: str) -> None:
        self._source = _PREAMBLE + source
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None
        self.errors = ""

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-W",
            "error",
            "-c",
            self._source,
            *self._arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if not name.startswith("GRPC_")},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._running
        if process.returncode is None:
            process.kill()
            await within(process.communicate())

    @property
    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    async def line(self) -> str:
        """The next line that it prints."""
        assert self._running.stdout is not None
        line = (await within(self._running.stdout.readline(), START_LIMIT)).decode().strip()
        if not line:
            _, errors = await within(self._running.communicate())
            raise AssertionError(f"the program ended with {self._running.returncode}: {errors.decode()}")
        return line

    def signal(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self._running.send_signal(number)

    async def ended(self, seconds: float = START_LIMIT) -> tuple[int, str]:
        """Waits for its end; its exit status and what else it printed."""
        output, errors = await within(self._running.communicate(), seconds)
        self.errors = errors.decode()
        assert self._running.returncode is not None
        return self._running.returncode, output.decode()
