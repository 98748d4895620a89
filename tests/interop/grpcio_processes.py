"""Starting peers of grpc.aio, and talking to them."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.behaviour.peers.certificates import identity
from tests.support.program import START_LIMIT
from tests.support.waiting import within

__all__ = ["Peer", "folder_of", "grpcio_client", "grpcio_server"]


def folder_of(path: Path, *names: str) -> str:
    """A folder with a certificate for these names."""
    own = identity(*names)
    path.mkdir()
    for name, content in (("root.pem", own.authority), ("chain.pem", own.certificate), ("key.pem", own.private_key)):
        (path / name).write_bytes(content)
    return str(path)


class Peer:
    """A process that runs `tests.interop.grpcio_peer`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.address = ""

    async def line(self) -> str:
        assert self._process.stdout is not None
        return (await within(self._process.stdout.readline(), START_LIMIT)).decode().strip()

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    async def do(self, operation: str, **arguments: Any) -> Any:
        """Have a client do something; what came of it."""
        self.say(json.dumps({"do": operation, **arguments}))
        return json.loads(await self.line())

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def ended(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self._process.returncode is None:
            self._process.kill()
        await within(self._process.wait())


@asynccontextmanager
async def _running(*words: str) -> AsyncIterator[Peer]:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "tests.interop.grpcio_peer", *words)
    peer = Peer(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe))
    try:
        yield peer
    finally:
        await peer.ended()


@asynccontextmanager
async def grpcio_server(*words: str, address: str = "127.0.0.1:0") -> AsyncIterator[Peer]:
    """A server; `words` are ``option=number``, a folder, and ``mutual``."""
    async with _running("serve", address, *words) as peer:
        peer.address = (await peer.line()).removeprefix("listening ")
        yield peer


@asynccontextmanager
async def grpcio_client(address: str, *words: str) -> AsyncIterator[Peer]:
    """A client, with the same words."""
    async with _running("call", address, *words) as peer:
        yield peer
