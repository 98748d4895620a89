"""Correctables: a result that gets better, with levels to wait for."""

import asyncio
import contextlib
import sys

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.waiting import turns, until, within

Correctable = gorums.Correctable[Text]


async def finished(correctable: Correctable) -> tuple[Text | None, int, Exception | None]:
    """The final state, which `wait` returns even if the call has failed."""
    final = await within(correctable.wait())
    assert correctable.done
    assert correctable.get() == final
    return final


async def test_before_the_first_reply(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 228."""
    correctable = ask(three.config, Text(text="silent")).correctable(2)
    assert correctable.get() == (None, gorums.LEVEL_NOT_SET, None)
    assert gorums.LEVEL_NOT_SET == -1
    assert not correctable.done
    correctable.cancel()


@pytest.mark.parametrize("threshold", [1, 2, 3])
async def test_it_is_done_at_its_threshold(three: Cluster[ScriptedCalls], threshold: int) -> None:
    """Rows: 231, 233."""
    reply, level, error = await finished(ask(three.config, Text(text="x")).correctable(threshold))
    assert reply is not None
    assert reply.text == "x"
    assert (level, error) == (threshold, None)
    assert [node.pending for node in three.config] == [0, 0, 0]


async def test_levels_come_one_by_one(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 228, 229."""
    correctable = ask(three.config, Text(text="hold-free:x")).correctable(3)
    for level, service in enumerate((three.services[1], three.services[2], three.services[0]), start=1):
        watching = asyncio.create_task(correctable.watch(level))
        await service.gates["x"].arrivals()
        await turns()
        assert not watching.done()
        assert correctable.done is False
        service.gates["x"].open()
        reply, reached, error = await within(watching)
        assert reply is not None
        assert (reply.number, reached, error) == (service.number, level, None)
        assert correctable.get() == (reply, reached, error)
    assert correctable.done


async def test_watching_a_level_that_was_reached(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 229."""
    correctable = ask(three.config, Text(text="ok ok hold-free:x")).correctable(3)
    await within(correctable.watch(2))
    for level in (-1, 0, 1, 2):
        assert (await within(correctable.watch(level)))[1] == 2
    three.services[2].gates["x"].open()
    await within(correctable.wait())


async def test_each_watcher_is_woken_once_and_none_holds_up_another(three: Cluster[ScriptedCalls]) -> None:
    correctable = ask(three.config, Text(text="hold-free:x")).correctable(3)
    woken: list[str] = []

    async def watch(name: str, level: int) -> None:
        assert (await correctable.watch(level))[1] >= level
        woken.append(name)

    names = ("third", 3), ("first", 1), ("left", 2), ("second", 2), ("first again", 1)
    tasks = {name: asyncio.create_task(watch(name, level)) for name, level in names}
    ended = asyncio.create_task(correctable.wait())
    await turns()
    tasks["left"].cancel()
    await turns()
    assert sorted(correctable._waiters.values()) == [1, 1, 2, 3, sys.maxsize]
    for service, expected in zip(three.services, (["first", "first again"], ["second"], ["third"]), strict=True):
        await service.gates["x"].arrivals()
        service.gates["x"].open()
        await until(lambda: bool(woken), "the watchers")
        assert woken == expected
        woken.clear()
    assert await within(ended) == correctable.get()
    assert correctable._waiters == {}
    assert tasks["left"].cancelled()


async def test_watching_a_level_that_is_never_reached(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 229, 230."""
    correctable = ask(three.config, Text(text="x")).correctable(2)
    early = asyncio.create_task(correctable.watch(5))
    await turns()
    await finished(correctable)
    assert (await within(early))[1] == 2
    assert (await within(correctable.watch(100)))[1] == 2


async def test_many_watchers(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 229."""
    correctable = ask(three.config, Text(text="hold-free:x")).correctable(3)
    watchers = [asyncio.create_task(correctable.watch(level)) for level in (1, 1, 2, 3, 3)]
    for service in three:
        service.gates["x"].open()
    for watcher, level in zip(watchers, (1, 1, 2, 3, 3), strict=True):
        assert (await within(watcher))[1] >= level


async def test_a_watcher_that_gives_up_harms_nobody(three: Cluster[ScriptedCalls]) -> None:
    correctable = ask(three.config, Text(text="hold-free:x")).correctable(3)
    with pytest.raises(TimeoutError):
        await within(correctable.watch(1), 0.02)
    with pytest.raises(TimeoutError):
        await within(correctable.wait(), 0.02)
    for service in three:
        service.gates["x"].open()
    assert (await finished(correctable))[1] == 3


async def test_iterating_over_the_levels(three: Cluster[ScriptedCalls]) -> None:
    correctable = ask(three.config, Text(text="hold-free:x")).correctable(3)
    levels = []
    three.services[2].gates["x"].open()
    async with asyncio.timeout(10):
        async for reply, level in correctable:
            levels.append((level, reply.number))
            if level == 1:
                three.services[0].gates["x"].open()
            if level == 2:
                three.services[1].gates["x"].open()
    assert levels == [(1, 3), (2, 1), (3, 2)]


async def test_iterating_when_it_is_done_gives_the_final_reply(three: Cluster[ScriptedCalls]) -> None:
    correctable = ask(three.config, Text(text="x")).correctable(3)
    final, level, _ = await finished(correctable)
    async with asyncio.timeout(10):
        seen = [item async for item in correctable]
    assert seen[-1] == (final, level)


async def test_leaving_the_iteration_keeps_the_call(three: Cluster[ScriptedCalls]) -> None:
    correctable = ask(three.config, Text(text="ok hold-free:x hold-free:x")).correctable(3)
    async with asyncio.timeout(10):
        async for _, level in correctable:
            assert level == 1
            break
    for service in three:
        service.gates["x"].open()
    assert (await finished(correctable))[1] == 3


async def test_the_iteration_ends_with_a_call_that_fails(three: Cluster[ScriptedCalls]) -> None:
    correctable = ask(three.config, Text(text="hold-free:x fail fail")).correctable(3)
    three.service.gates["x"].open()
    levels = []
    with contextlib.suppress(gorums.IncompleteError):  # it may say why, or leave that to `get`
        async with asyncio.timeout(10):
            levels = [level async for _, level in correctable]
    assert levels in ([], [1])
    assert isinstance(correctable.get()[2], gorums.IncompleteError)


async def test_failures_do_not_raise_the_level(three: Cluster[ScriptedCalls]) -> None:
    reply, level, error = await finished(ask(three.config, Text(text="fail ok ok")).correctable(2))
    assert reply is not None
    assert (level, error) == (2, None)


async def test_it_is_over_when_the_threshold_cannot_be_reached(three: Cluster[ScriptedCalls]) -> None:
    correctable = ask(three.config, Text(text="ok fail fail")).correctable(2)
    reply, level, error = await finished(correctable)
    assert reply is None or reply.number == 1
    assert level <= 1
    assert isinstance(error, gorums.IncompleteError)
    assert set(error.node_errors) == {2, 3}
    assert (await within(correctable.watch(2)))[2] is error


async def test_no_success_at_all(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 232."""
    reply, level, error = await finished(ask(three.config, Text(text="fail")).correctable(1))
    assert reply is None
    assert level <= 0
    assert isinstance(error, gorums.IncompleteError)
    assert set(error.node_errors) == {1, 2, 3}


async def test_a_failure_that_nobody_looks_at_is_quiet(three: Cluster[ScriptedCalls]) -> None:
    correctable = ask(three.config, Text(text="fail")).correctable(1)
    await until(lambda: correctable.done)


async def test_the_time_is_up(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 232."""
    correctable = ask(three.config, Text(text="ok silent silent"), timeout=0.25).correctable(2)
    reply, level, error = await finished(correctable)
    assert reply is not None
    assert (reply.number, level) == (1, 1)
    assert isinstance(error, gorums.QuorumTimeoutError)
    assert isinstance(error, TimeoutError)
    assert set(error.node_errors) == {2, 3}
    assert [node.pending for node in three.config] == [0, 0, 0]


async def test_cancelling(three: Cluster[ScriptedCalls]) -> None:
    correctable = ask(three.config, Text(text="ok silent silent")).correctable(2)
    await within(correctable.watch(1))
    watching = asyncio.create_task(correctable.watch(2))
    await turns()
    correctable.cancel()
    await turns()
    assert correctable.done
    assert [node.pending for node in three.config] == [0, 0, 0]
    assert watching.done()
    watching.cancelled() or watching.exception()
    correctable.cancel()
    assert (await within(ask(three.config, Text(text="after")).all())).text == "after"


async def test_a_stream_of_one_node_raises_the_level_alone(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 227, 233."""
    correctable = follow(three.config, Text(text="ok silent silent", number=5)).correctable(5)
    reply, level, error = await finished(correctable)
    assert reply is not None
    assert (reply.number, level, error) == (5, 5, None)


async def test_levels_count_the_replies_of_all_nodes(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 227."""
    _, level, error = await finished(follow(three.config, Text(text="x", number=4)).correctable(12))
    assert (level, error) == (12, None)
    assert [node.pending for node in three.config] == [0, 0, 0]


async def test_the_end_of_all_streams_is_the_end(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 235."""
    reply, level, error = await finished(follow(three.config, Text(text="x", number=2)).correctable(7))
    assert reply is not None
    assert level == 6
    assert isinstance(error, gorums.IncompleteError)
    assert not isinstance(error, TimeoutError)


async def test_a_correctable_that_is_done_hears_no_more(one: Cluster[ScriptedCalls]) -> None:
    correctable = follow(one.config, Text(text="hold-free:x", number=5)).correctable(2)
    one.service.gates["x"].open()
    final = await finished(correctable)
    await within(echo(one.node, Text(text="fence")))
    assert correctable.get() == final
    assert one.node.pending == 0


async def test_a_correctable_that_nobody_keeps_is_quiet(three: Cluster[ScriptedCalls]) -> None:
    follow(three.config, Text(text="x", number=3)).correctable(9)
    for service in three:
        await service.has_seen("x")
    await until(lambda: not any(node.pending for node in three.config))
