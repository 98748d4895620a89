"""A server's answers to frames that are right, and to frames that are not, over real connections.

The tables are those that hold for the class without sockets; here they are asked of a server with services, by a client
that waits as one would that tests servers of any make. What such a client asks for besides is below: it knows nothing
of gRPC, sends GET and POST for ``/``, and looks at what comes on the streams of those.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from hpack import Decoder

import pygorums as gorums
from pygorums.transports.http2.codes import ErrorCode
from pygorums.transports.http2.limits import Limits
from tests.support.calls import ScriptedCalls
from tests.support.waiting import within
from tests.unit.transports.http2 import cases_of_fields, cases_of_frames
from tests.unit.transports.http2.cases import (
    CLOSED,
    FLOW,
    OPENING,
    PROTOCOL,
    REFUSED,
    Answer,
    Case,
    Ended,
    Fine,
    Reset,
)
from tests.unit.transports.http2.raw import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    Frame,
    block,
    data,
    frame,
    message,
    request,
    reset,
    setting,
    update,
)

CASES = cases_of_frames.CASES + cases_of_fields.CASES
LARGEST = (1 << 31) - 1


@asynccontextmanager
async def server(**options: int) -> AsyncIterator[str]:
    made = gorums.Server(ScriptedCalls(), transport="asyncio", options=[("grpc." + k, v) for k, v in options.items()])
    address = await made.start("127.0.0.1:0")
    try:
        yield address
    finally:
        await within(made.stop())


class Client:
    """A connection; its settings are not acknowledged unless somebody does it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.write = writer.write
        self._decoder = Decoder()

    async def frame(self) -> Frame | None:
        """The next frame; None after the last."""
        try:
            head = await within(self._reader.readexactly(9))
            payload = await within(self._reader.readexactly(int.from_bytes(head[:3], "big")))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return Frame(head[3], head[4], int.from_bytes(head[5:], "big"), payload)

    async def until(self, kind: int, flags: int = 0) -> list[Frame]:
        """The frames up to the first of that kind, with it, or to the last of all."""
        found: list[Frame] = []
        while (next_one := await self.frame()) is not None:
            found.append(next_one)
            if next_one.kind == kind and next_one.flags & flags == flags:
                break
        return found

    def fields(self, found: Frame) -> dict[str, str]:
        return {str(name): str(value) for name, value in self._decoder.decode(found.payload)}


@asynccontextmanager
async def client(address: str) -> AsyncIterator[Client]:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


async def check(case: Case, address: str) -> None:
    async with client(address) as peer:
        peer.write(case.opening + case.written)
        if not isinstance(case.expected, Ended):
            peer.write(frame(PING, 0, 0, b"inpeace."))
        frames: list[Frame] = []
        while not frames or frames[-1].payload != b"inpeace.":
            if (next_one := await peer.frame()) is None:
                break
            frames.append(next_one)
        ends = [ErrorCode(int.from_bytes(each.payload[4:8], "big")) for each in frames if each.kind == GOAWAY]
        resets = {each.stream: int.from_bytes(each.payload, "big") for each in frames if each.kind == RST_STREAM}
        answers = {each.stream: peer.fields(each) for each in frames if each.kind == HEADERS}
        if isinstance(case.expected, Ended):
            assert ends == [case.expected.code], case
            return
        assert frames[-1].payload == b"inpeace.", (case, frames)
        assert not ends, (case, frames)
        assert resets == ({case.expected.stream: case.expected.code} if isinstance(case.expected, Reset) else {}), case
        if isinstance(case.expected, Fine):
            assert {each.kind for each in frames} >= set(case.expected.kinds), case
        if isinstance(case.expected, Answer):
            assert answers[1].items() >= case.expected.fields.items(), case


async def test_a_server_answers_as_the_tables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    small = partial(Limits, max_frame=16_384, stream_window=65_535, connection_window=65_535)
    monkeypatch.setattr("pygorums.transports.sockets.options.Limits", small)
    async with server(max_concurrent_streams=3) as address:
        for case in CASES:
            await check(case, address)


def web(method: str = "GET", path: str = "/", *more: tuple[str, str]) -> bytes:
    """The fields of a request of a browser."""
    return block((":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost"), *more)


def text_on(frames: list[Frame], stream: int = 1) -> bytes:
    return b"".join(each.payload for each in frames if each.kind == DATA and each.stream == stream)


ENDING = END_STREAM | END_HEADERS


