"""A Python client sends the frames that the Go client sent for the same calls, byte for byte."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial

import grpc
import pytest

import pygorums as gorums
from examples.storage import storage_gorums as storage
from examples.storage.storage_pb2 import ReadRequest, WriteRequest
from tests.interop.recording import stream
from tests.support.cluster import connected
from tests.support.scripted_server import Script, ScriptedServer, ServerStream
from tests.support.waiting import until, within

# The recorded links by the order of the nodes in the client's configuration: A, B, C.
STREAMS = (7, 9, 8)

GREETING = ReadRequest(key="greeting")


def replaying(number: int) -> Script:
    """A server that answers each message with what the Go server answered, and says nothing else."""
    answers: dict[int, list[bytes]] = {}
    for sent in stream(number):
        if not sent.by_client:
            answers.setdefault(sent.message.message_seq_no, []).append(sent.raw)

    async def script(server_stream: ServerStream) -> None:
        while (frame := await server_stream.receive()) is not None:
            for raw in answers.get(frame.message_seq_no, ()):
                await server_stream.send(raw)

    return script


@pytest.fixture
async def servers() -> AsyncIterator[list[ScriptedServer]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(ScriptedServer(replaying(number))) for number in STREAMS]


def recorded(node: int, seq: int) -> WriteRequest:
    """The request of a recorded write, with its timestamp."""
    sent = next(s for s in stream(STREAMS[node]) if s.by_client and s.message.message_seq_no == seq)
    return WriteRequest.FromString(sent.message.payload)


def has_received(server: ScriptedServer, count: int) -> bool:
    return len(server.streams[0].received) >= count


async def every_call(config: gorums.Configuration) -> None:
    """What the recorded client was told to do, in its order; each call gets the reply that was recorded."""
    a, b, c = config

    assert (await storage.write_qc(config, recorded(0, 1)).all()).new
    assert (await storage.read_qc(config, GREETING).all()).value == "hello"
    assert (await storage.read_rpc(a, GREETING)).value == "hello"
    with pytest.raises(gorums.StatusError, match="requests for key 'foo' are not allowed") as refused:
        await storage.write_rpc(b, recorded(1, 4))
    assert (refused.value.code(), refused.value.node_id) == (grpc.StatusCode.UNKNOWN, b.id)
    await storage.write_unicast(b, recorded(1, 5))
    await storage.write_multicast(config, recorded(0, 6))
    replies = await storage.read_qc(config[:2], GREETING).collect_all()
    assert {node_id: r.value for node_id, r in replies.items()} == {a.id: "gorums", b.id: "gorums"}
    assert (await storage.write_qc(config[1:3], recorded(2, 8)).all()).new
    read = storage.read_correctable(config, GREETING).correctable(3)
    await read.wait()
    reply, level, error = read.get()
    assert reply is not None
    assert (reply.value, level, error) == ("gorums", 3, None)
    assert (await storage.read_nested_qc(config, GREETING).all()).value == "gorums"
    assert (await storage.write_nested_multicast(config, recorded(0, 11)).all()).new
    assert not (await storage.read_rpc(c, ReadRequest(key="missing"))).OK
    with pytest.raises(gorums.IncompleteError) as incomplete:
        await storage.write_qc(config, recorded(0, 13)).all()
    assert list(incomplete.value.node_errors) == [b.id]


async def test_the_same_frames_leave_for_the_same_calls(servers: list[ScriptedServer]) -> None:
    async with connected([server.address for server in servers]) as config:
        await within(every_call(config))
        for server, number in zip(servers, STREAMS, strict=True):
            expected = [sent.raw for sent in stream(number) if sent.by_client]
            await until(partial(has_received, server, len(expected)), "all frames")
            assert server.streams[0].received == expected
            assert len(server.streams) == 1


async def test_an_ordinary_client_gives_no_node_id(servers: list[ScriptedServer]) -> None:
    async with connected([servers[0].address]):
        names = {name for name, _ in (await within(servers[0].opened(1))).metadata}
        assert {name for name in names if not name.startswith("pygorums-")} <= {"user-agent"}
