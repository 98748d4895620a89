"""Baseline R: a round of messages to each node over plain TCP, on asyncio, with no HTTP/2 and no gRPC at all.

It is what sockets, event loop and processes cost by themselves. As with baseline B a round is over when a quorum of
the nodes has sent its bytes back, each message travels alone, and nothing is parsed. Unlike there each round has a
caller that awaits it, as calls have.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import cast

from benchmarks.loads.outcome import Load, Outcome
from benchmarks.loads.tasks import closed_loop
from benchmarks.servers.raw import Frames, framed

__all__ = ["RawStreams"]


class RawStreams:
    """A connection to each node.

    Args:
        connections: As `connect` has made them.
    """

    def __init__(self, connections: Sequence["_Connection"]) -> None:
        self._connections = connections

    @classmethod
    async def connect(cls, addresses: Sequence[tuple[str, int]]) -> "RawStreams":
        """Connect to nodes, given by host and port.

        Raises:
            OSError: One of them cannot be reached.
        """
        loop = asyncio.get_running_loop()
        connections: list[_Connection] = []
        try:
            for host, port in addresses:
                connections.append((await loop.create_connection(_Connection, host, port))[1])
        except BaseException:
            cls(connections).close()
            raise
        return cls(connections)

    def close(self) -> None:
        """End the connections."""
        for connection in self._connections:
            connection.close()

    def load(self, nodes: int, quorum: int, callers: int, payload: int) -> Load:
        """Callers of rounds to the first `nodes`, each of messages of `payload` bytes."""
        connections = self._connections[:nodes]
        message = framed(bytes(payload))

        async def load(seconds: float) -> Outcome:
            outcome = await closed_loop(partial(_round, connections, message, quorum), callers, seconds)
            # Who has sent this back has sent back everything before, so nothing disturbs the next measurement.
            await _round(connections, message, nodes)
            return outcome

        return load


async def _round(connections: Sequence["_Connection"], message: bytes, quorum: int) -> None:
    for connection in connections:
        if connection.paused:
            await connection.writable.wait()
    missing = _Missing(quorum)
    for connection in connections:
        connection.send(message, missing)
    await missing.none


class _Missing:
    """How many replies a round needs yet.

    Attributes:
        none: Is done when that is none.
    """

    __slots__ = ("_count", "none")

    def __init__(self, count: int) -> None:
        self._count = count
        self.none: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def replied(self) -> None:
        """One has come."""
        self._count -= 1
        if not self._count and not self.none.done():
            self.none.set_result(None)

    def lost(self) -> None:
        """One will not come."""
        if not self.none.done():
            self.none.set_exception(ConnectionError("a server has closed the connection of baseline R"))


class _Connection(asyncio.Protocol):
    """A connection to a node, which answers in order.

    Attributes:
        paused: Whether so much waits to be sent that nothing should be added.
        writable: Is set while that is not so.
    """

    def __init__(self) -> None:
        self._frames = Frames()
        self._rounds: deque[_Missing] = deque()
        self.paused = False
        self.writable = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are not derived from it.
        transport = cast("asyncio.Transport", transport)
        self._transport = transport
        self._write = transport.write

    def send(self, message: bytes, missing: _Missing) -> None:
        """Send a message of a round."""
        if self._transport.is_closing():
            missing.lost()
            return
        self._rounds.append(missing)
        self._write(message)

    def close(self) -> None:
        """End the connection, whatever is under way."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        for _ in self._frames.feed(data):
            self._rounds.popleft().replied()

    def pause_writing(self) -> None:
        self.paused = True
        self.writable.clear()

    def resume_writing(self) -> None:
        self.paused = False
        self.writable.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio gives it
        self.resume_writing()
        while self._rounds:
            self._rounds.popleft().lost()