@pytest.mark.parametrize(
    ("written", "status", "text"),
    [
        (frame(HEADERS, ENDING, 1, web()), "405", b"gRPC calls are POST requests\n"),
        (frame(HEADERS, ENDING, 1, web("HEAD")), "405", b""),
        (frame(HEADERS, ENDING, 1, web("POST")), "415", b"content-type '' is not gRPC's\n"),
        (frame(HEADERS, END_HEADERS, 1, web("POST")) + data(1, b"a=b", END_STREAM), "415", b"content-type '' is not"),
        (
            frame(HEADERS, END_HEADERS, 1, web("POST"))
            + data(1, b"a=b")
            + frame(HEADERS, ENDING, 1, block(("x", "y"))),
            "415",
            b"content-type '' is not",
        ),
        (
            frame(HEADERS, END_STREAM, 1, web()[:9]) + frame(CONTINUATION, END_HEADERS, 1, web()[9:]),
            "405",
            b"gRPC calls",
        ),
    ],
    ids=["GET", "HEAD", "POST", "POST with data", "POST with trailers", "CONTINUATION"],
)
async def test_a_browser_is_told_what_is_wrong(written: bytes, status: str, text: bytes) -> None:
    async with server() as address, client(address) as peer:
        peer.write(OPENING + written)
        frames = [each for each in await peer.until(HEADERS) if each.kind == HEADERS]
        assert peer.fields(frames[0])[":status"] == status
        if not frames[0].flags & END_STREAM:
            frames += await peer.until(DATA, END_STREAM)
        assert text_on(frames).startswith(text)
        assert bool(text_on(frames)) == bool(text)


async def test_a_text_waits_for_the_windows_of_who_asked() -> None:
    """Section 6.9.2: a window that the settings open, that they make negative, and that opens again."""
    async with server() as address, client(address) as peer:
        peer.write(PREFACE + setting((4, 1)) + frame(HEADERS, ENDING, 1, web()))
        assert text_on(await peer.until(DATA)) == b"g"
        peer.write(setting((4, 4)))
        assert text_on(await peer.until(DATA)) == b"RPC"
        peer.write(setting((4, 2)) + update(1, 2) + frame(PING, 0, 0, b"nothing."))
        assert text_on(await peer.until(PING)) == b""
        peer.write(update(1, 1))
        assert text_on(await peer.until(DATA)) == b" "
        peer.write(setting((4, 65_535)))
        assert text_on(await peer.until(DATA, END_STREAM)) == b"calls are POST requests\n"


async def test_requests_whose_answers_cannot_leave_are_counted() -> None:
    """Section 5.1.2, for a client that keeps streams open by a window of nothing."""
    async with server() as address, client(address) as peer:
        peer.write(PREFACE + setting((4, 0)))
        announced = next(each for each in await peer.until(SETTINGS) if each.kind == SETTINGS)
        most = dict(struct.iter_unpack(">HI", announced.payload))[3]
        peer.write(b"".join(frame(HEADERS, ENDING, 2 * n + 1, web()) for n in range(most + 1)))
        refused = (await peer.until(RST_STREAM))[-1]
        assert (refused.stream, refused.payload) == (2 * most + 1, REFUSED.to_bytes(4, "big"))
        # One answer leaves, and there is room for another request.
        peer.write(update(1, 1000))
        await peer.until(DATA, END_STREAM)
        peer.write(frame(HEADERS, ENDING, 2 * most + 3, web()))
        assert (await peer.until(HEADERS))[-1].stream == 2 * most + 3


@pytest.mark.parametrize(
    ("written", "code", "stream"),
    [
        (update(1, LARGEST) + update(1, LARGEST), FLOW, 1),
        (update(0, LARGEST), FLOW, 0),
        (update(1, LARGEST - 65_535) + setting((4, LARGEST)), FLOW, 0),
        (data(1, b"four", END_STREAM), PROTOCOL, 1),
        (data(1, b"fo") + data(1, b"ur", END_STREAM), PROTOCOL, 1),
        (frame(HEADERS, END_HEADERS, 1, block(("x", "y"))), PROTOCOL, 1),
        (frame(HEADERS, ENDING, 1, block((":x", "y"))), PROTOCOL, 1),
        (reset(1) + data(1, b"x"), CLOSED, 1),
        (data(1, b"x", END_STREAM) * 2, CLOSED, 0),
    ],
    ids=range(9),
)
async def test_the_stream_of_a_browser_has_its_rules_too(written: bytes, code: ErrorCode, stream: int) -> None:
    """Though the answer has left already."""
    async with server() as address, client(address) as peer:
        peer.write(OPENING + frame(HEADERS, END_HEADERS, 1, web("POST", "/", ("content-length", "1"))))
        await peer.until(DATA, END_STREAM)
        peer.write(written)
        found = (await peer.until(RST_STREAM if stream else GOAWAY))[-1]
        at = 0 if stream else 4
        assert (found.stream, int.from_bytes(found.payload[at : at + 4], "big")) == (stream, code)


async def test_frames_as_large_as_the_server_says_and_larger() -> None:
    async with server() as address:
        for more, expected in ((0, PING), (1, GOAWAY)):
            async with client(address) as peer:
                peer.write(OPENING)
                announced = next(each for each in await peer.until(SETTINGS) if each.kind == SETTINGS)
                size = dict(struct.iter_unpack(">HI", announced.payload))[5] + more
                peer.write(request(1) + data(1, message(bytes(size - 5))) + frame(PING, 0, 0, b"12345678"))
                assert (await peer.until(expected))[-1].kind == expected
