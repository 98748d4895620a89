"""Both ends of streams over sockets, and users that note what they are told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pygorums.base.errors import StatusError
from pygorums.transports.http2.metadata import Pairs
from pygorums.transports.sockets.client import OpenedSocketTransport, SocketConnector
from pygorums.transports.sockets.options import NODE_STREAM, SocketOptions
from pygorums.transports.sockets.server import AcceptedSocketTransport, SocketServer
from tests.support.waiting import until, within

__all__ = ["Acceptor", "User", "bound", "listening", "opened"]


class User:
    """Notes everything it is told."""

    def __init__(self, transport: OpenedSocketTransport | AcceptedSocketTransport) -> None:
        self.transport = transport
        self.messages: list[bytes] = []
        self.answers: list[Pairs] = []
        self.ends: list[StatusError | None] = []
        self.could_write = self.was_left = 0
        self.over = asyncio.Event()
        self.on_received: Callable[[Sequence[bytes]], object] = lambda _: None
        transport.use(self)

    def answered(self, metadata: Pairs, /) -> None:
        assert not self.messages
        self.answers.append(metadata)

    def received(self, messages: Sequence[bytes], /) -> None:
        assert not self.over.is_set(), "messages after the end"
        self.messages += messages
        self.on_received(messages)

    def writable(self) -> None:
        self.could_write += 1

    def leaving(self) -> None:
        self.was_left += 1

    def ended(self, error: StatusError | None, /) -> None:
        self.ends.append(error)
        self.over.set()

    async def get(self, count: int) -> list[bytes]:
        """The first `count` messages, once they have come."""
        await until(lambda: len(self.messages) >= count, f"{count} messages")
        return self.messages

    async def end(self) -> StatusError | None:
        """What it was told of the end."""
        await within(self.over.wait())
        return self.ends[-1]


class Acceptor:
    """Accepts streams, and keeps each until `release`."""

    def __init__(self, metadata: Pairs | None = ()) -> None:
        self.metadata = metadata
        self.offered: list[Pairs] = []
        self.peers: list[str] = []
        self.proved: list[Mapping[str, list[bytes]]] = []
        self.users: list[User] = []
        self.cancelled = 0
        self.outcome: StatusError | None = None
        self._released = asyncio.Event()
        self.on_received: Callable[[User, Sequence[bytes]], object] = lambda *_: None

    async def __call__(
        self,
        transport: AcceptedSocketTransport,
        metadata: Pairs,
        peer: str,
        proved: Mapping[str, list[bytes]],
        /,
    ) -> None:
        self.offered.append(metadata)
        self.peers.append(peer)
        self.proved.append(proved)
        if self.metadata is not None:
            transport.confirm(self.metadata)
        user = User(transport)
        user.on_received = lambda messages: self.on_received(user, messages)
        self.users.append(user)
        try:
            await self._released.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.outcome is not None:
            raise self.outcome

    async def user(self) -> User:
        """The first one."""
        await until(lambda: self.users, "an accepted stream")
        return self.users[0]

    def release(self, outcome: StatusError | None = None) -> None:
        """Let all streams end."""
        self.outcome = outcome
        self._released.set()


def bound(host: str = "127.0.0.1", family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    """A socket with a port."""
    made = socket.socket(family, socket.SOCK_STREAM)
    made.bind((host, 0))
    return made


@asynccontextmanager
async def listening(
    accept: Callable[..., Awaitable[None]],
    *sockets: socket.socket,
    options: SocketOptions | None = None,
    tls: Any = None,
) -> AsyncIterator[tuple[str, SocketServer]]:
    """A server, by default on a port of its own, and its address."""
    sockets = sockets or (bound(),)
    server = SocketServer({NODE_STREAM: accept}, options or SocketOptions())
    await server.start(sockets, tls)
    name = sockets[0].getsockname()
    address = f"{name[0]}:{name[1]}" if isinstance(name, tuple) else f"unix:{name}"
    try:
        yield address, server
    finally:
        await within(server.close())


@asynccontextmanager
async def opened(
    address: str, metadata: Pairs = (), options: SocketOptions | None = None, tls: Any = None
) -> AsyncIterator[tuple[User, Pairs | None]]:
    """A stream that stands, and what its acceptor has said."""
    connector = SocketConnector(address, tls, options or SocketOptions())
    transport = connector(metadata)
    try:
        await within(transport.opened())
        user = User(transport)
        yield user, user.answers[0] if user.answers else None
    finally:
        await within(transport.close())
