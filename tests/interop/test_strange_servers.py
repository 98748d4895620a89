"""A Python client and servers that say what they should not: one call or one stream suffers, nobody else."""

import asyncio

import grpc
import pytest
from google.rpc.status_pb2 import Status

import pygorums as gorums
from pygorums.wire.stream_pb2 import Message
from tests.protos.calls_gorums import ask, echo
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected
from tests.support.frames import failure, messages_in, reply, request
from tests.support.scripted_server import Script, ScriptedServer, ServerStream, answering
from tests.support.waiting import until, within


def same(payload: bytes) -> bytes:
    return payload


sane: Script = answering({"calls.Calls.Echo": same, "calls.Calls.Ask": same})


async def answered(node: gorums.Node) -> None:
    await until(lambda: node.pending == 0, f"node {node.id} has answered")


async def once_strange(stream: ServerStream, strange: Message | bytes) -> None:
    """Sends something strange before the first reply, and is sane afterwards."""
    frame = await stream.receive()
    assert frame is not None
    await stream.send(strange)
    await stream.send(reply(frame, frame.payload))
    await sane(stream)


@pytest.mark.parametrize(
    "strange",
    [
        pytest.param(request(99, "calls.Calls.Echo", b"x"), id="a reply to nothing"),
        pytest.param(request(1 << 63 | 1, "calls.Calls.Echo"), id="a request to a client without handlers"),
        pytest.param(request((1 << 64) - 1, "no.such.Method", b"\xff"), id="the largest number"),
        pytest.param(b"", id="an empty frame"),
        pytest.param(b"\xfa\x07\x03abc", id="an unknown field"),
        pytest.param(b"\x7a\x03abc", id="a batch that was not agreed on, and is none"),
    ],
)
async def test_what_is_ignored(strange: Message | bytes) -> None:
    async with (
        ScriptedServer(lambda stream: once_strange(stream, strange)) as server,
        connected([server.address]) as config,
    ):
        for n in range(3):
            assert (await within(echo(config[0], Text(text=str(n))))).text == str(n)
        assert len(server.streams) == 1


async def test_a_reply_that_does_not_parse_is_a_failure_of_its_node() -> None:
    """For those that get to see it: a reply that only counts towards a threshold may not be looked into."""

    async def script(stream: ServerStream) -> None:
        while (frame := await stream.receive()) is not None:
            for message in messages_in(frame):
                await stream.send(reply(message, b"\xff\xff\xff"))

    async with (
        ScriptedServer(sane) as good,
        ScriptedServer(script) as bad,
        connected([good.address, bad.address]) as config,
    ):
        with pytest.raises(gorums.StatusError) as error:
            await within(echo(config[1], Text(text="x")))
        assert error.value.node_id == 2
        assert "calls.Calls.Echo" in str(error.value)
        with pytest.raises(gorums.IncompleteError) as incomplete:
            await within(ask(config[1:], Text(text="x")).all())
        assert set(incomplete.value.node_errors) == {2}
        assert set(await within(ask(config, Text(text="x")).collect_all())) == {1}
        async for r in ask(config, Text(text="x")):
            assert (r.error is None) == (r.node_id == 1)
        assert len(good.streams) == len(bad.streams) == 1


@pytest.mark.parametrize(("threshold", "enough"), [(1, 1), (2, 2)])
async def test_a_reply_that_does_not_parse_is_not_the_first_success(threshold: int, enough: int) -> None:
    """It comes first, so it would be the one to return; the call goes on with the others instead."""
    gates = [asyncio.Event(), asyncio.Event()]

    def waiting_for(gate: asyncio.Event) -> Script:
        async def script(stream: ServerStream) -> None:
            frame = await stream.receive()
            assert frame is not None
            await gate.wait()
            await stream.send(reply(frame, frame.payload))
            await sane(stream)

        return script

    async def bad(stream: ServerStream) -> None:
        while (frame := await stream.receive()) is not None:
            await stream.send(reply(frame, b"\xff\xff\xff"))

    async with (
        ScriptedServer(bad) as one,
        ScriptedServer(waiting_for(gates[0])) as two,
        ScriptedServer(waiting_for(gates[1])) as three,
        connected([one.address, two.address, three.address]) as config,
    ):
        call = ask(config, Text(text="x")).async_threshold(threshold)
        await answered(config[0])
        assert not call.done()
        for node, gate in zip(config[1:][:enough], gates, strict=False):
            gate.set()
            await answered(node)
        assert (await within(call)).text == "x"


async def test_a_status_that_is_ok_is_a_success() -> None:
    async def script(stream: ServerStream) -> None:
        while (frame := await stream.receive()) is not None:
            await stream.send(reply(frame, frame.payload, Status(code=0)))

    async with ScriptedServer(script) as server, connected([server.address]) as config:
        assert (await within(echo(config[0], Text(text="x")))).text == "x"


async def test_a_status_that_does_not_exist() -> None:
    async def script(stream: ServerStream) -> None:
        while (frame := await stream.receive()) is not None:
            await stream.send(failure(frame, 4711, "odd"))

    async with ScriptedServer(script) as server, connected([server.address]) as config:
        with pytest.raises(gorums.StatusError, match="odd") as error:
            await within(echo(config[0], Text(text="x")))
        assert error.value.code == grpc.StatusCode.UNKNOWN


async def test_a_frame_that_is_not_a_message_ends_the_stream_and_not_the_client() -> None:
    async def script(stream: ServerStream) -> None:
        if len(server.streams) == 1:
            await stream.receive()
            await stream.send(b"\xff\xff\xff\xff")
        await sane(stream)

    async with ScriptedServer(script) as server, connected([server.address]) as config:
        # Whether the call is tried again on the next stream or fails is up to the client; it must not hang.
        outcome = await within(asyncio.gather(echo(config[0], Text(text="x")), return_exceptions=True))
        assert isinstance(outcome[0], Text | gorums.StatusError)
        await config.wait_connected(timeout=10)
        assert (await within(echo(config[0], Text(text="after")))).text == "after"
        assert len(server.streams) == 2


@pytest.mark.parametrize("code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INTERNAL])
async def test_a_server_that_refuses_every_stream(code: grpc.StatusCode) -> None:
    async def script(stream: ServerStream) -> None:
        await stream.abort(code, "not for you")

    async with ScriptedServer(script) as server:
        backoff = gorums.Backoff(initial=0.02, maximum=0.1)
        async with gorums.connect([server.address], backoff=backoff) as config:
            with pytest.raises(gorums.StatusError, match="not for you") as error:
                await within(echo(config[0], Text(text="x")))
            assert error.value.node_id == 1
            assert server.address in str(error.value)
            await until(lambda: len(server.streams) >= 3, "it is tried again")
            assert config[0].pending == 0


async def test_a_server_that_ends_every_stream_politely() -> None:
    async def script(stream: ServerStream) -> None:
        if len(server.streams) > 3:
            await sane(stream)

    async with ScriptedServer(script) as server:
        backoff = gorums.Backoff(initial=0.02, maximum=0.1)
        async with gorums.connect([server.address], backoff=backoff) as config:
            await within(server.opened(4))
            await config.wait_connected(timeout=10)
            assert (await within(echo(config[0], Text(text="x")))).text == "x"
