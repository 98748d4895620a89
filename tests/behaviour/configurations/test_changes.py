"""Being told who gets connected and who is lost."""

import asyncio
import gc
import weakref

import pytest

import pygorums as gorums
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, Cluster, connected, serving
from tests.support.nowhere import NOWHERE, unreachable
from tests.support.waiting import turns, until, within

Change = gorums.NodeChange[gorums.Node]


async def following(changes: gorums.Changes[gorums.Node]) -> Change:
    return await within(anext(changes))


def told(change: Change) -> tuple[type[Change], int]:
    return type(change), change.node_id


async def test_nodes_come_up_and_go_down_and_up_again() -> None:
    async with serving(ScriptedCalls()) as address:
        config = gorums.connect([address], backoff=QUICK)
        changes = config.changes()
        assert await following(changes) == gorums.NodeUp(config[0])
    down = await following(changes)
    assert isinstance(down, gorums.NodeDown)
    assert (down.node, down.node_id) == (config[0], 1)
    assert isinstance(down.reason, gorums.StatusError)
    assert address in str(down.reason)
    async with serving(ScriptedCalls(), address):
        assert told(await following(changes)) == (gorums.NodeUp, 1)
    await config.close()
    assert changes.missed == 0


async def test_what_happened_before_is_not_told(three: Cluster[ScriptedCalls]) -> None:
    changes = three.config.changes()
    assert [node.connected for node in three.config] == [True] * 3
    await within(three.servers[1].stop())
    assert told(await following(changes)) == (gorums.NodeDown, 2)


async def test_a_node_that_was_never_there_is_told_once() -> None:
    async with gorums.connect([NOWHERE[0]], backoff=QUICK) as config:
        changes = config.changes()
        down = await following(changes)
        assert isinstance(down, gorums.NodeDown)
        assert "cannot connect" in str(down.reason)
        again = asyncio.ensure_future(anext(changes))
        await until(lambda: not config[0].connected and config[0].last_error is not None)
        await asyncio.wait({again}, timeout=0.1)  # in which it is tried again and again
        assert not again.done()
        again.cancel()


async def test_only_of_the_nodes_of_the_configuration_and_of_new_ones(three: Cluster[ScriptedCalls]) -> None:
    async with connected(three.addresses[:2]) as config:
        first, both = config[:1].changes(), config.changes()
        await within(three.servers[1].stop())
        assert told(await following(both)) == (gorums.NodeDown, 2)
        config.extend(three.addresses[2:])
        for changes in (first, both):
            assert told(await following(changes)) == (gorums.NodeAdded, 3)
            assert told(await following(changes)) == (gorums.NodeUp, 3)


async def test_to_be_cancelled_loses_none(three: Cluster[ScriptedCalls]) -> None:
    changes = three.config.changes()
    waiting = asyncio.ensure_future(anext(changes))
    await turns()
    waiting.cancel()
    await asyncio.wait({waiting})
    await within(three.servers[0].stop())
    assert told(await following(changes)) == (gorums.NodeDown, 1)


async def test_it_ends_with_the_configuration_once_all_is_told(one: Cluster[ScriptedCalls]) -> None:
    async with connected(one.addresses) as config:
        ended = config.changes()
        waiting = asyncio.ensure_future(anext(ended))
        await turns()
        behind = config.changes()
        await within(one.servers[0].stop())
        await within(waiting)
        waiting = asyncio.ensure_future(anext(ended))
        await turns()
    with pytest.raises(StopAsyncIteration):
        await within(waiting)
    assert [told(change) async for change in behind] == [(gorums.NodeDown, 1)]
    assert [change async for change in config.changes()] == []


async def test_a_reader_may_leave() -> None:
    async with unreachable(1) as config:
        changes = config.changes()
        waiting = asyncio.ensure_future(anext(changes))
        await turns()
        await changes.aclose()
        with pytest.raises(StopAsyncIteration):
            await within(waiting)
        assert [change async for change in changes] == []


async def test_a_reader_that_is_forgotten_is_gone() -> None:
    async with unreachable(1) as config:
        gone = weakref.ref(config.changes())
        gc.collect()
        assert gone() is None
