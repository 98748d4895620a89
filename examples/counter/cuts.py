"""A bad network: connections that are cut after some kilobytes, wherever that is."""

import asyncio
import random
from types import TracebackType
from typing import Self

__all__ = ["Cuts"]


class Cuts:
    """Passes on what comes to its address, and resets each connection sooner or later.

    Args:
        target: Whom it is for.
        chance: Says how many bytes a connection may carry.

    Attributes:
        address: Where it listens.
        count: How many connections it has cut.
    """

    def __init__(self, target: str, chance: random.Random) -> None:
        self._target = target
        self._chance = chance
        self._open: set[asyncio.StreamWriter] = set()
        self.address = ""
        self.count = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        left = self._chance.randrange(2_000, 6_000)
        host, _, port = self._target.rpartition(":")

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            nonlocal left
            while left > 0 and (data := await source.read(left)):
                left -= len(data)
                target.write(data)
                if left <= 0:
                    self.count += 1
            for each in (writer, onward):
                each.transport.abort()

        try:
            beyond, onward = await asyncio.open_connection(host, int(port))
            self._open.add(onward)
            async with asyncio.TaskGroup() as both:
                both.create_task(pump(reader, onward))
                both.create_task(pump(beyond, writer))
        except* OSError:
            writer.transport.abort()  # nobody listens there, or one of the two was reset
