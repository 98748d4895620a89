"""The latency estimate of a node, and sorting by it and by other keys."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, connected, scripted
from tests.support.nowhere import unreachable
from tests.support.waiting import until, within


def measured(config: gorums.Configuration, *latencies: float | None) -> None:
    """Sets the estimates of nodes, in order."""
    for node, latency in zip(config, latencies, strict=True):
        node.channel.pending.latency = latency


@pytest.mark.parametrize("decided_early", [False, True])
async def test_every_node_that_replies_is_measured(three: Cluster[ScriptedCalls], decided_early: bool) -> None:
    """Also by replies that came too late to count.

    Rows: 177, 178.
    """
    responses = ask(three.config, Text(text="ok"))
    await within(responses.first() if decided_early else responses.all())
    await until(lambda: all(node.latency is not None for node in three.config))
    assert all(0 < (node.latency or 0) < 10 for node in three.config)


Call = Callable[[gorums.Configuration], Awaitable[object]]

TWO_WAY: dict[str, Call] = {
    "rpc": lambda config: echo(config[0], Text(text="ok")),
    "quorum call": lambda config: ask(config, Text(text="ok")).all(),
    "async": lambda config: ask(config, Text(text="ok")).async_all(),
    "iterated": lambda config: ask(config, Text(text="ok")).collect_all(),
    "correctable": lambda config: ask(config, Text(text="ok")).correctable(1).wait(),
    "streaming": lambda config: follow(config, Text(text="ok", number=2)).collect_all(),
    "with interceptors": lambda config: ask(config, Text(text="ok"), interceptors=[gorums.map_request(same)]).all(),
}
UNMEASURED: dict[str, Call] = {
    "unicast": lambda config: note(config[0], Text(text="ok")),
    "multicast": lambda config: spread(config, Text(text="ok")),
    "error": lambda config: ask(config, Text(text="fail")).collect_all(),
    "streaming error": lambda config: follow(config, Text(text="fail", number=1)).collect_all(),
    "streaming without replies": lambda config: follow(config, Text(text="ok")).collect_all(),
}


def same(request: Text, node: gorums.Node) -> Text:
    return request


@pytest.mark.parametrize("name", TWO_WAY)
async def test_which_calls_measure(one: Cluster[ScriptedCalls], name: str) -> None:
    """Rows: 178."""
    assert one.node.latency is None
    await within(TWO_WAY[name](one.config))
    assert one.node.latency is not None


@pytest.mark.parametrize("name", UNMEASURED)
async def test_which_calls_do_not(one: Cluster[ScriptedCalls], name: str) -> None:
    """Rows: 178."""
    await within(UNMEASURED[name](one.config))
    await one.service.has_seen_count(1)
    assert one.node.latency is None


@pytest.mark.parametrize("name", TWO_WAY)
async def test_the_own_node_is_measured_like_any_other(name: str) -> None:
    server = gorums.Server(ScriptedCalls(), node_id=1)
    async with connected(["127.0.0.1:9"], server=server) as config:
        assert config[0].latency is None
        await within(TWO_WAY[name](config))
        assert config[0].latency is not None
    await server.stop()


async def test_each_reply_of_a_stream_counts_from_the_request(one: Cluster[ScriptedCalls]) -> None:
    """Rows: 178."""
    loop = asyncio.get_running_loop()
    replies = aiter(follow(one.config, Text(text="hold-free:x", number=2)).results())
    reading = asyncio.ensure_future(anext(replies))
    gate = one.service.gates["x"]
    await gate.arrivals()
    sent_before = loop.time()
    await asyncio.sleep(0.03)  # what a measurement from the first reply on would miss
    gate.let()
    await within(reading)
    first = one.node.latency
    assert first is not None
    assert first >= 0.03
    reading = asyncio.ensure_future(anext(replies))
    await gate.arrivals()
    at_least = loop.time() - sent_before
    gate.let()
    await within(reading)
    assert one.node.latency is not None
    assert one.node.latency >= 0.8 * first + 0.2 * at_least
    await replies.aclose()


async def test_the_keys() -> None:
    """Rows: 179."""
    async with unreachable(2) as config:
        node = config[1]
        assert gorums.node_id(node) == 2
        assert gorums.latency(node) > 1e300
        measured(config, None, 0.25)
        assert gorums.latency(node) == 0.25
        await until(lambda: node.last_error is not None)
        assert gorums.last_error(node)
    async with scripted(1) as cluster:
        assert not gorums.last_error(cluster.node)


@pytest.mark.parametrize(
    ("latencies", "order"),
    [
        ((0.5, 0.1, 0.3), [2, 3, 1]),
        ((0.5, None, 0.3), [3, 1, 2]),
        ((None, None, 0.3), [3, 1, 2]),
        ((None, None, None), [1, 2, 3]),
        ((0.2, 0.2, 0.1), [3, 1, 2]),
    ],
)
async def test_sorting_by_latency(latencies: tuple[float | None, ...], order: list[int]) -> None:
    """Nodes without an estimate come last; equal ones keep their order, and the original stays as it was.

    Rows: 157, 177, 179, 180.
    """
    async with unreachable(3) as config:
        measured(config, *latencies)
        ordered = config.sort_by(gorums.latency)
        assert list(ordered.node_ids) == order
        assert config.node_ids == (1, 2, 3)
        measured(config, *latencies[::-1])
        assert list(ordered.node_ids) == order, "a configuration does not follow its nodes"


async def test_sorting_by_several_keys(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 179, 180."""
    await three.servers[0].stop()
    await until(lambda: three.config[0].last_error is not None)
    measured(three.config, 0.1, 0.3, 0.2)
    assert three.config.sort_by(gorums.latency).node_ids == (1, 3, 2)
    assert three.config.sort_by(gorums.last_error, gorums.latency).node_ids == (3, 2, 1)
    assert three.config.sort_by(gorums.last_error, lambda node: -node.id).node_ids == (3, 2, 1)
    assert three.config.sort_by(lambda node: node.id % 2, gorums.node_id).node_ids == (2, 1, 3)
    assert three.config.sort_by(gorums.latency).sort_by(gorums.node_id) == three.config


async def test_sorting_by_nothing() -> None:
    async with unreachable(1) as config:
        with pytest.raises(ValueError, match="at least one key"):
            config.sort_by()
