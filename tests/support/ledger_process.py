"""A server in a process of its own that writes down what it handles, and what it is told when it calls back.

    python -m tests.support.ledger_process ADDRESS NAME FILE TRANSPORT WINDOW [OPTION ...]

It ends as `tests.support.server_process` does.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pygorums as gorums
from pygorums.streams import window
from pygorums.transports.choosing import TransportName
from tests.support.ledger import Ledger, WrittenLedger
from tests.support.numbered_calls import LedgerService, NumberedCaller
from tests.support.process import ServerProcess

__all__ = ["LedgerProcess"]


class LedgerProcess(ServerProcess):
    """Runs this module.

    Args:
        target: What its callers call it.
        folder: Where it has its file.
        transport: Of the server; None for the default one.
        options: Of the server that are to be 0.
        size: Bytes of requests that it takes before they are handled; None for as many as usual.

    Attributes:
        boots: How many times it was started.
    """

    def __init__(
        self,
        target: str,
        folder: Path,
        *,
        transport: TransportName | None = None,
        options: Sequence[str] = (),
        size: int | None = None,
    ) -> None:
        super().__init__()
        self._more = (transport or "-", str(window.WINDOW if size is None else size), *options)
        self.target = target
        self.boots = 0
        self._folder = folder

    async def start(self) -> None:
        self.boots += 1
        await super().start()

    @property
    def name(self) -> str:
        """Of the process that runs now."""
        return f"{self.target}/{self.boots}"

    @property
    def dead(self) -> Sequence[str]:
        """The names of those before."""
        return [f"{self.target}/{boot}" for boot in range(1, self.boots)]

    def command(self) -> Sequence[str]:
        return "tests.support.ledger_process", self.address, self.name, str(self._file), *self._more

    @property
    def _file(self) -> Path:
        return self._folder / self.target

    def read_into(self, ledger: Ledger) -> None:
        """Enter what it has written into a ledger."""
        WrittenLedger.read_into(ledger, self._file)


def _named(transport: str) -> TransportName | None:
    names: dict[str, TransportName] = {"asyncio": "asyncio", "grpc": "grpc"}
    return names.get(transport)


async def _serve(address: str, name: str, file: str, transport: str, size: str, *options: str) -> None:
    chance = random.Random(name)

    async def pause() -> None:
        await asyncio.sleep(chance.uniform(0, 0.01))

    window.WINDOW = int(size)
    logging.disable(logging.CRITICAL)
    ledger = WrittenLedger(Path(file))
    service = LedgerService(partial(ledger.handle, name), pause, NumberedCaller(ledger, name))
    # On a machine that is busy a client may be away for longer than is usual.
    server = gorums.Server(
        service, session_linger=60.0, transport=_named(transport), options=[(option, 0) for option in options]
    )
    loop = asyncio.get_running_loop()
    print("listening", await server.start(address), flush=True)
    end = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    loop.add_reader(sys.stdin.fileno(), end.set)
    await end.wait()
    loop.remove_reader(sys.stdin.fileno())
    await server.stop(5)


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
