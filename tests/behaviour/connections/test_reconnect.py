"""Streams that break are opened again without anybody asking, and calls survive it as far as they can."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, Cluster, connected, serving
from tests.support.frames import reply
from tests.support.proxy import TcpProxy
from tests.support.scripted_server import ScriptedServer, ServerStream
from tests.support.waiting import until, within

Behind = tuple[TcpProxy, gorums.Configuration]


SESSION = gorums.Session()

with_and_without = pytest.mark.parametrize(
    "session", [pytest.param(SESSION, id="session"), pytest.param(None, id="no session")]
)


@asynccontextmanager
async def behind_proxy(
    cluster: Cluster[ScriptedCalls], session: gorums.Session | None = SESSION
) -> AsyncIterator[Behind]:
    """A configuration of the first server, through a proxy."""
    async with TcpProxy(cluster.addresses[0]) as proxy, connected([proxy.address], session=session) as config:
        yield proxy, config


async def test_a_server_that_comes_back_is_found_without_a_call(one: Cluster[ScriptedCalls]) -> None:
    await one.servers[0].stop()
    await until(lambda: not one.node.connected)
    service = ScriptedCalls(2)
    async with serving(service, one.addresses[0]):
        await one.config.wait_connected(timeout=10)
        assert service.seen == []
        assert (await within(echo(one.node, Text(text="again")))).number == 2


async def test_a_server_that_starts_later_is_found_without_a_call(one: Cluster[ScriptedCalls]) -> None:
    await one.servers[0].stop()
    async with gorums.connect(one.addresses, backoff=QUICK) as config:
        with pytest.raises(gorums.StatusError):
            await within(echo(config[0], Text()))
        async with serving(ScriptedCalls(2), one.addresses[0]):
            await config.wait_connected(timeout=10)
            assert (await within(echo(config[0], Text()))).number == 2


async def test_again_and_again(one: Cluster[ScriptedCalls]) -> None:
    await one.servers[0].stop()
    for number in range(2, 6):
        async with serving(ScriptedCalls(number), one.addresses[0]):
            await one.config.wait_connected(timeout=10)
            assert (await within(echo(one.node, Text()))).number == number
        await until(lambda: not one.node.connected)


async def test_calls_in_a_loop_see_a_restart_as_a_few_errors(three: Cluster[ScriptedCalls]) -> None:
    """Majorities go on all the time; calls to the node itself fail while it is down, and never hang."""

    async def calls(make: Callable[[], Awaitable[Any]], outcomes: list[str]) -> None:
        while True:
            try:
                await within(make())
            except gorums.StatusError as error:
                outcomes.append(error.code().name)
            else:
                outcomes.append("ok")
            await asyncio.sleep(0.001)

    majorities: list[str] = []
    rpcs: list[str] = []
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(calls(lambda: ask(three.config, Text(text="q")).majority(), majorities)),
            group.create_task(calls(lambda: echo(three.node, Text(text="r")), rpcs)),
        ]
        await until(lambda: rpcs.count("ok") > 5)
        await three.servers[0].stop()
        await until(lambda: "UNAVAILABLE" in rpcs)
        async with serving(ScriptedCalls(), three.addresses[0]):
            await three.config.wait_connected(timeout=10)
            ok = rpcs.count("ok")
            await until(lambda: rpcs.count("ok") > ok + 5)
            for task in tasks:
                task.cancel()
    assert set(rpcs) == {"ok", "UNAVAILABLE"}
    assert set(majorities) == {"ok"}


Break = Callable[[TcpProxy], None]
breaks = pytest.mark.parametrize(
    "break_it",
    [
        pytest.param(lambda proxy: proxy.reset(), id="reset"),
        pytest.param(lambda proxy: proxy.half_close_from_server(), id="half-closed by the server"),
        pytest.param(lambda proxy: proxy.half_close_from_client(), id="half-closed by the client"),
        pytest.param(lambda proxy: proxy.cut_to_client_after(20), id="cut in a frame to the client"),
        pytest.param(lambda proxy: proxy.cut_to_server_after(20), id="cut in a frame to the server"),
    ],
)


@breaks
@with_and_without
async def test_the_stream_is_opened_again(
    one: Cluster[ScriptedCalls], break_it: Break, session: gorums.Session | None
) -> None:
    async with behind_proxy(one, session) as (proxy, config):
        await within(echo(config[0], Text(text="before")))
        break_it(proxy)
        for n in range(20):
            assert (await within(echo(config[0], Text(text=str(n))))).text == str(n)
        assert proxy.attempts >= 2


@breaks
@with_and_without
async def test_pending_calls_are_answered_on_the_next_stream(
    one: Cluster[ScriptedCalls], break_it: Break, session: gorums.Session | None
) -> None:
    """They are sent again, or in a session their replies wait."""
    async with behind_proxy(one, session) as (proxy, config):
        calls: list[Awaitable[Text]] = [echo(config[0], Text(text=f"hold-free:{n}")) for n in range(5)]
        calls.append(ask(config, Text(text="hold-free:5")).async_all())
        await one.service.has_seen("hold-free:5")
        break_it(proxy)
        one.service.open_all()  # the first answers go into the broken stream, or come before it breaks
        replies = await within(asyncio.gather(*calls))
        assert [reply.text for reply in replies] == [f"hold-free:{n}" for n in range(6)]
        assert config[0].pending == 0
        assert session is None or len(one.service.seen) == 6


async def test_a_call_that_is_sent_again_is_the_same_call() -> None:
    """Same number, same bytes, in order, before newer ones."""

    async def script(stream: ServerStream) -> None:
        first = len(server.streams) == 1
        while (frame := await stream.receive()) is not None:
            if not first:
                await stream.send(reply(frame, frame.payload))

    async with (
        ScriptedServer(script) as server,
        TcpProxy(server.address) as proxy,
        connected([proxy.address]) as config,
    ):
        calls = [echo(config[0], Text(text=f"t{n}"), metadata={"n": str(n)}) for n in range(10)]
        stream = await within(server.opened(1))
        await until(lambda: len(stream.received) == 10)
        proxy.reset()
        calls += [echo(config[0], Text(text=f"t{n}")) for n in range(10, 15)]
        assert [r.text for r in await within(asyncio.gather(*calls))] == [f"t{n}" for n in range(15)]
        again = server.streams[1].messages
        assert again[:10] == stream.messages
        assert [Text.FromString(m.payload).text for m in again] == [f"t{n}" for n in range(15)]


@with_and_without
async def test_calls_that_were_given_up_are_not_sent_again(
    one: Cluster[ScriptedCalls], session: gorums.Session | None
) -> None:
    async with behind_proxy(one, session) as (proxy, config):
        cancelled = echo(config[0], Text(text="hold-free:cancelled"))
        timed_out = echo(config[0], Text(text="hold-free:late"), timeout=0.5)
        await one.service.has_seen("hold-free:late")
        cancelled.cancel()
        with pytest.raises(TimeoutError):
            await within(timed_out)
        proxy.reset()
        await within(echo(config[0], Text(text="after")))
        assert one.service.seen.count("hold-free:cancelled") == 1
        assert one.service.seen.count("hold-free:late") == 1


async def test_a_streaming_call_without_a_session_fails_with_its_stream(one: Cluster[ScriptedCalls]) -> None:
    async with behind_proxy(one, None) as (proxy, config):
        correctable = follow(config, Text(text="hold-free:x", number=3)).correctable(3)
        responses = aiter(follow(config, Text(text="hold-free:y", number=3)).results())
        waiting = asyncio.ensure_future(anext(responses))
        for name in "xy":
            await one.service.gates[name].arrivals()
        proxy.reset()
        assert isinstance((await within(waiting)).error, gorums.StreamDownError)
        with pytest.raises(StopAsyncIteration):
            await within(anext(responses))
        _, _, error = await within(correctable.watch(1))
        assert isinstance(error, gorums.IncompleteError)
        assert isinstance(error.node_errors[1], gorums.StreamDownError)
        assert "1" in str(error.node_errors[1])
        assert config[0].pending == 0


@with_and_without
async def test_order_holds_while_the_stream_is_cut_again_and_again(
    one: Cluster[ScriptedCalls], session: gorums.Session | None
) -> None:
    """Each stream carries its messages in order, and each begins where the one before was not answered, or ended."""
    async with behind_proxy(one, session) as (proxy, config):
        calls = []
        for n in range(300):
            calls.append(echo(config[0], Text(text=str(n))))
            if n % 60 == 59:
                await one.service.has_seen(str(n - 20))
                proxy.reset()
        assert [r.text for r in await within(asyncio.gather(*calls))] == [str(n) for n in range(300)]
    if session is not None:
        assert one.service.seen == [str(n) for n in range(300)]
    streams = itertools.groupby(zip(one.service.contexts, one.service.seen, strict=True), lambda pair: pair[0].peer)
    reached = -1
    for _, handled in streams:
        numbers = [int(text) for _, text in handled]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert numbers[0] <= reached + 1
        reached = max(reached, numbers[-1])
    assert reached == 299


@with_and_without
async def test_one_way_messages_are_never_repeated_or_reordered(
    one: Cluster[ScriptedCalls], session: gorums.Session | None
) -> None:
    async with behind_proxy(one, session) as (proxy, config):
        calls: list[asyncio.Future[None]] = []
        for n in range(300):
            calls.append(note(config[0], Text(text=str(n))))
            if n % 60 == 59:
                await asyncio.sleep(0)
                proxy.reset()
        outcomes = await within(asyncio.gather(*calls, return_exceptions=True))
        assert all(outcome is None or isinstance(outcome, gorums.SendError) for outcome in outcomes)
        await config.wait_connected(timeout=10)
        await within(echo(config[0], Text(text="300")))
    numbers = [int(text) for text in one.service.seen]
    assert numbers == sorted(set(numbers))
    assert session is None or numbers == list(range(301))


async def test_other_nodes_do_not_notice(three: Cluster[ScriptedCalls]) -> None:
    async with TcpProxy(three.addresses[0]) as proxy, connected([proxy.address, *three.addresses[1:]]) as config:
        peers = set()
        for n in range(30):
            if n % 5 == 0:
                proxy.reset()
            await within(ask(config, Text(text=str(n))).majority())
            peers.add(three.services[1].contexts[-1].peer)
        assert len(peers) == 1


async def test_a_node_that_is_back_has_no_old_calls(one: Cluster[ScriptedCalls]) -> None:
    async with behind_proxy(one) as (proxy, config):
        proxy.stop_listening()
        proxy.reset()
        await until(lambda: not config[0].connected)
        with pytest.raises(gorums.StatusError):
            await within(echo(config[0], Text(text="lost")))
        await proxy.listen()
        await config.wait_connected(timeout=10)
        await within(echo(config[0], Text(text="found")))
        assert one.service.seen == ["found"]
