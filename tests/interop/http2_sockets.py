"""Our ends and grpcio's on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc import aio

from pygorums.transports.http2.client import ClientConnection
from pygorums.transports.http2.client_stream import ClientStream
from pygorums.transports.http2.events import (
    Event,
    MessagesReceived,
)
from pygorums.transports.http2.limits import Limits
from pygorums.transports.http2.server import ServerConnection
from tests.interop.http2_pump import Pump
from tests.unit.transports.http2.raw import PATH

TIMEOUT = 20
LARGE = 4 << 20
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
Behaviour = Callable[[AsyncIterator[bytes], Any], AsyncIterator[bytes]]


@asynccontextmanager
async def grpcio_server(behave: Behaviour, options: Any = ()) -> AsyncIterator[tuple[str, aio.Server]]:
    """A server of grpcio's with our path."""
    server = aio.server(options=options)
    handler: Any = grpc.stream_stream_rpc_method_handler(behave)
    service, method = PATH[1:].split("/")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}", server
    finally:
        await server.stop(None)


class Client:
    """A connection of ours to a server, whose events can be waited for."""

    def __init__(self, limits: Limits) -> None:
        self.connection = ClientConnection("localhost", limits=limits)
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.pump = Pump(self.connection, self.events.put_nowait)

    def open(self, metadata: tuple[tuple[str, str | bytes], ...] = (), path: str = PATH) -> ClientStream:
        stream = self.connection.open(path, metadata)
        self.pump.flush()
        return stream

    def send(self, stream: ClientStream, *messages: bytes) -> None:
        stream.send(messages)
        self.pump.flush()

    async def next(self, kind: type) -> Any:
        """The next event of that kind. Messages are consumed."""
        async with asyncio.timeout(TIMEOUT):
            while True:
                event = await self.events.get()
                if isinstance(event, MessagesReceived):
                    event.stream.consumed(event.size)
                    self.pump.flush()
                if isinstance(event, kind):
                    return event

    async def messages(self, count: int) -> list[bytes]:
        received: list[bytes] = []
        while len(received) < count:
            received += (await self.next(MessagesReceived)).messages
        return received


@asynccontextmanager
async def our_client(address: str, limits: Limits | None = None) -> AsyncIterator[Client]:
    client = Client(limits or Limits())
    host, port = address.split(":")
    await asyncio.get_running_loop().create_connection(lambda: client.pump, host, int(port))
    try:
        yield client
    finally:
        client.connection.close()
        client.pump.flush()
        client.pump.close()
        async with asyncio.timeout(TIMEOUT):
            await client.pump.closed


@asynccontextmanager
async def our_server(
    react: Callable[[Event], None], limits: Limits | None = None
) -> AsyncIterator[tuple[str, list[Pump]]]:
    pumps: list[Pump] = []

    def accept() -> Pump:
        pumps.append(Pump(ServerConnection({PATH}, limits=limits or Limits()), react))
        return pumps[-1]

    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", pumps
    finally:
        server.close()
        for pump in pumps:
            if not pump.connection.ended:
                pump.connection.close()
                pump.flush()
                pump.close()
        async with asyncio.timeout(TIMEOUT):
            for pump in pumps:
                await pump.closed
            await server.wait_closed()


@asynccontextmanager
async def grpcio_call(address: str, options: Any = (), path: str = PATH, **how: Any) -> AsyncIterator[Any]:
    channel = aio.insecure_channel(address, options=(("grpc.use_local_subchannel_pool", 1), *options))
    try:
        yield channel.stream_stream(path)(**how)
    finally:
        await channel.close()
