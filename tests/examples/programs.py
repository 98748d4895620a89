"""The programs of the storage example in processes of their own."""

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.waiting import within

__all__ = [
    "ENVIRONMENT",
    "ROOT",
    "START_LIMIT",
    "StorageServer",
    "free_addresses",
    "refusing_address",
    "run_module",
    "run_storage",
]

ROOT = Path(__file__).parents[2]

# Seconds. An interpreter that imports grpc can take some of them on a loaded machine.
START_LIMIT = 30.0

# What a user would see of warnings is an error here, as in the rest of the suite. How loud gRPC is in this process,
# which pygorums says in its environment, is not how loud it is in a user's.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "GRPC_VERBOSITY"} | {
    "PYTHONWARNINGS": "error",
    "PYTHONUTF8": "1",
}


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


# Where we look for ports that stay free until somebody listens on them: the system gives them to nobody.
FIRST_PORT, PORTS = 10_000, 20_000
_next_port = itertools.count(os.getpid() * 61)


def free_addresses(count: int) -> list[str]:
    """Addresses where one can listen, each given once."""
    found: list[str] = []
    while len(found) < count:
        port = FIRST_PORT + next(_next_port) % PORTS
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(f"127.0.0.1:{port}")
    return found


class StorageServer:
    """``python -m examples.storage --serve``, started again at the same port if entered again.

    Args:
        address: Where it listens.
        peers: The other servers of its cluster. Entering waits for them, up to its patience.

    Attributes:
        address: where it listens.
    """

    def __init__(self, address: str = "127.0.0.1:0", *peers: str) -> None:
        self.address = address
        self._peers = peers
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.launch()
        await self.started()
        return self

    async def launch(self) -> None:
        """Starts it; with peers, until it listens and waits for them."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "examples.storage", "--serve", "--addrs", ",".join([self.address, *self._peers])),
            cwd=ROOT,
            env=ENVIRONMENT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        if self._peers:
            assert await self._line() == f"Waiting for {', '.join(sorted(self._peers))}"

    async def started(self) -> None:
        """Waits until it serves."""
        line = await self._line()
        start, _, self.address = line.rpartition(" ")
        assert start == "Started storage server on", f"the server said {line!r}"

    async def _line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        return (await within(self._process.stdout.readline(), START_LIMIT)).decode().rstrip("\n")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            await self.end(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal that does not end it."""
        assert self._process is not None
        self._process.send_signal(number)

    async def end(self, number: signal.Signals) -> tuple[int, str, str]:
        """Sends it a signal and waits for its end: exit status, and what it has said since it listens."""
        assert self._process is not None
        self._process.send_signal(number)
        output, errors = await within(self._process.communicate())
        status = self._process.returncode
        self._process = None
        assert status is not None
        return status, output.decode(), errors.decode()
