"""Calls that a server makes back over a stream that somebody opened to it."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

import pygorums as gorums
from pygorums.serving.handlers import CallNext
from pygorums.wire.framing import SERVER_INITIATED
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.frames import reply, request
from tests.support.peers import PEERS, clients_are, dialled, peer, running
from tests.support.scripted_client import ScriptedClient
from tests.support.scripted_server import ScriptedServer, ServerStream
from tests.support.waiting import turns, until, within

PEER_2 = [("gorums-node-id", "2")]


@pytest.fixture
async def server() -> AsyncIterator[gorums.Server]:
    async with running(ScriptedCalls(1), node_id=1, peers=PEERS) as started:
        yield started


@pytest.mark.parametrize("node_id", [0, 2])
async def test_every_kind_of_call(server: gorums.Server, node_id: int) -> None:
    """The client listens nowhere: its handlers answer over the stream that it has opened.

    Rows: 126, 130, 131.
    """
    theirs = ScriptedCalls(2)
    async with peer(server, node_id, theirs):
        back = server.client_config() if node_id == 0 else server.config().remove(1)
        assert (await within(echo(back[0], Text(text="echo")))).number == 2
        assert (await within(ask(back, Text(text="ask")).all())).number == 2
        await within(note(back[0], Text(text="note")))
        await within(spread(back, Text(text="spread")))
        numbers = [r.value.number async for r in follow(back, Text(text="follow", number=3), timeout=10)]
        assert numbers == [1, 2, 3]
        with pytest.raises(gorums.StatusError, match="server 2 refuses") as error:
            await within(echo(back[0], Text(text="fail")))
        assert (error.value.code(), error.value.node_id) == (grpc.StatusCode.FAILED_PRECONDITION, back[0].id)
        assert theirs.seen == ["echo", "ask", "note", "spread", "follow", "fail"]
        assert back[0].latency is not None


async def test_numbers_on_the_wire(server: gorums.Server) -> None:
    """They count from 1 with bit 63 set, one for all nodes of a call, and are no business of the opener's own.

    Rows: 8, 9, 12, 126.
    """
    assert server.address is not None
    async with ScriptedClient(server.address, PEER_2) as client:
        await client.send(request(1, "calls.Calls.Echo", Text(text="mine").SerializeToString()))
        assert (await client.receive()).message_seq_no == 1
        calls = [ask(server.config(), Text(text=str(n))).async_all() for n in range(3)]
        sent = await client.receive_all(3)
        assert [message.message_seq_no for message in sent] == [SERVER_INITIATED | n for n in (1, 2, 3)]
        assert {message.method for message in sent} == {"calls.Calls.Ask"}
        # The same number without the bit is a request of the opener.
        await client.send(request(2, "calls.Calls.Echo", Text(text="mine").SerializeToString()))
        assert (await client.receive()).message_seq_no == 2
        assert not any(call.done() for call in calls)
        await client.send(*(reply(message, Text(number=2).SerializeToString()) for message in reversed(sent)))
        await within(asyncio.gather(*calls))


async def test_answers_that_nobody_waits_for(server: gorums.Server) -> None:
    """Rows: 12, 24."""
    assert server.address is not None
    async with ScriptedClient(server.address, PEER_2) as client:
        strange = request(SERVER_INITIATED | 77, "calls.Calls.Echo", Text(text="fail").SerializeToString())
        await client.send(strange, strange, request(1, "calls.Calls.Echo"))
        assert (await client.receive()).message_seq_no == 1
        assert len(client.frames) == 1


async def test_a_timeout_and_a_cancelled_call(server: gorums.Server) -> None:
    """The call is forgotten; the stream and other calls go on."""
    theirs = ScriptedCalls(2)
    async with peer(server, 2, theirs):
        node = server.config()[1]
        with pytest.raises(TimeoutError):
            await within(echo(node, Text(text="silent"), timeout=0.02))
        cancelled = echo(node, Text(text="silent"))
        await theirs.has_seen_count(2)
        cancelled.cancel()
        assert node.pending == 0
        theirs.open_all()
        assert (await within(echo(node, Text(text="x")))).text == "x"


async def test_without_a_handler(server: gorums.Server) -> None:
    """A client whose server has no such method says so, and so does one that lost its way.

    Rows: 96, 100.
    """
    async with peer(server, 0) as config:
        node = server.client_config()[0]
        with pytest.raises(gorums.StatusError, match=r"no handler registered for method calls\.Calls\.Echo") as error:
            await within(echo(node, Text(text="x")))
        assert error.value.code is not None
        assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
        await within(note(node, Text(text="x")))
        assert (await within(echo(config[0], Text(text="still there")))).text == "still there"


async def test_an_ordinary_client_that_is_called_back() -> None:
    """It must not be, and answers that it has no handler.

    Rows: 11, 96.
    """
    answers: list[int] = []

    async def script(stream: ServerStream) -> None:
        await stream.send(request(SERVER_INITIATED | 1, "calls.Calls.Echo"))
        frame = await stream.receive()
        assert frame is not None
        answers.append(frame.status.code)
        while await stream.receive() is not None:
            pass

    async with ScriptedServer(script) as acceptor:
        config = gorums.connect([acceptor.address])
        await until(lambda: answers)
        await config.close()
    assert answers == [grpc.StatusCode.UNIMPLEMENTED.value[0]]


async def test_services_that_come_later(server: gorums.Server) -> None:
    """Rows: 100."""
    own = gorums.Server()
    async with dialled(server, own):
        await until(lambda: server.client_config())
        own.register(ScriptedCalls(5))
        assert (await within(echo(server.client_config()[0], Text(text="x")))).number == 5


async def test_handlers_that_fail(server: gorums.Server) -> None:
    """Rows: 14, 107."""

    class Failing(ScriptedCalls):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            raise ValueError("no such thing")

    async with peer(server, 0, Failing()):
        with pytest.raises(gorums.StatusError, match="no such thing") as error:
            await within(echo(server.client_config()[0], Text(text="x")))
        assert error.value.code() is grpc.StatusCode.UNKNOWN


async def test_interceptors_of_the_client_see_calls_back(server: gorums.Server) -> None:
    """Rows: 130."""
    seen: list[str] = []

    async def counting(ctx: gorums.ServerContext, request: Text, call_next: CallNext) -> object:
        seen.append(ctx.method)
        ctx.add_metadata("added", "1")
        return await call_next(ctx, request)

    theirs = ScriptedCalls(2)
    own = gorums.Server(theirs, interceptors=[counting])
    async with dialled(server, own):
        await until(lambda: server.client_config())
        await within(echo(server.client_config()[0], Text(text="x")))
        assert seen == ["calls.Calls.Echo"]
        assert theirs.contexts[0].metadata["added"] == "1"


async def test_replies_pass_requests_that_wait() -> None:
    """One reader takes both off the stream, so a handler that keeps its stream busy keeps no reply from coming.

    Rows: 81, 88, 94.
    """
    service = ScriptedCalls(1)
    async with running(service, node_id=1, peers=PEERS) as server, peer(server, 2, ScriptedCalls(2)) as config:
        held, waiting = echo(config[0], Text(text="hold:x")), echo(config[0], Text(text="waiting"))
        await service.gates["x"].arrivals()
        for n in range(20):
            assert (await within(echo(server.config()[1], Text(text=str(n))))).number == 2
        assert service.seen == ["hold:x"]
        service.open_all()
        await within(asyncio.gather(held, waiting))


async def test_when_the_server_of_the_client_stops(server: gorums.Server) -> None:
    """Its stream stands, since it belongs to the configuration: calls back fail instead of hanging."""
    theirs = ScriptedCalls(2)
    own = gorums.Server(theirs, node_id=2)
    async with dialled(server, own) as config:
        await until(lambda: len(server.config()) == 2)
        node = server.config()[1]
        running_one, waiting_one = echo(node, Text(text="hold:x")), echo(node, Text(text="waiting"))
        stream = follow(server.config().remove(1), Text(text="x", number=3)).correctable(1)
        await theirs.gates["x"].arrivals()
        await until(lambda: node.pending == 3)
        await turns(20)
        await within(own.stop())
        for call in (running_one, waiting_one, echo(node, Text(text="later"))):
            with pytest.raises(gorums.StatusError, match="the server has stopped") as error:
                await within(call)
            assert error.value.code() is grpc.StatusCode.UNAVAILABLE
        await within(stream.wait())
        assert isinstance(stream.get()[2], gorums.IncompleteError)
        assert (await within(echo(config[0], Text(text="x")))).number == 1


async def test_stopping_with_grace_answers_calls_back(server: gorums.Server) -> None:
    """Rows: 108."""
    theirs = ScriptedCalls(2)
    own = gorums.Server(theirs, node_id=2)
    async with dialled(server, own) as config:
        await until(lambda: len(server.config()) == 2)
        node = server.config()[1]
        calls = [echo(node, Text(text="hold:x")), echo(node, Text(text="behind"))]
        await theirs.gates["x"].arrivals()
        await within(echo(config[0], Text(text="comes back after both have come")))
        stopping = asyncio.create_task(own.stop(10))
        await turns(20)
        theirs.open_all()
        assert [reply.text for reply in await within(asyncio.gather(*calls))] == ["hold:x", "behind"]
        await within(stopping)


async def test_replies_are_sent_however_small_the_send_buffer_is(server: gorums.Server) -> None:
    """It bounds the calls that a client makes, not its answers."""
    async with peer(server, 0, ScriptedCalls(2), send_buffer=100):
        reply_ = await within(echo(server.client_config()[0], Text(text="x", data=bytes(10_000))))
        assert len(reply_.data) == 10_000


async def test_a_reply_is_only_sent_on_the_stream_that_brought_the_call() -> None:
    """On the next one its number may mean another call: the acceptor may have been started anew."""
    brought = asyncio.Event()
    seen: list[int] = []

    async def script(stream: ServerStream) -> None:
        if not brought.is_set():
            await stream.send(
                request(SERVER_INITIATED | 1, "calls.Calls.Echo", Text(text="hold:x").SerializeToString())
            )
            await brought.wait()
            return
        while (frame := await stream.receive()) is not None:
            seen.append(frame.message_seq_no)
            await stream.send(reply(frame, b""))

    class Stubborn(ScriptedCalls):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            brought.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
            return request

    cancelled = asyncio.Event()
    own = gorums.Server(Stubborn())
    async with ScriptedServer(script) as acceptor:
        config = gorums.connect([acceptor.address], server=own, backoff=QUICK)
        await within(cancelled.wait())
        await within(acceptor.opened(2))
        await config.wait_connected(timeout=10)
        await within(echo(config[0], Text(text="x")))
        await within(echo(config[0], Text(text="x")))
        assert all(number < SERVER_INITIATED for number in seen)
        await within(config.close())
        await within(own.stop())


async def test_leaving(server: gorums.Server) -> None:
    """A client that closes its configuration is no client any more, and its handlers are cancelled."""
    theirs = ScriptedCalls(2)
    async with peer(server, 0, theirs) as config:
        call = echo(server.client_config()[0], Text(text="hold:x"))
        await theirs.gates["x"].arrivals()
        await within(config.close())
        await clients_are(server)
        with pytest.raises(gorums.StatusError) as error:
            await within(call)
        assert error.value.code() is grpc.StatusCode.UNAVAILABLE
