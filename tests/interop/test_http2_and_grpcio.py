"""Our ends and grpcio's, over real sockets: messages, metadata, errors, half-close, large messages, farewells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc import aio

from pygorums.transports.http2.codes import ErrorCode
from pygorums.transports.http2.events import (
    Answered,
    Event,
    GoingAway,
    HalfClosed,
    MessagesReceived,
    PingAnswered,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
)
from pygorums.transports.http2.limits import Limits
from pygorums.transports.http2.server import ServerConnection
from pygorums.transports.http2.status import Code, Status
from tests.interop.http2_sockets import LARGE, TIMEOUT, UNLIMITED, grpcio_call, grpcio_server, our_client, our_server
from tests.support.waiting import until


def echo(event: Event) -> None:
    """A server that answers each message with itself, and half-close with a status."""
    if isinstance(event, RequestReceived):
        event.stream.respond((("seen", str(len(event.stream.metadata))), ("seen-bin", b"\0\xff")))
    elif isinstance(event, MessagesReceived):
        event.stream.consumed(event.size)
        event.stream.send(event.messages)
    elif isinstance(event, HalfClosed):
        event.stream.finish(Status(Code.ABORTED, "enough: é%"), (("t", "v"), ("t-bin", b"\1\2")))


async def grpcio_echo(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
    got = [(key, value) for key, value in context.invocation_metadata() if key.startswith("key")]
    await context.send_initial_metadata((*[("r" + key, value) for key, value in got],))
    async for request in requests:
        yield request
    context.set_trailing_metadata((("t", "v"), ("t-bin", b"\1\2")))
    await context.abort(grpc.StatusCode.ABORTED, "enough: é%")


async def test_our_client_with_their_server() -> None:
    async with grpcio_server(grpcio_echo) as (address, _), our_client(address) as client:
        stream = client.open((("key", "value"), ("key-bin", b"\0\1\xff"), ("key-bin", b"")))
        await client.next(Answered)
        response = await client.next(ResponseReceived)
        assert response.metadata == (("rkey", "value"), ("rkey-bin", b"\0\1\xff"), ("rkey-bin", b""))
        sent = [b"%d" % n * (n % 50) for n in range(500)]
        client.send(stream, *sent)
        assert await client.messages(500) == sent
        stream.half_close()
        client.pump.flush()
        ended = await client.next(StreamEnded)
        assert ended.status == Status(Code.ABORTED, "enough: é%")
        assert ended.trailers == (("t", "v"), ("t-bin", b"\1\2"))
        assert not client.connection.streams


async def test_their_client_with_our_server() -> None:
    async with our_server(echo) as (address, _), grpcio_call(address, metadata=(("k", "v"), ("k-bin", b"\0"))) as call:
        async with asyncio.timeout(TIMEOUT):
            initial = await call.initial_metadata()
            assert dict(initial) == {"seen": "3", "seen-bin": b"\0\xff"}
            for n in range(300):
                await call.write(b"%d" % n * (n % 50))
                assert await call.read() == b"%d" % n * (n % 50)
            await call.done_writing()
            with pytest.raises(aio.AioRpcError, match="enough"):
                await call.read()
            assert await call.code() is grpc.StatusCode.ABORTED
            assert await call.details() == "enough: é%"
            assert dict(await call.trailing_metadata()) == {"t": "v", "t-bin": b"\1\2"}


async def test_large_messages_to_their_server_and_back() -> None:
    limits = Limits(max_message=LARGE)
    async with grpcio_server(grpcio_echo, UNLIMITED) as (address, _), our_client(address, limits) as client:
        stream = client.open()
        sent = [bytes((n,)) * LARGE for n in range(3)]
        client.send(stream, *sent)
        assert await client.messages(3) == sent
        # One more byte is too much for us.
        client.send(stream, bytes(LARGE + 1))
        ended = await client.next(StreamEnded)
        assert ended.status.code is Code.RESOURCE_EXHAUSTED
        assert not client.connection.ended


async def test_large_messages_from_their_client_and_back() -> None:
    limits = Limits(max_message=LARGE)
    async with our_server(echo, limits) as (address, _), grpcio_call(address, UNLIMITED) as call:
        async with asyncio.timeout(TIMEOUT):
            for n in range(3):
                await call.write(bytes((n,)) * LARGE)
                assert await call.read() == bytes((n,)) * LARGE
            await call.write(bytes(LARGE + 1))
            assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert await call.details() == "a message of 4194305 bytes is larger than the 4194304 that are taken"


async def test_messages_too_large_for_their_server() -> None:
    async with grpcio_server(grpcio_echo) as (address, _), our_client(address) as client:
        stream = client.open()
        client.send(stream, bytes(LARGE + 1))
        assert (await client.next(StreamEnded)).status.code is Code.RESOURCE_EXHAUSTED


async def test_their_client_calls_what_we_do_not_serve() -> None:
    async with our_server(echo) as (address, _), grpcio_call(address, path="/a.B/C") as call:
        async with asyncio.timeout(TIMEOUT):
            assert await call.code() is grpc.StatusCode.UNIMPLEMENTED
            assert await call.details() == "no method '/a.B/C' here"


async def test_our_client_calls_what_they_do_not_serve() -> None:
    async with grpcio_server(grpcio_echo) as (address, _), our_client(address) as client:
        client.open(path="/a.B/C")
        assert (await client.next(StreamEnded)).status.code is Code.UNIMPLEMENTED


async def test_their_client_withdraws_and_has_a_timeout() -> None:
    ended: asyncio.Queue[Status] = asyncio.Queue()
    timeouts = []

    def react(event: Event) -> None:
        if isinstance(event, RequestReceived):
            timeouts.append(event.stream.timeout)
            event.stream.respond()
        elif isinstance(event, StreamEnded):
            ended.put_nowait(event.status)

    async with our_server(react) as (address, _), grpcio_call(address, timeout=100.0) as call:
        async with asyncio.timeout(TIMEOUT):
            await call.initial_metadata()
            call.cancel()
            assert (await ended.get()).code is Code.CANCELLED
    assert timeouts[0] == pytest.approx(100.0, abs=5)


async def test_our_client_withdraws() -> None:
    cancelled = asyncio.Event()

    async def behave(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        context.add_done_callback(lambda _: cancelled.set())
        yield b"begun"
        await asyncio.sleep(TIMEOUT)

    async with grpcio_server(behave) as (address, _), our_client(address) as client:
        stream = client.open()
        await client.messages(1)
        stream.reset(ErrorCode.CANCEL)
        client.pump.flush()
        async with asyncio.timeout(TIMEOUT):
            await cancelled.wait()


async def test_their_server_reads_slowly() -> None:
    """It stops us by its windows, and lets us go on."""
    go_on = asyncio.Event()
    read: list[int] = []

    async def behave(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        yield b"begun"
        await go_on.wait()
        read.extend([len(request) async for request in requests])
        yield b"all"

    async with grpcio_server(behave) as (address, _), our_client(address) as client:
        stream = client.open()
        await client.messages(1)
        client.send(stream, *[bytes(100_000)] * 200)
        assert stream.waiting
        stream.half_close()
        go_on.set()
        assert await client.messages(1) == [b"all"]
        assert read == [100_000] * 200


async def test_our_server_falls_behind() -> None:
    """Their client is stopped by our windows, and goes on once we consume."""
    held: list[MessagesReceived] = []
    stopped = asyncio.Event()

    def react(event: Event) -> None:
        if isinstance(event, RequestReceived):
            event.stream.respond()
        elif isinstance(event, MessagesReceived):
            held.append(event)
            if sum(one.size for one in held) > (1 << 20) - 50_000:
                stopped.set()

    async def write_all(call: Any) -> None:
        for _ in range(200):
            await call.write(bytes(50_000))

    limits = Limits(stream_window=1 << 20)
    async with our_server(react, limits) as (address, pumps), grpcio_call(address) as call:
        writing = asyncio.ensure_future(write_all(call))
        async with asyncio.timeout(TIMEOUT):
            await stopped.wait()
            assert sum(one.size for one in held) <= 1 << 20
            assert not writing.done()
            count = 0
            while not writing.done() or count < 200:
                while held:
                    event = held.pop()
                    count += len(event.messages)
                    event.stream.consumed(event.size)
                pumps[0].flush()
                await asyncio.sleep(0)
            await writing


async def test_our_server_goes_away_from_their_client() -> None:
    async with our_server(echo) as (address, pumps), grpcio_call(address) as call:
        async with asyncio.timeout(TIMEOUT):
            await call.write(b"one")
            assert await call.read() == b"one"
            server = pumps[0].connection
            assert isinstance(server, ServerConnection)
            server.shut_down()
            pumps[0].flush()
            # The stream goes on, and the farewell is complete once the client has answered.
            await call.write(b"two")
            assert await call.read() == b"two"
            await call.done_writing()
            assert await call.code() is grpc.StatusCode.ABORTED
            await until(lambda: server.drained)


async def test_their_server_goes_away_from_our_client() -> None:
    async with grpcio_server(grpcio_echo) as (address, server), our_client(address) as client:
        stream = client.open()
        client.send(stream, b"one")
        assert await client.messages(1) == [b"one"]
        stopping = asyncio.ensure_future(server.stop(TIMEOUT))
        going = await client.next(GoingAway)
        assert going.code == 0
        client.send(stream, b"two")
        assert await client.messages(1) == [b"two"]
        stream.half_close()
        client.pump.flush()
        assert (await client.next(StreamEnded)).status.code is Code.ABORTED
        await stopping


async def test_their_server_is_asked_for_signs_of_life() -> None:
    async def behave(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request

    async with grpcio_server(behave) as (address, _), our_client(address) as client:
        client.open()
        await client.next(Answered)
        client.connection.ping(b"12345678")
        client.pump.flush()
        assert (await client.next(PingAnswered)).payload == b"12345678"
