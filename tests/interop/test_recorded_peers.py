"""The links between the three recorded Go servers: a Python server takes the place of any of them, byte for byte."""

from contextlib import AsyncExitStack

import pytest

import examples.storage.server
import pygorums as gorums
from examples.storage.server import StorageImpl
from examples.storage.storage_gorums import read_rpc, write_rpc
from examples.storage.storage_pb2 import ReadRequest, ReadResponse, WriteRequest
from pygorums.serving.handlers import CallNext
from pygorums.wire.framing import SERVER_INITIATED
from tests.interop.recording import Sent, opened_with, stream
from tests.support.cluster import QUICK
from tests.support.scripted_client import ScriptedClient
from tests.support.scripted_server import ScriptedServer, ServerStream
from tests.support.waiting import until, within

# Each server by its node ID: the streams that its peers opened to it, by their node IDs, and the prompt's stream.
INBOUND = {1: {2: 4, 3: 5}, 2: {1: 1, 3: 6}, 3: {1: 2, 2: 3}}
PROMPT = {1: 7, 2: 9, 3: 8}
LINKS = [(acceptor, opener, number) for acceptor, links in INBOUND.items() for opener, number in links.items()]

PEERS = {1: "recorded-a:1", 2: "recorded-b:2", 3: "recorded-c:3"}


def names(links: tuple[int, int, int]) -> str:
    return f"{links[1]} to {links[0]}"


async def no_foo(ctx: gorums.ServerContext, request: object, call_next: CallNext) -> object:
    """What the recorded server B ran with."""
    if getattr(request, "key", None) == "foo":
        raise RuntimeError("requests for key 'foo' are not allowed")
    return await call_next(ctx, request)


@pytest.mark.parametrize("link", LINKS, ids=names)
def test_what_was_recorded(link: tuple[int, int, int]) -> None:
    """Calls travel against the stream with bit 63, and replies carry it back; the opener said who it is, only that.

    Rows: 8, 9, 28, 37, 126.
    """
    _, opener, number = link
    assert opened_with(number) == [("gorums-node-id", str(opener))]
    sent = stream(number)
    calls = [each.message for each in sent if not each.by_client]
    replies = [each.message for each in sent if each.by_client]
    assert [call.message_seq_no - SERVER_INITIATED for call in calls] == [1, 2]
    assert [call.method for call in calls] == ["proto.Storage.ReadQC", "proto.Storage.WriteMulticast"]
    assert [(reply.message_seq_no, reply.method) for reply in replies] == [(calls[0].message_seq_no, calls[0].method)]


@pytest.mark.parametrize("node_id", INBOUND)
async def test_as_the_acceptor(node_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told by the recorded prompt to nest calls, it sends its peers what the Go server sent.

    Rows: 8, 9, 12, 32, 126, 264, 265.
    """
    monkeypatch.setattr(examples.storage.server, "NESTED_TIMEOUT", None)  # or its peers are told of it
    interceptors = [no_foo] if node_id == 2 else []
    server = gorums.Server(StorageImpl(), node_id=node_id, peers=PEERS, interceptors=interceptors)
    address = await server.start("127.0.0.1:0")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(server.stop)
        peers = {
            number: await stack.enter_async_context(ScriptedClient(address, opened_with(number)))
            for number in INBOUND[node_id].values()
        }
        await until(lambda: server.config().node_ids == (1, 2, 3), "the peers to be connected")
        prompt = await stack.enter_async_context(ScriptedClient(address))
        for sent in stream(PROMPT[node_id]):
            if not sent.by_client:
                await prompt.receive()
                assert prompt.frames[-1] == sent.raw, sent.message
                continue
            await prompt.send(sent.raw)
            if sent.message.method == "proto.Storage.ReadNestedQC":
                for number, each in peers.items():
                    await each.receive()
                    await each.send(replies(number)[0].raw)
        for number, each in peers.items():
            await each.receive()
            assert each.frames == [call.raw for call in calls(number)]


def calls(number: int) -> list[Sent]:
    return [sent for sent in stream(number) if not sent.by_client]


def replies(number: int) -> list[Sent]:
    return [sent for sent in stream(number) if sent.by_client]


@pytest.mark.parametrize("link", LINKS, ids=names)
async def test_as_the_opener(link: tuple[int, int, int]) -> None:
    """Called back by the recorded acceptor, it answers what the Go server answered, and nothing to a multicast.

    Rows: 11, 19, 28, 37, 130, 131.
    """
    acceptor, opener, number = link
    answers: list[bytes] = []

    async def script(server_stream: ServerStream) -> None:
        for call in calls(number):
            await server_stream.send(call.raw)
        while (frame := await server_stream.receive()) is not None:
            answers.append(server_stream.received[-1])
            assert frame.message_seq_no >= SERVER_INITIATED

    server = gorums.Server(StorageImpl(), node_id=opener, peers=PEERS)
    (expected,) = replies(number)
    known = ReadResponse.FromString(expected.message.payload)
    written = WriteRequest(key="greeting", value=known.value, time=known.time)
    assert (await within(write_rpc(server.config()[0], written))).new
    async with ScriptedServer(script) as go_server:
        config = gorums.connect({acceptor: go_server.address}, server=server, backoff=QUICK)
        server_stream = await within(go_server.opened(1))
        assert [pair for pair in server_stream.metadata if pair[0] == "gorums-node-id"] == opened_with(number)
        await until(lambda: answers, "an answer")
        await until(lambda: config[0].connected)
        multicast = WriteRequest.FromString(calls(number)[1].message.payload)
        await _until_written(server, multicast)
        assert answers == [expected.raw]
        await within(config.close())
    await within(server.stop())


async def _until_written(server: gorums.Server, written: WriteRequest) -> None:
    """Waits until a multicast has been handled."""
    while True:
        reply = await within(read_rpc(server.config()[0], ReadRequest(key=written.key)))
        if reply.value == written.value:
            return


def test_every_link_of_the_recording_is_replayed() -> None:
    assert sorted(number for _, _, number in LINKS) == [1, 2, 3, 4, 5, 6]
