"""What a node tells about itself."""

import asyncio

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, connected, scripted
from tests.support.waiting import until, within


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("localhost:1", "localhost", 1),
        ("node-1.example.org:65535", "node-1.example.org", 65535),
        ("[::1]:8080", "::1", 8080),
    ],
)
async def test_address(address: str, host: str, port: int) -> None:
    """Rows: 176."""
    async with gorums.connect({7: address}) as config:
        node = config[0]
        assert (node.id, node.address, node.host, node.port) == (7, address, host, port)
        assert not node.is_inbound
        assert "7" in repr(node)
        assert address in repr(node)


async def test_a_fresh_node(one: Cluster[ScriptedCalls]) -> None:
    """Rows: 177."""
    node = one.node
    assert (node.latency, node.last_error, node.pending, node.connected) == (None, None, 0, True)


async def test_latency_is_measured_by_replies(one: Cluster[ScriptedCalls]) -> None:
    """Rows: 177."""
    await within(echo(one.node, Text(text="ok")))
    assert one.node.latency is not None
    assert 0 < one.node.latency < 10


async def test_latency_is_not_measured_by_errors_and_one_way_calls(one: Cluster[ScriptedCalls]) -> None:
    """Rows: 178."""
    with pytest.raises(gorums.StatusError):
        await within(echo(one.node, Text(text="fail")))
    await within(note(one.node, Text(text="ok")))
    assert one.node.latency is None


async def test_latency_follows_slowly(one: Cluster[ScriptedCalls]) -> None:
    """Rows: 177."""
    await within(echo(one.node, Text(text="ok")))
    before = one.node.latency
    assert before is not None
    start = asyncio.get_running_loop().time()
    slow = echo(one.node, Text(text="hold:x"))
    await one.service.gates["x"].arrivals()
    held_for = 0.1
    await asyncio.sleep(held_for)
    one.service.gates["x"].open()
    await within(slow)
    took = asyncio.get_running_loop().time() - start
    # A fifth of what is new, four fifths of what was.
    assert one.node.latency is not None
    assert 0.8 * before + 0.2 * held_for <= one.node.latency <= 0.8 * before + 0.2 * took


async def test_pending_counts_calls_in_flight(three: Cluster[ScriptedCalls]) -> None:
    calls = [echo(three.node, Text(text="hold-free:x")) for _ in range(3)]
    quorum = ask(three.config, Text(text="hold-free:x")).async_all()
    assert [node.pending for node in three.config] == [4, 1, 1]
    for service in three:
        service.gates["x"].open()
    for call in (*calls, quorum):
        await within(call)
    assert [node.pending for node in three.config] == [0, 0, 0]


async def test_one_way_calls_are_not_pending(one: Cluster[ScriptedCalls]) -> None:
    for _ in range(100):
        await within(note(one.node, Text(text="ok")))
    assert one.node.pending == 0


async def test_a_node_that_goes_down_shows_it() -> None:
    async with scripted(1) as cluster, connected(cluster.addresses) as config:
        await cluster.servers[0].stop()
        await until(lambda: not config[0].connected, "the node is not connected")
        await until(lambda: config[0].last_error is not None, "the node has an error")
        assert isinstance(config[0].last_error, Exception)
