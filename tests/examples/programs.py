"""The programs of the storage example in processes of their own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.waiting import within

__all__ = ["ENVIRONMENT", "ROOT", "START_LIMIT", "StorageServer", "refusing_address", "run_module", "run_storage"]

ROOT = Path(__file__).parents[2]

# Seconds. An interpreter that imports grpc can take some of them on a loaded machine.
START_LIMIT = 30.0

# What a user would see of warnings is an error here, as in the rest of the suite.
ENVIRONMENT = {**os.environ, "PYTHONWARNINGS": "error", "PYTHONUTF8": "1"}


def run_module(
    module: str,
    *arguments: str,
    stdin: str | bytes = b"",
    stdout: int = subprocess.PIPE,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a module to its end with `stdin` as its input."""
    completed = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=ENVIRONMENT | (environment or {}),
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=START_LIMIT,
        check=False,
    )
    output = completed.stdout.decode() if completed.stdout is not None else ""
    return subprocess.CompletedProcess(completed.args, completed.returncode, output, completed.stderr.decode())


def run_storage(*arguments: str, stdin: str | bytes = b"") -> subprocess.CompletedProcess[str]:
    """Runs ``python -m examples.storage`` with `stdin` in a pipe."""
    return run_module("examples.storage", *arguments, stdin=stdin)


@contextmanager
def refusing_address() -> Iterator[str]:
    """An address where nobody listens, and nobody else can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


class StorageServer:
    """``python -m examples.storage --serve``, started again at the same port if entered again.

    Attributes:
        address: where it listens.
    """

    def __init__(self, address: str = "127.0.0.1:0", *peers: str) -> None:
        self.address = address
        self._peers = peers
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "examples.storage", "--serve", "--addrs", ",".join([self.address, *self._peers])),
            cwd=ROOT,
            env=ENVIRONMENT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        line = (await within(self._process.stdout.readline(), START_LIMIT)).decode()
        start, _, self.address = line.rstrip("\n").rpartition(" ")
        assert start == "Started storage server on", f"the server said {line!r}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            await self.end(signal.SIGKILL)

    async def end(self, number: signal.Signals) -> tuple[int, str, str]:
        """Sends it a signal and waits for its end: exit status, and what it has said since it listens."""
        assert self._process is not None
        self._process.send_signal(number)
        output, errors = await within(self._process.communicate())
        status = self._process.returncode
        self._process = None
        assert status is not None
        return status, output.decode(), errors.decode()
