"""Whoever gives up on a call takes only that call with them: nothing stays pending, the stream goes on."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, connected
from tests.support.proxy import TcpProxy
from tests.support.waiting import turns, until, within


async def iterate(responses: gorums.Responses[Text]) -> None:
    async for _ in responses:
        pass


# Every call that waits for servers that stay silent.
WAITING: dict[str, Callable[[gorums.Configuration, Text, float | None], Awaitable[object]]] = {
    "rpc": lambda config, text, t: echo(config[0], text, timeout=t),
    "first": lambda config, text, t: ask(config, text, timeout=t).first(),
    "majority": lambda config, text, t: ask(config, text, timeout=t).majority(),
    "all": lambda config, text, t: ask(config, text, timeout=t).all(),
    "threshold": lambda config, text, t: ask(config, text, timeout=t).threshold(2),
    "async_first": lambda config, text, t: ask(config, text, timeout=t).async_first(),
    "async_all": lambda config, text, t: ask(config, text, timeout=t).async_all(),
    "streaming": lambda config, text, t: follow(config, text, timeout=t).first(),
    "streaming async": lambda config, text, t: follow(config, text, timeout=t).async_majority(),
}
# These end at the timeout without an error.
COLLECTING: dict[str, Callable[[gorums.Configuration, Text, float | None], Awaitable[object]]] = {
    "iteration": lambda config, text, t: iterate(ask(config, text, timeout=t)),
    "collect_n": lambda config, text, t: ask(config, text, timeout=t).collect_n(3),
    "collect_all": lambda config, text, t: ask(config, text, timeout=t).ignore_errors().collect_all(),
    "streaming iteration": lambda config, text, t: iterate(follow(config, text, timeout=t)),
}
SILENT = Text(text="silent", number=1)


async def everything_as_before(cluster: Cluster[ScriptedCalls]) -> None:
    """Nothing is pending, the streams are the same ones, and a late reply hurts nobody."""
    await turns()
    assert [node.pending for node in cluster.config] == [0, 0, 0]
    peers = [service.contexts[0].peer if service.contexts else None for service in cluster]
    for service in cluster:
        service.open_all()
    assert (await within(ask(cluster.config, Text(text="after")).all())).text == "after"
    for service, peer in zip(cluster, peers, strict=True):
        assert peer in (None, service.contexts[-1].peer), "the stream is another one"


@pytest.mark.parametrize("name", [*WAITING, *COLLECTING])
async def test_cancelling_the_task_that_waits(three: Cluster[ScriptedCalls], name: str) -> None:
    call = {**WAITING, **COLLECTING}[name]

    async def caller() -> object:
        return await call(three.config, SILENT, None)

    task = asyncio.create_task(caller())
    await three.service.has_seen("silent")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within(task)
    await everything_as_before(three)


@pytest.mark.parametrize("name", ["rpc", "async_first", "async_all", "streaming async"])
async def test_cancelling_the_future(three: Cluster[ScriptedCalls], name: str) -> None:
    """Rows: 226."""
    call = WAITING[name](three.config, SILENT, None)
    assert isinstance(call, asyncio.Future)
    await three.service.has_seen("silent")
    assert call.cancel()
    await everything_as_before(three)
    assert call.cancelled()


@pytest.mark.parametrize("name", ["rpc", "async_first", "async_all", "streaming async"])
async def test_cancelling_at_once(three: Cluster[ScriptedCalls], name: str) -> None:
    call = WAITING[name](three.config, SILENT, None)
    assert isinstance(call, asyncio.Future)
    call.cancel()
    await everything_as_before(three)


@pytest.mark.parametrize("name", WAITING)
async def test_a_timeout_of_the_call(three: Cluster[ScriptedCalls], name: str) -> None:
    with pytest.raises(TimeoutError) as error:
        await within(WAITING[name](three.config, SILENT, 0.02))
    assert isinstance(error.value, gorums.GorumsError)
    assert [node.pending for node in three.config] == [0, 0, 0]
    await everything_as_before(three)


@pytest.mark.parametrize("name", COLLECTING)
async def test_a_timeout_of_a_call_that_collects(three: Cluster[ScriptedCalls], name: str) -> None:
    result = await within(COLLECTING[name](three.config, SILENT, 0.02))
    assert not result
    await everything_as_before(three)


@pytest.mark.parametrize("name", [*WAITING, *COLLECTING])
async def test_a_timeout_of_asyncio(three: Cluster[ScriptedCalls], name: str) -> None:
    with pytest.raises(TimeoutError) as error:
        await within({**WAITING, **COLLECTING}[name](three.config, SILENT, None), 0.02)
    assert not isinstance(error.value, gorums.GorumsError)
    await everything_as_before(three)


@pytest.mark.parametrize("name", [*WAITING, *COLLECTING])
async def test_cancelling_before_anything_has_run(three: Cluster[ScriptedCalls], name: str) -> None:
    async def caller() -> object:
        return await {**WAITING, **COLLECTING}[name](three.config, SILENT, None)

    task = asyncio.create_task(caller())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await everything_as_before(three)


@pytest.mark.parametrize("steps", range(1, 8))
async def test_cancelling_after_every_number_of_steps(three: Cluster[ScriptedCalls], steps: int) -> None:
    """Calls that are answered, cancelled wherever they happen to be."""

    async def caller() -> None:
        await note(three.node, Text(text="n"))
        await echo(three.node, Text(text="e"))
        await spread(three.config, Text(text="s"))
        await ask(three.config, Text(text="a")).majority()
        await iterate(follow(three.config, Text(text="f", number=2)))

    for extra in range(4):
        task = asyncio.create_task(caller())
        await turns(steps * 4 + extra)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await within(task)
    await everything_as_before(three)


async def test_one_of_many_calls(one: Cluster[ScriptedCalls]) -> None:
    calls = [echo(one.node, Text(text="hold-free:x")) for _ in range(10)]
    for call in calls[::2]:
        call.cancel()
    await turns()
    assert one.node.pending == 5
    await one.service.has_seen_count(5)  # those that were given up before they left never do
    one.service.gates["x"].open()
    await within(asyncio.gather(*calls[1::2]))


async def test_a_late_reply_after_a_timeout_is_dropped(one: Cluster[ScriptedCalls]) -> None:
    with pytest.raises(TimeoutError):
        await within(echo(one.node, Text(text="hold-free:x"), timeout=0.02))
    one.service.gates["x"].open()
    assert (await within(echo(one.node, Text(text="after")))).text == "after"


async def test_shielded_calls_go_on(one: Cluster[ScriptedCalls]) -> None:
    call = echo(one.node, Text(text="hold-free:x"))
    with pytest.raises(TimeoutError):
        await within(asyncio.shield(call), 0.02)
    one.service.gates["x"].open()
    assert (await within(call)).text == "hold-free:x"


async def test_timeouts_of_many_calls(one: Cluster[ScriptedCalls]) -> None:
    calls = [echo(one.node, Text(text="silent"), timeout=0.05 + n / 10_000) for n in range(500)]
    for outcome in await within(asyncio.gather(*calls, return_exceptions=True)):
        assert isinstance(outcome, TimeoutError)
    assert one.node.pending == 0


ONE_WAY: dict[str, Callable[[gorums.Configuration, Text, float | None], Awaitable[None]]] = {
    "unicast": lambda config, text, t: note(config[0], text, timeout=t),
    "multicast": lambda config, text, t: spread(config, text, timeout=t),
}


@pytest.mark.parametrize("name", ONE_WAY)
@pytest.mark.parametrize("how", ["timeout", "asyncio", "cancel"])
async def test_one_way_calls_to_a_server_that_takes_nothing(one: Cluster[ScriptedCalls], name: str, how: str) -> None:
    """The network is frozen and all buffers are full: what waits can give up, and the rest arrives later."""
    async with TcpProxy(one.addresses[0]) as proxy, connected([proxy.address]) as config:
        proxy.freeze()
        filler = [note(config[0], Text(text=f"f{n}", data=bytes(1 << 20))) for n in range(20)]
        call: Any = ONE_WAY[name]
        if how == "timeout":
            with pytest.raises(TimeoutError) as error:
                await within(call(config, Text(text="given up"), 0.05))
            assert isinstance(error.value, gorums.SendError)
            assert list(error.value.node_errors) == [1]
        elif how == "asyncio":
            with pytest.raises(TimeoutError):
                await within(call(config, Text(text="given up"), None), 0.05)
        else:
            call(config, Text(text="given up"), None).cancel()
        assert config[0].pending == 0
        last = note(config[0], Text(text="last"))
        proxy.thaw()
        await within(asyncio.gather(*filler, last))
        await one.service.has_seen("last")
        assert one.service.seen == [*(f"f{n}" for n in range(20)), "last"]


async def test_calls_to_a_server_that_takes_nothing_time_out(one: Cluster[ScriptedCalls]) -> None:
    async with TcpProxy(one.addresses[0]) as proxy, connected([proxy.address]) as config:
        proxy.freeze()
        calls = [echo(config[0], Text(data=bytes(1 << 20)), timeout=0.1) for _ in range(30)]
        for outcome in await within(asyncio.gather(*calls, return_exceptions=True)):
            assert isinstance(outcome, TimeoutError)
        assert config[0].pending == 0
        proxy.thaw()
        assert (await within(echo(config[0], Text(text="after")))).text == "after"


async def test_closing_while_calls_wait_to_be_sent(one: Cluster[ScriptedCalls]) -> None:
    async with TcpProxy(one.addresses[0]) as proxy, connected([proxy.address]) as config:
        proxy.freeze()
        calls: list[asyncio.Future[Any]] = [note(config[0], Text(data=bytes(1 << 20))) for _ in range(20)]
        calls.append(echo(config[0], Text(text="x")))
        await turns()
        await within(config.close())
        outcomes = await within(asyncio.gather(*calls, return_exceptions=True))
        assert isinstance(outcomes[-1], gorums.NodeClosedError)
        late = outcomes[-2]
        assert isinstance(late, gorums.SendError)
        assert isinstance(late.node_errors[1], gorums.NodeClosedError)
        await until(lambda: config[0].pending == 0)


async def test_closing_does_not_wait_for_what_was_given_up(
    three: Cluster[ScriptedCalls], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pygorums.streams.outbound.CLOSE_GRACE", 600)
    config = gorums.connect(three.addresses)
    await config.wait_connected(timeout=10)
    with pytest.raises(TimeoutError):
        await within(echo(config[0], Text(text="hold:x"), timeout=0.02))
    await three.service.has_seen("hold:x")
    await within(config.close())
