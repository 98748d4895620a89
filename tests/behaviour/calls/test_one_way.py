"""Unicast and multicast: messages that get no reply."""

import asyncio

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, connected
from tests.support.waiting import until, within

MANY = 200


async def test_a_unicast_reaches_its_node_only(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 192."""
    call = note(three.config[1], Text(text="hello"))
    assert isinstance(call, asyncio.Future)
    assert await within(call) is None  # type: ignore[func-returns-value]  # that it returns None is the point
    await three.services[1].has_seen("hello")
    assert three.services[0].seen == three.services[2].seen == []


async def test_a_multicast_reaches_every_node(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 192."""
    call = spread(three.config, Text(text="hello"))
    assert isinstance(call, asyncio.Future)
    assert await within(call) is None  # type: ignore[func-returns-value]  # that it returns None is the point
    for service in three:
        await service.has_seen("hello")


async def test_a_multicast_to_a_part(three: Cluster[ScriptedCalls]) -> None:
    await within(spread(three.config[::2], Text(text="part")))
    await within(spread(three.config, Text(text="all")))
    for service in three:
        await service.has_seen("all")
    assert [service.seen for service in three] == [["part", "all"], ["all"], ["part", "all"]]


async def test_each_message_is_delivered_once_and_in_order(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 194."""
    for n in range(MANY):
        spread(three.config, Text(text=f"m{n}"))
        note(three.config[0], Text(text=f"u{n}"))
    for service in three:
        await service.has_seen(f"m{MANY - 1}")
    await three.service.has_seen(f"u{MANY - 1}")
    assert three.services[0].seen == [f"{kind}{n}" for n in range(MANY) for kind in "mu"]
    assert three.services[1].seen == three.services[2].seen == [f"m{n}" for n in range(MANY)]


async def test_awaiting_does_not_wait_for_the_handler(one: Cluster[ScriptedCalls]) -> None:
    """Rows: 192."""
    await within(note(one.node, Text(text="hold:x")))
    await within(spread(one.config, Text(text="hold:x")))
    assert one.node.pending == 0


@pytest.fixture
async def one_down(three: Cluster[ScriptedCalls]) -> Cluster[ScriptedCalls]:
    """Three servers of which the second has gone."""
    await three.servers[1].stop()
    await until(lambda: not three.config[1].connected)
    return three


async def test_a_unicast_to_a_node_that_is_down(one_down: Cluster[ScriptedCalls]) -> None:
    node = one_down.config[1]
    with pytest.raises(gorums.SendError) as error:
        await within(note(node, Text(text="x")))
    assert list(error.value.node_errors) == [node.id]
    assert node.address in str(error.value)


async def test_a_multicast_with_a_node_that_is_down(one_down: Cluster[ScriptedCalls]) -> None:
    """Rows: 195."""
    with pytest.raises(gorums.SendError) as error:
        await within(spread(one_down.config, Text(text="x")))
    assert list(error.value.node_errors) == [2]
    assert isinstance(error.value.node_errors[2], gorums.StatusError)
    for service in (one_down.services[0], one_down.services[2]):
        await service.has_seen("x")


async def test_errors_can_be_ignored(one_down: Cluster[ScriptedCalls]) -> None:
    """Rows: 193."""
    await within(note(one_down.config[1], Text(text="u"), ignore_errors=True))
    await within(spread(one_down.config, Text(text="m"), ignore_errors=True))
    for service in (one_down.services[0], one_down.services[2]):
        await service.has_seen("m")


async def test_ignored_errors_of_calls_that_nobody_awaits(one_down: Cluster[ScriptedCalls]) -> None:
    """Without `ignore_errors` asyncio would report the error, and so fail this test.

    Rows: 193.
    """
    note(one_down.config[1], Text(text="u"), ignore_errors=True)
    spread(one_down.config, Text(text="m"), ignore_errors=True)
    await one_down.service.has_seen("m")


async def test_a_message_too_large_for_the_buffer(three: Cluster[ScriptedCalls]) -> None:
    async with connected(three.addresses, send_buffer=1 << 20) as config:
        with pytest.raises(gorums.SendError) as error:
            await within(spread(config, Text(data=bytes(2 << 20))))
        assert sorted(error.value.node_errors) == [1, 2, 3]
        await within(spread(config, Text(text="small")))
        for service in three:
            await service.has_seen("small")
        assert [service.seen for service in three] == [["small"]] * 3


async def test_what_was_sent_before_closing_arrives(
    three: Cluster[ScriptedCalls], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pygorums.streams.outbound.CLOSE_GRACE", 10)  # whatever else the machine does
    async with connected(three.addresses) as config:
        for n in range(100):  # closing waits for a limited time
            spread(config, Text(text=str(n)), ignore_errors=True)
    for service in three:
        await service.has_seen_count(100)
        assert service.seen == [str(n) for n in range(100)]


async def test_awaiting_is_a_brake(one: Cluster[ScriptedCalls]) -> None:
    """Far more than the buffer holds can be sent, as long as each message is awaited."""
    async with connected(one.addresses, send_buffer=1 << 20) as config:
        for n in range(40):
            await within(note(config[0], Text(text=str(n), data=bytes(200_000))))
        await one.service.has_seen("39")
    assert one.service.seen == [str(n) for n in range(40)]
