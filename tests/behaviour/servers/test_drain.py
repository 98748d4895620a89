"""Servers that take leave of their clients before they stop."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import grpc
import pytest

import pygorums as gorums
from pygorums.wire.handshake import BATCH_KEY, CANCEL_KEY, DRAIN_KEY, EXTENSIONS
from pygorums.wire.stream_pb2 import Message
from tests.protos.calls_gorums import ASK, ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, Cluster, connected
from tests.support.frames import reply, request
from tests.support.peers import running
from tests.support.process import ServerProcess
from tests.support.scripted_client import ScriptedClient
from tests.support.scripted_server import ScriptedServer, ServerStream
from tests.support.waiting import turns, until, within

# What either side says of its last call: a cancellation of the number that no call has.
LAST = Message(cancel=True)
NAME = ASK.name


async def test_what_is_under_way_is_answered_and_nothing_else_taken(three: Cluster[ScriptedCalls]) -> None:
    server, service, node = three.servers[0], three.service, three.node
    changes = three.config.changes()
    held = echo(node, Text(text="hold:x"))
    followed = follow(three.config[:1], Text(text="hold:x", number=2)).async_all()
    await service.has_seen("hold:x")
    draining = asyncio.ensure_future(server.drain())
    down = await within(anext(changes))
    assert isinstance(down, gorums.NodeDown)
    assert "is about to stop, and takes no more calls" in str(down.reason)
    assert (down.node, node.connected, server.draining) == (node, False, True)
    with pytest.raises(gorums.StreamDownError, match="is about to stop"):
        await within(echo(node, Text(text="new")))
    with pytest.raises(gorums.SendError):
        await within(note(node, Text(text="new")))
    assert (await within(ask(three.config, Text(text="x")).majority())).text == "x"
    assert not draining.done()
    service.open_all()
    assert (await within(held)).text == "hold:x"
    assert (await within(followed)).number == 1
    await within(draining)
    assert service.seen == ["hold:x", "hold:x"]
    await until(lambda: node.last_error is not None and "stopping" in str(node.last_error))
    assert changes.take() is None, "nothing is told twice"


async def test_calls_that_are_on_their_way_are_handled(one: Cluster[ScriptedCalls]) -> None:
    """Those that were made before the client could know, all of them, in their order."""
    draining = asyncio.ensure_future(one.servers[0].drain())
    calls = [(note if n % 2 else echo)(one.node, Text(text=str(n))) for n in range(100)]
    await within(asyncio.gather(*calls))
    await within(draining)
    assert one.service.seen == [str(n) for n in range(100)]


async def test_stop_with_grace_drains(one: Cluster[ScriptedCalls]) -> None:
    answered = 0
    refused: list[str] = []

    async def call() -> None:
        nonlocal answered
        while True:
            try:
                await echo(one.node, Text())
                answered += 1
            except gorums.StreamDownError as error:
                refused.append(str(error))
                return

    callers = [asyncio.ensure_future(call()) for _ in range(20)]
    await turns(20)
    await within(one.servers[0].stop(5))
    await within(asyncio.gather(*callers))
    assert len(refused) == 20
    assert all("is about to stop" in text for text in refused)
    assert len(one.service.seen) == answered > 0


async def test_a_stop_that_ends_a_drain(one: Cluster[ScriptedCalls]) -> None:
    held = echo(one.node, Text(text="hold:x"))
    await one.service.has_seen("hold:x")
    with pytest.raises(TimeoutError, match="after 0 s handlers still run for 1 client"):
        await one.servers[0].drain(timeout=0)
    await turns(20)
    assert not held.done()
    await within(one.servers[0].stop())
    with pytest.raises(gorums.StatusError):
        await within(held)


async def test_drained_without_clients() -> None:
    async with running(ScriptedCalls()) as server:
        await within(server.drain())
        async with ScriptedClient(server.address) as client:
            assert await client.ended() == (grpc.StatusCode.UNAVAILABLE, "the server is stopping")
    never = gorums.Server(ScriptedCalls())
    await within(never.drain())
    await never.stop()


async def test_a_system_that_leaves() -> None:
    async with gorums.local_systems(2, ScriptedCalls, backoff=QUICK) as (one, two):
        await one.outbound.wait_connected(timeout=10)
        await two.outbound.wait_connected(timeout=10)
        changes = one.changes()
        await within(two.drain())
        assert isinstance(await within(anext(changes)), gorums.NodeDown)
        assert (await within(echo(two.outbound.node(1), Text()))).number == 1, "it still calls others"
        await within(two.stop(5))


@pytest.mark.parametrize("offered", [(), [(BATCH_KEY, "1"), (CANCEL_KEY, "1")]])
async def test_clients_that_do_not_know_of_it_see_an_ordinary_end(offered: Sequence[tuple[str, str]]) -> None:
    service = ScriptedCalls()
    async with running(service) as server, ScriptedClient(server.address, offered) as client:
        await client.send(request(1, NAME, Text(text="hold:x").SerializeToString()))
        await service.has_seen("hold:x")
        stopping = asyncio.ensure_future(server.stop(5))
        await turns(20)
        service.open_all()
        assert (await client.receive()).message_seq_no == 1
        assert (await client.ended())[0] == grpc.StatusCode.OK
        await within(stopping)


async def test_a_client_that_takes_its_time() -> None:
    """What it sends before it has said which is its last call is handled, and the rest is not."""
    service = ScriptedCalls()
    async with running(service) as server, ScriptedClient(server.address, [(DRAIN_KEY, "1")]) as client:
        await client.initial_metadata()
        draining = asyncio.ensure_future(server.drain())
        assert await client.receive() == LAST
        await client.send(request(1, NAME, Text(text="before").SerializeToString()))
        assert (await client.receive()).message_seq_no == 1
        await client.send(request(2, NAME, Text(text="hold:x").SerializeToString()), LAST)
        await service.has_seen("hold:x")
        await client.send(request(3, NAME, Text(text="after").SerializeToString()))
        service.open_all()
        assert (await client.receive()).message_seq_no == 2
        assert (await client.ended())[0] == grpc.StatusCode.OK
        await within(draining)
    assert service.seen == ["before", "hold:x"]


async def test_a_client_that_does_not_answer_is_not_waited_for() -> None:
    async with running(ScriptedCalls()) as server, ScriptedClient(server.address, [(DRAIN_KEY, "1")]) as client:
        await client.initial_metadata()
        stopping = asyncio.ensure_future(server.stop(60))
        assert await client.receive() == LAST
        assert (await client.ended())[0] == grpc.StatusCode.OK
        await within(stopping)


async def test_a_client_that_leaves_first() -> None:
    async with running(ScriptedCalls()) as server:
        async with connected([server.address]) as config:
            await within(echo(config[0], Text()))
        await within(server.stop(60))


async def test_a_last_call_that_nobody_has_asked_for(one: Cluster[ScriptedCalls]) -> None:
    """Means nothing: neither at a server nor at a client that has not agreed."""
    async with ScriptedClient(one.addresses[0], [(key, str(value)) for key, value in EXTENSIONS]) as client:
        await client.send(LAST, request(1, NAME))
        assert (await client.receive()).message_seq_no == 1

    async def serve(stream: ServerStream) -> None:
        while (frame := await stream.receive()) is not None:
            await stream.send(LAST)
            await stream.send(reply(frame, Text(text="x").SerializeToString()))

    async with ScriptedServer(serve) as server, connected([server.address]) as config:
        for _ in range(3):
            assert (await within(echo(config[0], Text()))).text == "x"


async def test_a_client_says_which_call_was_its_last() -> None:
    """After all that was called before, however long it has waited to be sent."""
    told = asyncio.Event()

    async def serve(stream: ServerStream) -> None:
        await stream.confirm((DRAIN_KEY, "1"))
        frame = await stream.receive()
        assert frame is not None
        await stream.send(LAST)
        while (last := await stream.receive()) is not None and not last.cancel:
            pass
        told.set()
        await stream.send(reply(frame, Text(text="late").SerializeToString()))

    async with ScriptedServer(serve) as server, connected([server.address]) as config:
        call = echo(config[0], Text())
        await within(told.wait())
        assert not config[0].connected
        assert (await within(call)).text == "late"


class Restarted(ServerProcess):
    """A server that stops with grace."""

    def command(self) -> Sequence[str]:
        return *super().command(), "1024", "10"


@pytest.fixture
async def processes() -> AsyncIterator[list[ServerProcess]]:
    processes: list[ServerProcess] = [Restarted(number) for number in (1, 2, 3)]
    try:
        await asyncio.gather(*(process.start() for process in processes))
        yield processes
    finally:
        await asyncio.gather(*(process.kill() for process in processes))


async def test_a_rolling_restart(processes: list[ServerProcess]) -> None:
    """One after the other; no majority call fails, and no RPC of a client that tries another node then."""
    async with connected([process.address for process in processes]) as config:
        over = False
        calls = 0

        async def majorities() -> None:
            nonlocal calls
            while not over:
                await ask(config, Text(text="ok"), timeout=10).majority()
                calls += 1

        async def one_of_them(first: int) -> None:
            nonlocal calls
            while not over:
                for attempt in range(first, first + 3):
                    try:
                        await echo(config[attempt % 3], Text(text="ok"), timeout=10)
                    except gorums.StreamDownError:
                        continue
                    calls += 1
                    break
                else:
                    raise AssertionError("no node has answered")

        callers = [majorities() for _ in range(5)] + [one_of_them(first) for first in range(3)]
        running = [asyncio.ensure_future(caller) for caller in callers]
        try:
            for process in processes:
                assert await process.terminate() == 0
                await process.start()
                await config.wait_connected(timeout=10)
        finally:
            over = True
            await within(asyncio.gather(*running))
        assert calls > 100
