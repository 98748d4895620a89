"""`on_connect` and `on_config_change`: when they run, how often, and what they may do."""

import asyncio
import logging

import grpc
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.frames import request
from tests.support.peers import PEERS, config_is, dialled, peer, recorder, running
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import until, within


async def test_on_config_change_counts_and_order() -> None:
    """Once at the start and once for each real change; a client is none.

    Rows: 121, 123, 124.
    """
    changes: list[tuple[int, ...]] = []
    server = gorums.Server(ScriptedCalls(), node_id=1, peers=PEERS, on_config_change=recorder(changes))
    assert changes == []  # the constructor has not returned, so nobody can have the server in hand
    await server.start("127.0.0.1:0")
    assert changes == [(1,)]
    async with peer(server), dialled(server):
        async with peer(server, 3):
            async with peer(server, 2):
                assert changes == [(1,), (1, 3), (1, 2, 3)]
            await config_is(server, 1, 3)
        await config_is(server, 1)
    await server.stop()
    assert changes == [(1,), (1, 3), (1, 2, 3), (1, 3), (1,)]


async def test_on_config_change_without_an_own_node() -> None:
    """Nothing to tell at first.

    Rows: 122.
    """
    changes: list[tuple[int, ...]] = []
    async with running(ScriptedCalls(), peers=PEERS, on_config_change=recorder(changes)) as server:
        assert changes == []
        async with peer(server, 2):
            assert changes == [(2,)]
        await until(lambda: changes == [(2,), ()])


async def test_on_config_change_may_use_the_server() -> None:
    """It sees the configuration that it is told of, and may call it.

    Rows: 116, 123, 138.
    """
    seen: list[bool] = []
    calls: list[asyncio.Future[None]] = []
    service = ScriptedCalls(2)

    def changed(config: gorums.Configuration) -> None:
        if len(config) > 1:
            seen.append(server.config() == config)
            calls.append(note(config[1], Text(text="welcome")))

    async with (
        running(ScriptedCalls(), node_id=1, peers=PEERS, on_config_change=changed) as server,
        peer(server, 2, service),
    ):
        await service.has_seen("welcome")
        await within(calls[0])
    assert seen == [True]


async def test_on_config_change_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and nothing else suffers."""

    def raising(config: gorums.Configuration) -> None:
        raise RuntimeError(f"cannot do with {config.node_ids}")

    with caplog.at_level(logging.ERROR, "pygorums.server"):
        async with running(ScriptedCalls(), node_id=1, peers=PEERS, on_config_change=raising) as server:
            async with peer(server, 2, ScriptedCalls(2)):
                assert (await within(echo(server.config()[1], Text(text="x")))).number == 2
            await config_is(server, 1)
        failures = [record for record in caplog.records if record.name == "pygorums.server"]
        assert [record.message for record in failures] == ["on_config_change failed"] * 3


@pytest.mark.parametrize("asynchronous", [True, False])
async def test_on_connect(asynchronous: bool) -> None:
    """Once for each stream, after the peer is registered and before its first message.

    Rows: 99, 124.
    """
    events: list[str] = []
    contexts: list[gorums.StreamContext] = []

    class Noting(ScriptedCalls):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            events.append(request.text)
            return request

    def connect(ctx: gorums.StreamContext) -> None:
        events.append(f"{ctx.peer_id} {ctx.config().node_ids} {len(ctx.client_config())}")
        contexts.append(ctx)

    async def connect_slowly(ctx: gorums.StreamContext) -> None:
        await asyncio.sleep(0.01)
        connect(ctx)

    on_connect = connect_slowly if asynchronous else connect
    async with running(Noting(), node_id=1, peers=PEERS, on_connect=on_connect) as server:
        assert server.address is not None
        async with ScriptedClient(server.address, [("gorums-node-id", "2"), ("tag", "a")]) as first:
            await first.send(request(1, "calls.Calls.Echo", Text(text="hello").SerializeToString()))
            await first.receive()
            async with dialled(server) as ordinary:
                await within(echo(ordinary[0], Text(text="hi")))
        await config_is(server, 1)
        async with peer(server, 0) as client:
            await within(echo(client[0], Text(text="again")))
        assert events == ["2 (1, 2) 0", "hello", "None (1, 2) 0", "hi", "1048576 (1,) 1", "again"]
        assert contexts[0].metadata["tag"] == "a"
        assert contexts[0].server is server
        assert contexts[0].peer.startswith("ipv4:127.0.0.1:")
        assert contexts[0].auth_context == {}


async def test_on_connect_may_call_back_and_wait_for_the_answer() -> None:
    """Requests wait meanwhile, replies do not.

    Rows: 99, 130.
    """
    answers: list[Text] = []
    service = ScriptedCalls(1)

    async def greet(ctx: gorums.StreamContext) -> None:
        assert service.seen == []
        await note(ctx.client_config()[0], Text(text="note"))
        answers.append(await ask(ctx.client_config(), Text(text="who?")).all())
        assert service.seen == []

    async with running(service, on_connect=greet) as server:
        theirs = ScriptedCalls(7)
        async with peer(server, 0, theirs) as config:
            assert (await within(echo(config[0], Text(text="first")))).number == 1
        assert ([answer.number for answer in answers], theirs.seen) == ([7], ["note", "who?"])


async def test_on_connect_that_raises_or_never_ends(caplog: pytest.LogCaptureFixture) -> None:
    """What it raises is logged and the stream goes on; one that hangs holds up its own stream only."""
    started = asyncio.Semaphore(0)

    async def connect(ctx: gorums.StreamContext) -> None:
        if "hang" in ctx.metadata:
            started.release()
            await asyncio.Event().wait()
        raise RuntimeError("no greeting")

    async with running(ScriptedCalls(), node_id=1, peers=PEERS, on_connect=connect) as server:
        with caplog.at_level(logging.ERROR, "pygorums.server"):
            async with dialled(server) as config:
                assert (await within(echo(config[0], Text(text="x")))).text == "x"
        assert "on_connect failed for the stream from ipv4:127.0.0.1" in caplog.records[0].message
        assert server.address is not None
        for node_id in ("2", "0"):
            async with ScriptedClient(server.address, [("hang", "1"), ("gorums-node-id", node_id)]) as client:
                await within(started.acquire())
                await client.send(request(1, "calls.Calls.Echo"))
                assert len(server.config()) + len(server.client_config()) == 2
            await until(lambda: len(server.config()) + len(server.client_config()) == 1)
        async with ScriptedClient(server.address, [("hang", "1")]) as client:
            await within(started.acquire())
            await within(server.stop(0.05))
            assert (await client.ended())[0] in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
