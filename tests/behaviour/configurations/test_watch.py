"""Watching what is derived from a configuration."""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import cast

import pytest

import pygorums as gorums
from tests.support.nowhere import unreachable
from tests.support.waiting import turns, within

TICK = 0.001


@asynccontextmanager
async def watching(
    config: gorums.Configuration, changes: "Changes"
) -> AsyncIterator[AsyncGenerator[gorums.Configuration, None]]:
    watch = cast("AsyncGenerator[gorums.Configuration, None]", config.watch(TICK, changes))
    async with aclosing(watch):
        yield watch


class Changes:
    """Derives the configurations that it is told, the last one again and again.

    Attributes:
        looks: how often it was asked.
    """

    def __init__(self, *ids: tuple[int, ...]) -> None:
        self._ids = list(ids)
        self.looks = 0

    def then(self, *ids: int) -> None:
        """From the next look on, something else."""
        self._ids = [ids]

    def __call__(self, config: gorums.Configuration) -> gorums.Configuration:
        self.looks += 1
        ids = self._ids.pop(0) if len(self._ids) > 1 else self._ids[0]
        return config[:0].add(*ids) if list(ids) == sorted(ids) else config[:0].add(*ids)[::-1]


async def test_the_first_result_comes_at_once() -> None:
    """Rows: 181."""
    async with unreachable(3) as config:
        watch = config.watch(3600, lambda c: c[:2])
        assert await within(anext(watch)) == config[:2]


async def test_only_changes_are_told() -> None:
    """Rows: 182."""
    async with unreachable(3) as config:
        changes = Changes((1, 2), (1, 2), (1, 2), (2, 3), (2, 3), (1,))
        async with watching(config, changes) as watch:
            told = [(await within(anext(watch))).node_ids for _ in range(3)]
        assert told == [(1, 2), (2, 3), (1,)]
        assert changes.looks == 6


async def test_another_order_is_a_change() -> None:
    """Rows: 170, 182."""
    async with unreachable(3) as config, watching(config, Changes((1, 2), (2, 1))) as watch:
        assert (await within(anext(watch))).node_ids == (1, 2)
        assert (await within(anext(watch))).node_ids == (2, 1)


async def test_a_change_that_is_undone_is_none() -> None:
    async with unreachable(3) as config:
        changes = Changes((1,))
        async with watching(config, changes) as watch:
            await within(anext(watch))
            following = asyncio.ensure_future(anext(watch))
            await turns(200)
            assert not following.done()
            changes.then(2)
            assert (await within(following)).node_ids == (2,)


async def test_a_slow_reader_gets_the_newest() -> None:
    """What came and went meanwhile is skipped; the newest never is.

    Rows: 185.
    """
    async with unreachable(5) as config:
        changes = Changes((1,))
        async with watching(config, changes) as watch:
            assert (await within(anext(watch))).node_ids == (1,)
            changes.then(2)
            changes.then(3)
            changes.then(4)
            assert (await within(anext(watch))).node_ids == (4,)


async def test_it_ends_with_its_reader() -> None:
    """Nothing is left behind, which the fixtures of this suite see to.

    Rows: 183.
    """
    async with unreachable(3) as config:
        changes = Changes((1,))
        async for part in config.watch(TICK, changes):
            assert part.node_ids == (1,)
            break
        looks = changes.looks
        await turns(50)
        assert changes.looks == looks


async def test_it_ends_when_its_reader_is_cancelled() -> None:
    """Rows: 183."""
    async with unreachable(3) as config:
        told: asyncio.Future[gorums.Configuration] = asyncio.get_running_loop().create_future()

        async def read() -> None:
            async for part in config.watch(3600, lambda c: c):
                told.set_result(part)

        reader = asyncio.create_task(read())
        assert await within(told) == config
        await turns()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await within(reader)


async def test_it_ends_with_the_configuration() -> None:
    """Rows: 183."""
    async with unreachable(3) as config:
        watch = config.watch(3600, lambda c: c)
        await within(anext(watch))
        following = asyncio.ensure_future(anext(watch))
        await turns()
    with pytest.raises(StopAsyncIteration):
        await within(following)
    assert [c async for c in config.watch(3600, lambda c: c)] == [config], "the first result, and then the end"


async def test_what_derive_raises_is_raised() -> None:
    def derive(config: gorums.Configuration) -> gorums.Configuration:
        raise ZeroDivisionError

    async with unreachable(1) as config:
        with pytest.raises(ZeroDivisionError):
            await within(anext(config.watch(TICK, derive)))


@pytest.mark.parametrize("interval", [0, -1, math.nan])
async def test_an_interval_that_is_none(interval: float) -> None:
    """Rows: 184."""
    async with unreachable(1) as config:
        with pytest.raises(ValueError, match=r"the interval must be a (positive|finite) number of seconds"):
            config.watch(interval, lambda c: c)


async def test_nothing_to_derive_with() -> None:
    """Rows: 184."""
    async with unreachable(1) as config:
        with pytest.raises(TypeError, match="function of a configuration"):
            config.watch(1, None)  # type: ignore[arg-type]  # that is the point
