"""Clients that mean no good, over real connections: each loses its own, and disturbs nobody.

How much they make a server hold is measured in tests/unit/transports/http2/ and in test_memory.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import chain, repeat

import pygorums as gorums
from pygorums.transports.http2.codes import ErrorCode
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected
from tests.support.frames import request as frame_of
from tests.support.waiting import within
from tests.unit.transports.http2.raw import (
    ACK,
    CONTINUATION,
    GOAWAY,
    GRPC,
    HEADERS,
    PING,
    PREFACE,
    PRIORITY,
    SETTINGS,
    block,
    data,
    frame,
    message,
    parse,
    request,
    reset,
    setting,
    update,
)

OPENING = PREFACE + setting() + frame(SETTINGS, ACK)
TOGETHER = 16 << 10


def streams() -> Iterator[bytes]:
    return (request(n) for n in range(1, 20_001, 2))


def resets() -> Iterator[bytes]:
    return (request(n) + reset(n) for n in range(1, 20_001, 2))


FLOODS: dict[str, Callable[[], Iterator[bytes]]] = {
    "settings": lambda: repeat(setting((3, 100)), 100_000),
    "pings": lambda: repeat(frame(PING, 0, 0, bytes(8)), 100_000),
    "resets": resets,
    "priorities": lambda: repeat(frame(PRIORITY, 0, 1, bytes(5)), 100_000),
    "unknown frames": lambda: repeat(frame(0xBE, 0, 1, bytes(5)), 100_000),
    "empty data": lambda: chain((request(1),), repeat(data(1, b""), 100_000)),
    "bytes of a message": lambda: chain((request(1), data(1, b"\0\0\x10\0\0")), repeat(data(1, b"x"), 100_000)),
    "windows": lambda: chain((request(1),), repeat(update(1, 1), 100_000)),
    "ten thousand streams": streams,
    "fields without end": lambda: chain(
        (frame(HEADERS, 0, 1, block(*GRPC)),), repeat(frame(CONTINUATION, 0, 1, b"\0\1x\1y" * 100), 10_000)
    ),
    "requests of browsers": lambda: (
        request(n, ((":method", "GET"), (":scheme", "http"), (":path", "/")), end=True) for n in range(1, 40_001, 2)
    ),
}


async def flood(address: str, frames: Iterator[bytes]) -> bytes:
    """Write until the server has had enough; what it has said."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    heard = bytearray()
    reading = asyncio.create_task(read_into(heard, reader))
    with suppress(ConnectionError):
        writer.write(OPENING)
        while not reading.done() and (part := b"".join(frames_of(frames))):
            writer.write(part)
            await within(writer.drain())
            await asyncio.sleep(0)
    await within(reading)
    writer.transport.abort()
    return bytes(heard)


async def read_into(heard: bytearray, reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        while part := await reader.read(1 << 16):
            heard += part


def frames_of(frames: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for each in frames:
        yield each
        size += len(each)
        if size > TOGETHER:
            return


@asynccontextmanager
async def served() -> AsyncIterator[tuple[str, gorums.Configuration]]:
    """A server, and an ordinary client of it."""
    server = gorums.Server(ScriptedCalls(), transport="asyncio")
    address = await server.start("127.0.0.1:0")
    try:
        async with connected([address]) as other:
            await within(echo(other[0], Text(text="ok")))
            yield address, other
            assert (await within(echo(other[0], Text(text="ok")))).text == "ok"
            assert other[0].last_error is None
    finally:
        await within(server.stop())


async def test_a_flood_ends_its_connection_and_no_other() -> None:
    """All floods at once."""
    async with served() as (address, other):
        attacks = {what: asyncio.create_task(flood(address, make())) for what, make in FLOODS.items()}
        while not all(attack.done() for attack in attacks.values()):
            await within(echo(other[0], Text(text="ok")))
            await asyncio.wait(attacks.values(), timeout=0.01)
        for what, attack in attacks.items():
            ends = [each.payload[4:8] for each in parse(await attack) if each.kind == GOAWAY]
            assert ends == [ErrorCode.ENHANCE_YOUR_CALM.to_bytes(4, "big")], what


WINDOWS = setting((4, (1 << 31) - 1)) + update(0, 1 << 30)
ASKS = frame_of(1, "calls.Calls.Echo", Text(text="ok", data=bytes(10_000)).SerializeToString()).SerializeToString()
LOITERERS: Mapping[str, tuple[bytes, bytes]] = {
    "says nothing": (b"", b""),
    "a preface by bytes": (b"", PREFACE),
    "says hello and nothing more": (OPENING, b""),
    "fields by bytes": (OPENING, request(1)[:-1]),
    "fields without an end": (OPENING, frame(HEADERS, 0, 1, block(*GRPC))),
    "a message by bytes": (OPENING + request(1), data(1, message(bytes(5000)))[:-1]),
    "a frame by bytes": (OPENING + request(1), data(1, message(bytes(60_000)))[:5000]),
    "reads nothing of what it asks for": (OPENING + WINDOWS + request(1), data(1, message(ASKS)) * 100),
    "has no window for what it asks for": (OPENING + request(1) + setting((4, 0)), data(1, message(ASKS)) * 100),
}
"""What each writes at once, and what in small pieces."""


async def loiter(address: str, at_once: bytes, slowly: bytes, peers: list[asyncio.Transport]) -> None:
    loop = asyncio.get_running_loop()
    host, _, port = address.rpartition(":")
    transport, _ = await loop.create_connection(asyncio.Protocol, host, int(port))
    transport.pause_reading()
    peers.append(transport)
    transport.write(at_once)
    step = max(len(slowly) // 50, 1)
    for start in range(0, len(slowly), step):
        transport.write(slowly[start : start + step])
        await asyncio.sleep(0)


async def test_who_is_slow_or_does_not_read_holds_up_nobody() -> None:
    """Nor the end of the server."""
    peers: list[asyncio.Transport] = []
    try:
        async with served() as (address, other):
            loitering = asyncio.gather(*(loiter(address, *how, peers) for how in LOITERERS.values() for _ in range(2)))
            calls = 1
            while not loitering.done() or calls < 50:
                await within(echo(other[0], Text(text="ok")))
                calls += 1
            await loitering
    finally:
        for peer in peers:
            peer.abort()
