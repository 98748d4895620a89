"""Nodes that are removed for good."""

import asyncio

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, Cluster, connected
from tests.support.nowhere import NOWHERE, unreachable
from tests.support.waiting import turns, within


async def test_calls_to_it_fail_and_others_notice_nothing(three: Cluster[ScriptedCalls]) -> None:
    config, everybody = three.config, Text(text="hold-free:x")
    pending, alone = ask(config, everybody).async_all(), echo(config[2], everybody)
    others = ask(config[:2], everybody).async_all()
    for service in three:
        await service.has_seen_count(2)
    changes = config.changes()
    removing = asyncio.ensure_future(config.remove_node(3))
    with pytest.raises(gorums.NodeClosedError, match=f"{three.addresses[2]} was removed from the configuration"):
        await within(alone)
    with pytest.raises(gorums.IncompleteError) as incomplete:
        await within(pending)
    assert isinstance(incomplete.value.node_errors[3], gorums.NodeClosedError)
    assert not others.done()
    for service in three:
        service.open_all()
    assert (await within(others)).text == everybody.text
    await within(removing)
    assert await within(anext(changes)) == gorums.NodeRemoved(config[2])


async def test_derived_configurations_stay_valid(three: Cluster[ScriptedCalls]) -> None:
    config, before = three.config, three.config[1:]
    removed = config[2]
    await within(config.remove_node(3))
    assert (await within(ask(config, Text(text="x")).majority())).text == "x"
    with pytest.raises(gorums.IncompleteError):
        await within(ask(before, Text(text="x")).all())
    with pytest.raises(gorums.NodeClosedError):
        await within(echo(removed, Text()))
    with pytest.raises(gorums.SendError):
        await within(spread(config, Text(text="x")))
    assert (removed.connected, removed in config, config.remove(2).node_ids) == (False, True, (1, 3))
    with pytest.raises(gorums.ConfigurationError, match="there is no node 3"):
        config[:1].add(3)
    with pytest.raises(gorums.NodeClosedError, match="of 3, 3 was removed"):
        await within(config.wait_connected())
    await within(config.wait_connected(2))


async def test_what_was_sent_arrives(one: Cluster[ScriptedCalls]) -> None:
    async with connected(one.addresses) as config:
        sent = [note(config[0], Text(text=str(number))) for number in range(100)]
        await within(config.remove_node(1))
        await within(asyncio.gather(*sent))
    await one.service.has_seen_count(100)


async def test_who_waits_for_it_hears_of_it() -> None:
    async with unreachable(2) as config:
        waiting = asyncio.ensure_future(config[1].wait_connected())
        await turns()
        await within(config.remove_node(2))
        with pytest.raises(gorums.NodeClosedError):
            await within(waiting)


async def test_its_id_and_address_are_free(three: Cluster[ScriptedCalls]) -> None:
    async with gorums.connect({1: three.addresses[0], 3: NOWHERE[0]}, backoff=QUICK) as config:
        changes = config.changes()
        await within(config.remove_node(3))
        again = config.extend({3: three.addresses[1], 7: three.addresses[2]})
        await again.wait_connected(timeout=10)
        assert (await within(echo(again.node(3), Text()))).number == 2
        assert config[1] != again.node(3)
        kinds: list[type[gorums.NodeChange[gorums.Node]]] = []
        while gorums.NodeUp not in kinds:
            change = await within(anext(changes))
            kinds += [type(change)] if change.node_id == 3 else []
        assert kinds[-3:] == [gorums.NodeRemoved, gorums.NodeAdded, gorums.NodeUp]


async def test_who_is_cancelled_meanwhile_only_leaves(one: Cluster[ScriptedCalls]) -> None:
    async with connected(one.addresses) as config:
        held = echo(config[0], Text(text="hold:x"))
        await one.service.has_seen("hold:x")
        removing = asyncio.ensure_future(config.remove_node(1))
        await turns(2)
        removing.cancel()
        with pytest.raises(gorums.NodeClosedError):
            await within(held)
        one.service.open_all()
        assert config[0].channel.closed
    assert [each for each in asyncio.all_tasks() if "removed" in each.get_name()] == []


async def test_nodes_that_cannot_be_removed() -> None:
    async with unreachable(1) as config:
        with pytest.raises(gorums.ConfigurationError, match="there is no node 2"):
            await config.remove_node(2)
        await within(config.remove_node(1))
        with pytest.raises(gorums.ConfigurationError, match="there is no node 1"):
            await config.remove_node(1)
    async with gorums.Server(ScriptedCalls(), address="127.0.0.1:0", node_id=1) as server:
        with pytest.raises(gorums.ConfigurationError, match=r"Server\.reconfigure"):
            await server.config().remove_node(1)
