"""Peers that send more than can be handled: braked, or told, and never with a gap."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import grpc.aio
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import echo, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.frames import request
from tests.support.peers import PEERS, dialled, peer, running
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import until, within

COUNT = 600
DATA = bytes(10_000)


@pytest.fixture(autouse=True)
def _little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds at a hundredth of what they are."""
    monkeypatch.setattr("pygorums.serving.brake.MAX_WAITING", 600_000)
    monkeypatch.setattr("pygorums.serving.accepting.HARD_LIMIT", 2_400_000)
    monkeypatch.setattr("pygorums.serving.direct.MAX_WAITING", 600_000)


def notes(node: gorums.Node, count: int = COUNT) -> list[asyncio.Future[None]]:
    """Sends many one-way messages, numbered."""
    return [note(node, Text(text=str(number), data=DATA)) for number in range(count)]


def numbers(service: ScriptedCalls) -> list[int]:
    """The numbers of those that were handled, in order."""
    return [int(text) for text in service.seen if text.isdigit()]


@asynccontextmanager
async def busy(service: ScriptedCalls, node: gorums.Node) -> AsyncIterator[None]:
    """A node whose handlers for us wait for as long."""
    held = note(node, Text(text="hold:busy"))
    await service.gates["busy"].arrivals()
    yield
    service.gates["busy"].open()
    await within(held)


async def test_a_callable_client_is_braked() -> None:
    """Nothing is lost on a stream that stands, however slow the receiver is."""
    service = ScriptedCalls()
    async with running(service, node_id=1, peers=PEERS) as server, peer(server, 2) as config:
        async with busy(service, config[0]):
            calls = notes(config[0])
            (stream,) = server._acceptor.streams
            await until(lambda: stream._requests.backlog.bytes > 600_000)
        await within(asyncio.gather(*calls), 30)
        await within(service.has_seen_count(COUNT + 1), 30)
        assert numbers(service) == list(range(COUNT))
        assert config[0].connected


async def test_a_braked_client_still_answers_calls_back() -> None:
    """What a handler waits for is read, whatever is before it."""

    class Asking(ScriptedCalls):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            await self.gates["echo"].enter()
            return await echo(ctx.config()[1], Text(text="back"))

    service, theirs = Asking(), ScriptedCalls(2)
    async with running(service, node_id=1, peers=PEERS) as server, peer(server, 2, theirs) as config:
        asked = echo(config[0], Text(text="x"))
        await service.gates["echo"].arrivals()
        calls = notes(config[0], 80)
        (stream,) = server._acceptor.streams
        await until(lambda: stream._requests.backlog.bytes > 600_000)
        service.gates["echo"].open()
        assert (await within(asked)).text == "back"
        await within(asyncio.gather(*calls))
        await within(service.has_seen_count(80))
        assert numbers(service) == list(range(80))


