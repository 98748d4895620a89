"""Calls of a node to itself, which go through no network."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.peers import PEERS, running
from tests.support.waiting import turns, within


@pytest.fixture
async def service() -> ScriptedCalls:
    return ScriptedCalls(1)


@pytest.fixture
async def server(service: ScriptedCalls) -> AsyncIterator[gorums.Server]:
    async with running(service, node_id=1, peers=PEERS) as started:
        yield started


async def test_no_network_is_used(service: ScriptedCalls) -> None:
    """A server that was never started serves its own node, in `config()` and in a configuration that it connects to.

    Rows: 139, 140.
    """
    server = gorums.Server(service, node_id=1, peers=PEERS)
    outbound = gorums.connect({1: "unreachable.invalid:1"}, server=server)
    for config in (server.config(), outbound):
        node = config[0]
        assert (node.connected, node.is_inbound, node.last_error) == (True, False, None)
        await within(config.wait_connected())
        assert (await within(echo(node, Text(text="echo")))).number == 1
        assert (await within(ask(config, Text(text="ask")).all())).number == 1
        await within(note(node, Text(text="note")))
        await within(spread(config, Text(text="spread")))
        replies = [r.value.number async for r in follow(config, Text(text="follow", number=3))]
        assert replies == [1, 2, 3], "the end is known without a timeout"
    assert len(service.seen) == 10
    await outbound.close()
    await server.stop()


async def test_other_nodes_are_not_the_own_node(server: gorums.Server, service: ScriptedCalls) -> None:
    """What is called in the process is the ID, not the address.

    Rows: 139.
    """
    assert server.address is not None
    config = gorums.connect({1: "unreachable.invalid:1", 5: server.address}, server=server, backoff=QUICK)
    await config.wait_connected(timeout=10)
    assert sorted(await within(ask(config, Text(text="x")).collect_all())) == [1, 5]
    assert [ctx.peer == "local" for ctx in service.contexts] == [True, False]
    await config.close()


async def test_handlers_do_not_start_during_the_call(server: gorums.Server, service: ScriptedCalls) -> None:
    """The caller goes on first, however fast or slow the handler is.

    Rows: 142.
    """
    reply, sent = echo(server.config()[0], Text(text="x")), note(server.config()[0], Text(text="y"))
    assert service.seen == []
    await within(asyncio.gather(reply, sent))
    await service.has_seen("y")
    assert service.seen == ["x", "y"]


async def test_a_slow_handler_does_not_hold_up_calls_to_others(server: gorums.Server, service: ScriptedCalls) -> None:
    """Rows: 142."""
    assert server.address is not None
    config = gorums.connect({1: "unreachable.invalid:1", 2: server.address}, server=server, backoff=QUICK)
    await config.wait_connected(timeout=10)
    held = [echo(config[0], Text(text="hold:x")) for _ in range(50)]
    await service.gates["x"].arrivals()
    for n in range(50):
        assert (await within(ask(config, Text(text=str(n))).first())).text == str(n)
    service.gates["x"].open()
    await within(asyncio.gather(*held))
    await config.close()


async def test_one_way_messages_are_sent_before_they_are_handled(server: gorums.Server, service: ScriptedCalls) -> None:
    """So a handler may send to its own node and wait for that, without `release`.

    Rows: 144.
    """
    node = server.config()[0]
    await within(note(node, Text(text="hold:x")))
    await within(note(node, Text(text="second")))
    await within(spread(server.config(), Text(text="third")))
    assert service.seen in ([], ["hold:x"])
    service.gates["x"].open()
    await service.has_seen("third")
    assert service.seen == ["hold:x", "second", "third"]


async def test_awaiting_one_way_messages_is_a_brake(service: ScriptedCalls, server: gorums.Server) -> None:
    """A sender that waits for each message cannot outrun the handler for long, and loses none.

    Rows: 144.
    """
    node = server.config()[0]
    most = 0
    for n in range(5000):
        await within(note(node, Text(text=str(n))))
        most = max(most, n - len(service.seen))
    await within(echo(node, Text(text="end")))
    assert service.seen == [*map(str, range(5000)), "end"]
    assert most < 4000


async def test_too_many_messages(service: ScriptedCalls, server: gorums.Server) -> None:
    """What is not waited for is bounded: what does not fit fails at once, and is not lost in silence."""
    node = server.config()[0]
    held = note(node, Text(text="hold:x"))
    await service.gates["x"].arrivals()
    big = Text(text="big", data=bytes(3 << 20))
    sent = [note(node, big) for _ in range(30)]
    refused = [call for call in sent if call.done() and call.exception()]
    error = refused[0].exception()
    assert isinstance(error, gorums.SendError)
    assert error.caused_by(grpc.StatusCode.RESOURCE_EXHAUSTED)
    with pytest.raises(gorums.StatusError) as full:
        await within(echo(node, big))
    assert full.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert any(not call.done() for call in sent)
    service.gates["x"].open()
    await within(held)
    await within(asyncio.gather(*(call for call in sent if call not in refused)))
    await service.has_seen_count(1 + len(sent) - len(refused))
    assert (await within(echo(node, Text(text="x")))).text == "x"


async def test_without_a_handler() -> None:
    """Rows: 145."""
    server = gorums.Server(node_id=1)
    with pytest.raises(gorums.StatusError, match=r"no handler registered for method calls\.Calls\.Echo") as error:
        await within(echo(server.config()[0], Text(text="x")))
    assert (error.value.code(), error.value.node_id) == (grpc.StatusCode.UNIMPLEMENTED, 1)
    await within(note(server.config()[0], Text(text="x")))
    await server.stop()


async def test_calls_are_measured(server: gorums.Server) -> None:
    """The own node has a latency like any other, and is sorted by it.

    Rows: 146.
    """
    node = server.config()[0]
    assert node.latency is None
    await within(echo(node, Text(text="x")))
    assert node.latency is not None
    assert 0 < node.latency < 5
    assert server.config().sort_by(gorums.latency)[0] is node


async def test_cancelling_forgets_the_call_and_lets_the_handler_be(
    server: gorums.Server, service: ScriptedCalls
) -> None:
    """As with any other node: who gives up stops listening.

    Rows: 146.
    """
    node = server.config()[0]
    call = echo(node, Text(text="hold:x"))
    with pytest.raises(gorums.QuorumTimeoutError) as error:
        await within(ask(server.config(), Text(text="y"), timeout=0.02).all())
    assert isinstance(error.value.node_errors[1], TimeoutError)
    call.cancel()
    assert node.pending == 0
    later = echo(node, Text(text="later"))
    service.gates["x"].open()
    assert (await within(later)).text == "later"
    assert service.seen == ["hold:x", "y", "later"]


class Keeping(CallsServer):
    """Keeps and changes what it gets, and gives out what it keeps."""

    def __init__(self) -> None:
        self.requests: list[Text] = []
        self.reply = Text(text="kept")

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.requests.append(request)
        request.text += " changed by the handler"
        return self.reply

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self.ask(ctx, request)

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self.ask(ctx, request)

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self.ask(ctx, request)

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        yield await self.ask(ctx, request)


async def test_messages_are_not_shared() -> None:
    """Neither a request nor a reply, nor what interceptors make of the request of another node.

    Rows: 147, 148.
    """
    service = Keeping()

    async def changing(ctx: gorums.ServerContext, request: Text, call_next: Any) -> object:
        if ctx.peer == "local":
            request.number = 99
            ctx.add_metadata("local", "1")
        return await call_next(ctx, request)

    async with running(service, node_id=1, interceptors=[changing]) as server:
        assert server.address is not None
        config = gorums.connect({1: "unreachable.invalid:1", 2: server.address}, server=server, backoff=QUICK)
        await config.wait_connected(timeout=10)
        request = Text(text="mine")
        replies = await within(ask(config, request).collect_all())
        request.text = "changed by the caller"
        replies[1].text = "changed"
        assert sorted(request.text for request in service.requests) == ["mine changed by the handler"] * 2
        assert sorted(request.number for request in service.requests) == [0, 99]
        assert (service.reply.text, replies[2].text) == ("kept", "kept")
        call = note(config[0], request)
        request.text = "changed while under way"
        await within(call)
        await turns(20)
        assert service.requests[-1].text == "changed by the caller changed by the handler"
        await config.close()


async def test_a_reply_that_cannot_be() -> None:
    """Checks are those of the network.

    Rows: 18, 147.
    """

    class Wrong(Keeping):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            return Text(data=bytes(5 << 20))

    async with running(Wrong(), node_id=1) as server:
        with pytest.raises(gorums.StatusError, match="more than the limit") as error:
            await within(echo(server.config()[0], Text(text="x")))
        assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_plain_handlers(server: gorums.Server) -> None:
    """They run in threads here too, so one that blocks does not stop the loop.

    Rows: 142.
    """
    go_on = threading.Event()

    class Plain(CallsServer):
        def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            assert go_on.wait(10)
            return Text(text=threading.current_thread().name)

        def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
            return request

        def note(self, ctx: gorums.ServerContext, request: Text) -> None: ...
        def spread(self, ctx: gorums.ServerContext, request: Text) -> None: ...
        def follow(self, ctx: gorums.ServerContext, request: Text) -> list[Text]:  # type: ignore[override]
            return [request]

    async with running(Plain(), node_id=1) as own:
        call = echo(own.config()[0], Text(text="x"))
        await turns(20)
        assert not call.done()
        go_on.set()
        assert (await within(call)).text.startswith("pygorums-handler")


@pytest.mark.parametrize("grace", [None, 10])
async def test_when_the_server_stops(service: ScriptedCalls, grace: float | None) -> None:
    """What is under way ends, with an answer if there is grace for it; calls made later fail at once."""
    server = gorums.Server(service, node_id=1)
    outbound = gorums.connect({1: "unreachable.invalid:1"}, server=server)
    calls = [echo(config[0], Text(text=text)) for config in (server.config(), outbound) for text in ("hold:x", "next")]
    await service.gates["x"].arrivals(2)
    stopping = asyncio.create_task(server.stop(grace))
    await turns(20)
    service.open_all()
    outcomes = await within(asyncio.gather(*calls, return_exceptions=True))
    await within(stopping)
    if grace:
        assert [outcome.text for outcome in outcomes if isinstance(outcome, Text)] == ["hold:x", "next"] * 2
    else:
        assert [isinstance(outcome, gorums.StatusError) for outcome in outcomes] == [True] * 4
    for node in (server.config()[0], outbound[0]):
        with pytest.raises(gorums.StatusError) as error:
            await within(echo(node, Text(text="late")))
        assert error.value.code() is grpc.StatusCode.UNAVAILABLE
        with pytest.raises(gorums.SendError):
            await within(note(node, Text(text="late")))
    await outbound.close()
