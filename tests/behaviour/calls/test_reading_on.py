"""Whoever gives up waiting for the next item of an iteration can ask for it later: none vanishes."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, follow
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.waiting import turns, until, within

HELD = Text(text="hold-free:x", number=1)


async def passing(
    call: gorums.Call[Text, Text], responses: AsyncIterator[gorums.NodeResponse[Text]]
) -> AsyncIterator[gorums.NodeResponse[Text]]:
    async for response in responses:
        yield response


CHAIN: list[Any] = [passing, passing]

# What gives three items, one for each node.
ITERATIONS: dict[str, Callable[[gorums.Configuration], AsyncIterator[Any]]] = {
    "responses": lambda config: aiter(ask(config, HELD)),
    "a filter": lambda config: ask(config, HELD).ignore_errors().filter(lambda r: True),
    "streaming": lambda config: aiter(follow(config, HELD)),
    "intercepted": lambda config: aiter(ask(config, HELD, interceptors=CHAIN)),
    "correctable": lambda config: aiter(ask(config, HELD).correctable(3)),
    "intercepted correctable": lambda config: aiter(follow(config, HELD, interceptors=CHAIN).correctable(3)),
}


async def gives_up(iterator: AsyncIterator[Any]) -> None:
    with pytest.raises(TimeoutError):
        await within(anext(iterator), 0.01)


@pytest.mark.parametrize("name", ITERATIONS)
async def test_none_vanishes(three: Cluster[ScriptedCalls], name: str) -> None:
    iterator = ITERATIONS[name](three.config)
    for service in three:
        await gives_up(iterator)
        await gives_up(iterator)
        service.gates["x"].open()
        await within(anext(iterator))
    with pytest.raises(StopAsyncIteration):
        await within(anext(iterator))
    assert [node.pending for node in three.config] == [0, 0, 0]


@pytest.mark.parametrize("name", [name for name in ITERATIONS if "correctable" not in name])
async def test_who_leaves_forgets_the_call(three: Cluster[ScriptedCalls], name: str) -> None:
    """The last who knows of an iteration ends it, although its cancellation is still being handled."""

    async def read() -> None:
        async for _ in ITERATIONS[name](three.config):
            pass

    try:
        await within(read(), 0.05)
    except TimeoutError:
        assert [node.pending for node in three.config] == [0, 0, 0]
    else:
        pytest.fail("nobody has answered")


async def test_a_watch_goes_on(three: Cluster[ScriptedCalls]) -> None:
    """Also if it is never waited for as long as its interval."""
    config = three.config
    order = [config, config[::-1]]
    watch = config.watch(0.03, lambda c: order[0])
    assert await within(anext(watch)) == config
    order.pop(0)
    for _ in range(200):
        try:
            newest = await within(anext(watch), 0.01)
        except TimeoutError:
            continue
        assert newest == config[::-1]
        return
    pytest.fail("the change was never told")


COLLECTING: list[Callable[[Any], Awaitable[Any]]] = [
    lambda sequence: sequence.collect_all(),
    lambda sequence: sequence.collect_n(3),
    lambda sequence: sequence.collect_quorum(3),
    lambda sequence: sequence.aggregate(lambda replies: None),
]


async def test_collecting_says_that_it_was_cancelled(three: Cluster[ScriptedCalls]) -> None:
    """What it had read is lost, so reading on would miss replies."""
    for collect in COLLECTING:
        sequence = ask(three.config, Text(text="ok silent ok")).results()
        with pytest.raises(TimeoutError):
            await within(collect(sequence), 0.05)
        with pytest.raises(RuntimeError, match=r"calls\.Calls\.Ask was cancelled, and the call forgotten"):
            await within(anext(sequence))
        assert [node.pending for node in three.config] == [0, 0, 0]


async def test_two_readers_at_once(three: Cluster[ScriptedCalls]) -> None:
    for chain in ([], CHAIN):
        sequence = ask(three.config, HELD, interceptors=chain).results()
        reading = asyncio.create_task(within(anext(sequence)))
        await turns()
        with pytest.raises(RuntimeError, match="being read by another task"):
            await within(anext(sequence))
        three.service.gates["x"].let()
        await reading
        await within(sequence.aclose())
        for service in three.services[1:]:
            service.gates["x"].let()


@pytest.mark.parametrize("chain", [[], CHAIN])
async def test_a_second_reader_takes_nothing_from_the_first(three: Cluster[ScriptedCalls], chain: list[Any]) -> None:
    sequence = ask(three.config, HELD, interceptors=chain).results()
    reading = asyncio.create_task(within(sequence.collect_all()))
    await turns()
    for collect in COLLECTING:
        with pytest.raises(RuntimeError, match="being read by another task"):
            await within(collect(sequence))
    for service in three.services:
        service.gates["x"].let()
    assert sorted(await reading) == [1, 2, 3]


async def test_an_abandoned_step_of_interceptors_is_ended(three: Cluster[ScriptedCalls]) -> None:
    """Whatever they wait for, and without a word of asyncio's about it."""
    ended = asyncio.Event()

    async def waiting(
        call: gorums.Call[Text, Text], responses: AsyncIterator[gorums.NodeResponse[Text]]
    ) -> AsyncIterator[gorums.NodeResponse[Text]]:
        try:
            async for response in responses:
                await asyncio.get_running_loop().create_future()
                yield response
        finally:
            ended.set()

    sequence = ask(three.config, Text(text="x"), interceptors=[waiting]).results()
    await gives_up(sequence)
    del sequence
    gc.collect()
    await within(ended.wait())
    await until(lambda: not any(node.pending for node in three.config))