async def test_who_cannot_be_braked_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A handler waits for a reply of a client that sends without end: its stream ends, and no gap is handled over."""
    service, theirs = ScriptedCalls(), ScriptedCalls(2)
    async with running(service, node_id=1, peers=PEERS) as server, peer(server, 2, theirs) as config:
        back = echo(server.config()[1], Text(text="hold-free:back"))
        await theirs.gates["back"].arrivals()
        held = note(config[0], Text(text="hold:busy"))
        await service.gates["busy"].arrivals()
        calls = notes(config[0])
        await until(lambda: "there is no room for one of calls.Calls.Note" in caplog.text)
        with pytest.raises(gorums.StatusError):
            await within(back)
        service.open_all()
        theirs.open_all()
        await within(asyncio.gather(held, *calls, return_exceptions=True))
        handled = numbers(service)
        assert handled == list(range(len(handled)))
    broken = [record for record in caplog.records if "The stream of node 2" in record.getMessage()]
    assert "RESOURCE_EXHAUSTED" in broken[0].getMessage()
    assert broken[0].levelname == "WARNING"


async def test_requests_that_wait_for_an_answer_are_refused_one_by_one() -> None:
    """Their sender learns it from the answer, and the stream goes on."""
    async with (
        running(ScriptedCalls(), node_id=1, peers=PEERS) as server,
        peer(server, 2, theirs := ScriptedCalls(2)) as config,
    ):
        back = echo(server.config()[1], Text(text="hold-free:back"))
        await theirs.gates["back"].arrivals()
        calls = [echo(config[0], Text(text="hold:busy", data=DATA)) for _ in range(COUNT)]
        outcome = await within(asyncio.wait(calls, return_when=asyncio.FIRST_EXCEPTION))
        refused = [call.exception() for call in outcome[0]]
        assert all(isinstance(error, gorums.StatusError) for error in refused)
        assert "too many requests are waiting" in str(refused[0])
        assert config[0].connected
        for call in calls:
            call.cancel()
        theirs.open_all()
        await within(back)


async def test_a_server_that_floods_a_callable_client_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """The client ends its stream, and handles nothing after the gap."""
    service, theirs = ScriptedCalls(), ScriptedCalls(2)
    async with running(service, node_id=1, peers=PEERS) as server, peer(server, 2, theirs) as config:
        node = server.config()[1]
        held = note(node, Text(text="hold:busy"))
        await theirs.gates["busy"].arrivals()
        first = config[0].channel
        calls = notes(node)
        await until(lambda: first.last_error is not None, "the client to end its stream")
        assert "this end gives up" in str(first.last_error)
        theirs.open_all()
        await within(asyncio.gather(held, *calls, return_exceptions=True))
        handled = numbers(theirs)
        assert handled == list(range(len(handled)))
        assert len(handled) < COUNT


async def test_the_greediest_stream_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    """When all together hold too much. Others do not notice."""
    caplog.set_level(logging.INFO, "pygorums.server")
    service = ScriptedCalls()
    options = [("pygorums.max_held_bytes", 2_000_000)]
    async with running(service, options=options) as server, dialled(server) as modest:
        assert server.address is not None
        async with ScriptedClient(server.address) as greedy:
            held = echo(modest[0], Text(text="hold-free:modest"))
            await service.gates["modest"].arrivals()
            body = Text(text="hold-free:greedy", data=DATA).SerializeToString()
            with suppress(grpc.aio.AioRpcError):  # it ends meanwhile
                for number in range(1, 300):
                    await greedy.send(request(number, "calls.Calls.Echo", body))
            await until(lambda: "bytes were held for this stream, the most of all" in caplog.text)
        service.open_all()
        assert (await within(held)).text == "hold-free:modest"


@pytest.mark.parametrize("option", ["pygorums.max_streams", "pygorums.max_streams_by_address"])
async def test_too_many_streams(option: str, caplog: pytest.LogCaptureFixture) -> None:
    """Those beyond the limit are refused, and may come when others have gone."""
    async with running(ScriptedCalls(), options=[(option, 2)]) as server, dialled(server):
        assert server.address is not None
        async with dialled(server) as second:
            await within(echo(second[0], Text(text="x")))
            async with ScriptedClient(server.address) as third:
                code, text = await third.ended()
                assert code.name == "RESOURCE_EXHAUSTED"
                assert "already" in text
        third_config = gorums.connect([server.address], backoff=QUICK)
        await until(lambda: len(server._acceptor.streams) == 1)
        assert (await within(echo(third_config[0], Text(text="x")))).text == "x"
        await third_config.close()
    refusals = [record.getMessage() for record in caplog.records if "was refused" in record.getMessage()]
    assert len(refusals) == 1
    assert "RESOURCE_EXHAUSTED: this server has 2 streams" in refusals[0]


@pytest.mark.parametrize("value", [0, -1, 1.5, "many", None])
def test_limits_that_cannot_be(value: object) -> None:
    with pytest.raises(gorums.ConfigurationError, match=r"pygorums\.max_streams is a whole number from 1"):
        gorums.Server(options=[("pygorums.max_streams", value)])
