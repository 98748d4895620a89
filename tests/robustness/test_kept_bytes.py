"""What a client has sent and no handler has got: it counts with all that a server holds, wherever it is kept."""

from __future__ import annotations

import asyncio

import pytest
from hpack import Decoder

import pygorums as gorums
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected
from tests.support.frames import request as frame_of
from tests.support.waiting import within
from tests.unit.transports.http2.raw import (
    ACK,
    DATA,
    END_STREAM,
    HEADERS,
    PING,
    PREFACE,
    data,
    frame,
    message,
    request,
    setting,
)

MIB = 1 << 20


def asks(text: str, size: int = 0) -> bytes:
    payload = Text(text=text, data=bytes(size)).SerializeToString()
    return message(frame_of(1, "calls.Calls.Echo", payload).SerializeToString())


def framed(content: bytes) -> bytes:
    return b"".join(data(1, content[at : at + 16_384]) for at in range(0, len(content), 16_384))


UNTOLD = framed(asks("hold:gate") + asks("", 100_000) * 35)
LARGE = asks("", 4 * MIB - 1000)
INCOMPLETE, REST = framed(LARGE[: 3 * MIB + 500_000]), framed(LARGE[3 * MIB + 500_000 :])


class Client:
    """One connection with one stream."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._decoder = Decoder()
        self.status: dict[str, str] = {}

    async def until(self, kind: int, flags: int = 0) -> None:
        """Reads up to a frame of that kind, and notes the fields that end the stream."""
        while True:
            head = await within(self._reader.readexactly(9))
            content = await within(self._reader.readexactly(int.from_bytes(head[:3], "big")))
            if head[3] == HEADERS:
                fields = self._decoder.decode(content)
                self.status = {str(key): str(value) for key, value in fields} if head[4] & END_STREAM else {}
            if head[3] == kind and head[4] & flags == flags:
                return


@pytest.mark.parametrize("sent", [UNTOLD, INCOMPLETE], ids=["not told yet", "not complete"])
@pytest.mark.parametrize("limit", [3 * MIB, 5 * MIB])
async def test_it_counts(sent: bytes, limit: int) -> None:
    service = ScriptedCalls()
    server = gorums.Server(service, transport="asyncio", options=[("pygorums.max_held_bytes", limit)])
    address = await server.start("127.0.0.1:0")
    async with connected([address]) as other:
        reader, writer = await asyncio.open_connection(*address.split(":"))
        client = Client(reader)
        writer.write(PREFACE + setting() + request(1) + sent + frame(PING, 0, 0, b"all sent"))
        await client.until(PING, ACK)
        assert (await within(echo(other[0], Text(text="ok")))).text == "ok"
        if limit < len(sent):
            if not client.status:
                await client.until(HEADERS, END_STREAM)
            assert client.status["grpc-status"] == "8"
            assert "the most of all" in client.status["grpc-message"]
        else:
            assert not client.status
            writer.write(REST if sent is INCOMPLETE else b"")
            service.open_all()
            await client.until(DATA)
        writer.transport.abort()
        service.open_all()
        await within(server.stop())
