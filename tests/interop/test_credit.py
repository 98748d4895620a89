"""Credit on the wire, with one end that a test writes by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import pygorums as gorums
from pygorums.streams import window
from pygorums.wire.framing import SERVER_INITIATED, encode_ack, varint
from pygorums.wire.stream_pb2 import Frame, Message
from tests.interop.session_peers import ID, KEY, TOKEN, call
from tests.protos.calls_gorums import NOTE, echo, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, serving
from tests.support.scripted_client import ScriptedClient
from tests.support.scripted_server import ScriptedServer, ServerStream, swallow
from tests.support.waiting import until, within

COST = 512 + 600
"""Of each message here, about."""


def requests_to(stream: ServerStream) -> list[str]:
    return [
        Text.FromString(m.payload).text for m in stream.messages if m.method and m.message_seq_no < SERVER_INITIATED
    ]


def hello_back(credit: str) -> list[tuple[str, str]]:
    """Of a client that is called back."""
    return [(KEY, f"1 {ID} 1 - 0{credit}"), ("pygorums-batch", "1"), ("gorums-node-id", "0")]


@asynccontextmanager
async def towards(credit: str) -> AsyncIterator[tuple[gorums.Node, ServerStream]]:
    """A node that confirms a session with so much credit, and does nothing else."""

    async def script(stream: ServerStream) -> None:
        await stream.confirm(("pygorums-batch", "1"), ("pygorums-cancel", "1"), (KEY, f"1 {TOKEN} 0{credit}"))
        await swallow(stream)
        await stream.send(encode_ack(len(requests_to(stream))))

    async with ScriptedServer(script) as server:
        address = await server.start()
        config = gorums.connect([address], session=gorums.Session(), backoff=QUICK)
        try:
            stream = await server.opened(1)
            await until(lambda: stream.received)
            yield config[0], stream
        finally:
            await within(config.close())


def send(node: gorums.Node, texts: str) -> list[asyncio.Future[Any]]:
    return [note(node, Text(text=text, data=bytes(560))) for text in texts]


async def test_an_opener_sends_what_it_has_credit_for() -> None:
    async with towards(f" {2 * COST}") as (node, stream):
        notes = send(node, "abcdef")
        await within(asyncio.gather(*notes[:2]))
        await until(lambda: requests_to(stream) == [*"ab"])
        await stream.send(encode_ack(2, COST))
        await within(notes[2])
        await stream.send(encode_ack(3))  # as much as before
        await within(notes[3])
        assert not notes[4].done()
        await until(lambda: requests_to(stream) == [*"abcd"])
        await stream.send(encode_ack(4, 1 << 63))
        await within(asyncio.gather(*notes))
        await until(lambda: requests_to(stream) == [*"abcdef"])


@pytest.mark.parametrize("credit", ["", " x", " -1", " 99999999999999999999", f" {(1 << 64) - 1}", " 1x", "  1"])
async def test_no_bound_and_no_credit(credit: str) -> None:
    async with towards(credit) as (node, _):
        await within(asyncio.gather(*send(node, "abcdefgh")))


async def test_who_has_no_credit_at_all_sends_one_at_a_time() -> None:
    async with towards(" 0") as (node, stream):
        notes = send(node, "abc")
        waiting = echo(node, Text(text="timeout"), timeout=0.05)
        await within(notes[0])
        with pytest.raises(TimeoutError):
            await within(waiting)
        for taken in (1, 2):
            assert not notes[taken].done()
            await stream.send(encode_ack(taken, 0))
            await within(notes[taken])
        await until(lambda: requests_to(stream) == [*"abc"])


@pytest.mark.parametrize(
    ("nonsense", "readable"),
    [
        (Frame(credit=0).SerializeToString(), True),
        (Frame(batch=[Message(credit=0)]).SerializeToString(), True),
        (Message(message_seq_no=7, credit=0).SerializeToString(), True),
        (encode_ack(0) + b"\x80\x01" + varint((1 << 64) - 1) + b"\x80\x01\x00", True),
        (b"\x68\x00\x80\x01", False),
        (b"\x68\x00\x80\x01\xff", False),
    ],
    ids=["without ack", "in an envelope", "in a message", "twice", "cut off", "cut off later"],
)
async def test_credit_where_there_is_none(nonsense: bytes, readable: bool) -> None:
    """It is ignored, unless it is no message at all: that ends the stream, and the session with it."""
    async with towards("") as (node, stream):
        await stream.send(nonsense)
        if readable:
            await within(asyncio.gather(*send(node, "ab")))
            await until(lambda: requests_to(stream) == [*"ab"])
        else:
            await until(lambda: "not a message" in str(node.last_error))


@pytest.mark.parametrize("credit", ["", " 0", f" {COST}", f" {1 << 62}"])
async def test_a_server_calls_back_as_much_as_it_has_credit_for(credit: str) -> None:
    server = gorums.Server(ScriptedCalls())
    address = await within(server.start("127.0.0.1:0"))
    async with ScriptedClient(address, hello_back(credit)) as client:
        answered = (await client.initial_metadata())[KEY].split()
        assert answered[3:] == [str(window.WINDOW)], "it reads on, for replies"
        await client.send(encode_ack(0))
        await until(lambda: len(server.client_config()) == 1)
        notes = send(server.client_config()[0], "abc")
        if credit in (" 0", f" {COST}"):
            await within(notes[0])
            assert not notes[1].done()
            await client.send(call(1, "replies need no credit"))
            await until(lambda: any(b"replies" in frame for frame in client.frames))
            assert not notes[1].done()
            await client.send(encode_ack(2, 1 << 20))
        await within(asyncio.gather(*notes))
        await until(lambda: b"".join(client.frames).count(NOTE.name.encode()) == 3)
    await within(server.stop())


async def test_an_ordinary_client_is_told_of_no_credit() -> None:
    async with serving(ScriptedCalls()) as address, ScriptedClient(address, hello_back("")[:2]) as client:
        assert len((await client.initial_metadata())[KEY].split()) == 3
        await client.send(encode_ack(0), call(1))
        await until(lambda: client.frames[-1:] == [encode_ack(1)])
