"""Calls that ask few nodes first: whom, when, and what never happens."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import pygorums as gorums
from examples.storage.storage_gorums import write_qc
from examples.storage.storage_pb2 import WriteRequest
from pygorums import quorums as q
from pygorums.calls.hedging import Hedger
from tests.protos.calls_gorums import ask, echo, follow
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.waiting import turns, until, within

NEVER = math.inf
SOON = 0.001


def seen(cluster: Cluster[ScriptedCalls], text: str) -> list[int]:
    """The nodes that have handled a request."""
    return [service.number for service in cluster if text in service.seen]


@pytest.fixture
def hedgers(monkeypatch: pytest.MonkeyPatch) -> list[Hedger]:
    """Those of calls whose time does not pass by itself."""
    found: list[Hedger] = []
    monkeypatch.setattr(Hedger, "_wait", lambda self: found.append(self))
    return found


async def correctable(call: gorums.Responses[Text], n: int, **options: Any) -> None:
    _, _, error = await call.correctable(n, **options).wait()
    if error is not None:
        raise error


Responses = gorums.Responses[Text]

ENDS: dict[str, Callable[..., Any]] = {
    "threshold": Responses.threshold,
    "async_threshold": Responses.async_threshold,
    "quorum": lambda call, n, **options: call.quorum(q.of(n, 1, 2, 3, 4, 5), **options),
    "async_quorum": lambda call, n, **options: call.async_quorum(q.of(n, 1, 2, 3, 4, 5), **options),
    "correctable": correctable,
    "collect_n": Responses.collect_n,
    "collect_quorum": Responses.collect_quorum,
}
both_ways = pytest.mark.parametrize(
    "chain", [(), (gorums.map_response(lambda reply, node: reply),)], ids=["plain", "intercepted"]
)


def ends(cluster: Cluster[ScriptedCalls]) -> Iterator[tuple[str, Any]]:
    """Each way to end a call, of servers that have seen nothing. A cluster for each would take long."""
    for name, end in ENDS.items():
        yield name, end
        for service in cluster:
            service.seen.clear()


@both_ways
async def test_only_a_quorum_is_asked(five: Cluster[ScriptedCalls], chain: Any) -> None:
    for name, end in ends(five):
        await within(end(ask(five.config, Text(text="x"), interceptors=chain), 3, hedge=NEVER))
        await within(ask(five.config, Text(text="fence")).all())
        assert len(seen(five, "x")) == 3, name


@both_ways
async def test_a_node_that_fails_is_replaced_at_once(five: Cluster[ScriptedCalls], chain: Any) -> None:
    """Without waiting for any time to pass."""
    for name, end in ends(five):
        call = ask(five.config, Text(text="fail ok ok ok fail"), interceptors=chain)
        await within(end(call, 3, hedge=NEVER, first=[1, 2, 5]))
        assert seen(five, "fail ok ok ok fail") == [1, 2, 3, 4, 5], name
        call = ask(five.config, Text(text="fail fail ok fail ok"), interceptors=chain)
        if end is Responses.collect_n:
            assert len(await within(end(call, 3, hedge=NEVER))) == 2  # it takes what it gets
        else:
            with pytest.raises(gorums.IncompleteError):
                await within(end(call, 3, hedge=NEVER))
        assert set(call.node_errors) <= {1, 2, 4}, name


@both_ways
async def test_more_are_asked_when_time_passes(five: Cluster[ScriptedCalls], chain: Any) -> None:
    for name, end in ends(five):
        await within(end(ask(five.config, Text(text="silent silent ok ok ok"), interceptors=chain), 3, hedge=SOON))
        await until(lambda: seen(five, "silent silent ok ok ok") == [1, 2, 3, 4, 5], name)


async def test_no_more_than_it_takes_without_the_silent_ones(
    five: Cluster[ScriptedCalls], hedgers: list[Hedger]
) -> None:
    for name, end in ends(five):
        text = f"hold-free:{name} ok ok hold-free:{name} silent"
        call = asyncio.ensure_future(end(ask(five.config, Text(text=text)), 3, hedge=1, first=[1, 2, 3]))
        await five.service.gates[name].arrivals()
        await until(lambda: all(text in service.seen for service in five.services[:3]))  # noqa: B023 - used in its turn
        await within(echo(five.config[1], Text(text="fence")))
        await within(echo(five.config[2], Text(text="fence")))  # their replies have come by now
        for node, latency in zip(five.config[3:], (0.1, 0.2), strict=True):  # the faster one is asked
            node.channel.pending.latency = latency
        assert hedgers[-1].ask_more()
        await five.services[3].gates[name].arrivals()
        assert seen(five, text) == [1, 2, 3, 4], f"{name}: one is silent, so one is asked"
        five.services[3].gates[name].open()
        await within(call)
        await within(ask(five.config, Text(text="fence")).all())
        assert seen(five, text) == [1, 2, 3, 4], f"{name}: and once it is decided, nobody"
        assert not hedgers[-1].ask_more()


@pytest.mark.parametrize("name", ["first", "majority", "all"])
async def test_methods_with_numbers_of_their_own(five: Cluster[ScriptedCalls], name: str) -> None:
    for prefix in ("", "async_"):
        text = prefix + name
        await within(getattr(ask(five.config, Text(text=text)), prefix + name)(hedge=NEVER))
        await within(ask(five.config, Text(text="fence")).all())
        assert len(seen(five, text)) == {"first": 1, "majority": 3, "all": 5}[name]


async def test_the_fastest_are_asked_and_connected_ones_before_others(five: Cluster[ScriptedCalls]) -> None:
    config = five.config
    await within(ask(config, Text(text="warm")).all())
    for node, latency in zip(config, (0.5, 0.1, 0.4, 0.2, 0.3), strict=True):
        node.channel.pending.latency = latency
    await within(ask(config, Text(text="x")).majority(hedge=NEVER))
    assert seen(five, "x") == [2, 4, 5]
    await within(five.servers[1].stop())
    await until(lambda: not config[1].connected)
    config[4].channel.pending.latency = 0.3
    await within(ask(config, Text(text="y")).majority(hedge=NEVER))
    assert seen(five, "y") == [3, 4, 5]


async def test_of_a_quorum_system_the_one_that_is_there_first(five: Cluster[ScriptedCalls]) -> None:
    for node, latency in zip(five.config, (0.1, 0.5, 0.2, 0.2, 0.2), strict=True):
        node.channel.pending.latency = latency
    quorums = q.all_of(1, 2) | q.all_of(3, 4, 5)
    await within(ask(five.config, Text(text="x")).quorum(quorums, hedge=NEVER))
    assert seen(five, "x") == [3, 4, 5]
    await within(ask(five.config, Text(text="y")).quorum(quorums, hedge=NEVER, first=[1, 2]))
    assert seen(five, "y") == [1, 2]


async def test_a_strategy_chooses(five: Cluster[ScriptedCalls]) -> None:
    system = q.grid([[1, 2], [3, 4, 5]])
    strategy = system.uniform_strategy()
    for number in range(20):
        await within(ask(five.config, Text(text=str(number))).quorum(system.reads, hedge=NEVER, first=strategy.reads))
        assert seen(five, str(number)) in ([1, 2], [3, 4, 5])
    assert {len(seen(five, str(number))) for number in range(20)} == {2, 3}


async def test_percentiles_of_what_was_measured(five: Cluster[ScriptedCalls]) -> None:
    """Who was not measured is asked; then it is as if the time were said."""
    await within(ask(five.config, Text(text="unknown")).majority(hedge="p95"))
    await within(ask(five.config, Text(text="fence")).all())
    assert seen(five, "unknown") == [1, 2, 3, 4, 5]
    for node in five.config:
        node.channel.pending.recent.extend([60.0] * 300)
        node.channel.pending.latency = 0.1
        assert node.quantile(0.95) == 60
    await within(ask(five.config, Text(text="known")).majority(hedge="p95"))
    await within(ask(five.config, Text(text="fence")).all())
    assert len(seen(five, "known")) == 3


async def test_replies_that_the_caller_rejects_are_replaced(five: Cluster[ScriptedCalls]) -> None:
    def late_ones(reply: Text, node: gorums.Node) -> bool:
        return reply.number > 2

    call = ask(five.config, Text(text="checked"))
    assert set(await within(call.collect_quorum(3, late_ones, hedge=NEVER))) == {3, 4, 5}

    async def slowly(reply: Text, node: gorums.Node) -> bool:
        await turns(2)
        return late_ones(reply, node)

    call = ask(five.config, Text(text="awaited"))
    assert set(await within(call.collect_quorum(3, slowly, hedge=NEVER))) == {3, 4, 5}

    def refuse(reply: Text, node: gorums.Node) -> Text:
        if reply.number < 3:
            raise ValueError("too low")
        return reply

    call = ask(five.config, Text(text="mapped"), interceptors=[gorums.map_response(refuse)])
    assert (await within(call.majority(hedge=NEVER))).number >= 3

    async def drop(
        call: gorums.Call[Text, Text], responses: AsyncIterator[gorums.NodeResponse[Text]]
    ) -> AsyncIterator[gorums.NodeResponse[Text]]:
        async for response in responses:
            if response.node_id > 2:
                yield response

    call = ask(five.config, Text(text="dropped"), interceptors=[drop])
    assert (await within(call.majority(hedge=NEVER))).number >= 3
    with pytest.raises(gorums.IncompleteError):
        await within(ask(five.config, Text(text="all dropped"), interceptors=[drop]).threshold(4, hedge=NEVER))


async def test_nodes_that_interceptors_leave_out_are_not_asked(five: Cluster[ScriptedCalls]) -> None:
    def left_out(request: Text, node: gorums.Node) -> Text | None:
        if node.id == 1:
            raise ValueError("no request for the first one")
        return None if node.id == 2 else Text(text=f"{request.text} {node.id}")

    call = ask(five.config, Text(text="x"), interceptors=[gorums.map_request(left_out)])
    await within(call.majority(hedge=NEVER))
    assert [service.seen for service in five] == [[], [], ["x 3"], ["x 4"], ["x 5"]]


async def test_streaming_calls(five: Cluster[ScriptedCalls]) -> None:
    text = "fail ok ok ok ok"
    await within(follow(five.config, Text(text=text, number=2)).majority(hedge=NEVER))
    await within(ask(five.config, Text(text="fence")).all())
    assert seen(five, text) == [1, 2, 3, 4]
    replies = await within(follow(five.config, Text(text="y", number=3)).collect_quorum(hedge=NEVER))
    assert len(replies) == 3
    none = follow(five.config, Text(text="none", number=0))
    assert await within(none.collect_n(3, hedge=NEVER)) == {}
    assert len(seen(five, "none")) == 5


async def test_a_node_that_has_replied_counts_though_its_stream_breaks(five: Cluster[ScriptedCalls]) -> None:
    """In a streaming call: nobody is asked in its place."""
    config = five.config[:3]
    request = Text(text="ok hold:a", number=2)
    call = asyncio.ensure_future(follow(config, request).collect_quorum(2, hedge=NEVER, first=[1, 2]))
    await five.services[1].gates["a"].arrivals()
    await within(five.servers[0].stop())
    five.services[1].gates["a"].open()
    assert set(await within(call)) == {1, 2}
    assert seen(five, request.text) == [1, 2]


async def test_the_time_is_that_of_the_call_and_silent_nodes_are_those_that_were_asked(
    five: Cluster[ScriptedCalls],
) -> None:
    for end in (Responses.majority, Responses.collect_quorum):
        with pytest.raises(gorums.QuorumTimeoutError) as error:
            await within(end(ask(five.config, Text(text="silent"), timeout=0.05), hedge=NEVER))
        assert set(error.value.node_errors) == {1, 2, 3}
        assert [node.pending for node in five.config] == [0] * 5


async def test_cancelled_calls_ask_nobody_any_more(five: Cluster[ScriptedCalls], hedgers: list[Hedger]) -> None:
    for end in (Responses.majority, Responses.async_majority, Responses.collect_quorum):
        call = asyncio.ensure_future(end(ask(five.config, Text(text="silent")), hedge=1))
        await five.service.has_seen("silent")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert [node.pending for node in five.config] == [0] * 5
        assert not hedgers[-1].ask_more()
    await within(ask(five.config, Text(text="fence")).all())
    assert seen(five, "silent") == [1, 2, 3]


async def test_late_nodes_are_measured_from_when_they_were_asked(
    five: Cluster[ScriptedCalls], hedgers: list[Hedger]
) -> None:
    now = asyncio.get_running_loop().time
    call = ask(five.config, Text(text="silent silent silent ok ok")).async_threshold(2, hedge=1, first=[1, 2, 3])
    for service in five.services[:3]:
        await service.gates["silent"].arrivals()
    asked = now()
    assert hedgers[0].ask_more()
    await within(call)
    passed = now() - asked
    assert [node.channel.pending.latency for node in five.config[:3]] == [None] * 3
    for node in five.config[3:]:
        assert node.latency is not None
        assert node.latency <= passed


async def test_what_cannot_be_hedged_is_refused(five: Cluster[ScriptedCalls]) -> None:
    for end in (gorums.Responses.majority, gorums.Responses.async_majority, gorums.Responses.collect_quorum):
        call: Any = write_qc(five.config, WriteRequest(key="k"))
        with pytest.raises(
            gorums.ConfigurationError, match=r"proto.Storage.WriteQC cannot be hedged.*idempotency_level"
        ):
            await within(end(call, hedge=1))
    mistakes: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"first": [1]}, ValueError, "it takes hedge="),
        ({"hedge": 0}, ValueError, "more than 0"),
        ({"hedge": math.nan}, ValueError, "more than 0"),
        ({"hedge": "95"}, ValueError, '"p95"'),
        ({"hedge": "p100"}, ValueError, '"p95"'),
        ({"hedge": [1]}, TypeError, '"p95"'),
        ({"hedge": 1, "first": "abc"}, TypeError, "list of nodes"),
        ({"hedge": 1, "first": 3}, TypeError, "several nodes"),
    ]
    for options, kind, text in mistakes:
        with pytest.raises(kind, match=text):
            await within(ask(five.config, Text(text="x")).majority(**options))
    with pytest.raises(gorums.IncompleteError, match="5 nodes"):
        await within(ask(five.config, Text(text="x")).threshold(6, hedge=1))
    await within(ask(five.config, Text(text="fence")).all())
    assert seen(five, "x") == []
