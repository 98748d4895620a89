"""How load is put on, with calls that need no network."""

import asyncio
from collections.abc import Callable

import pytest

from benchmarks.loads.tasks import closed_loop, run_all, window
from tests.support.waiting import within


class Calls:
    """Calls that take a few turns of the loop, and count how many of them are under way."""

    def __init__(self) -> None:
        self.under_way = 0
        self.most = 0
        self.ended = 0

    async def call(self) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        self.ended += 1

    def start(self) -> asyncio.Future[None]:
        return asyncio.ensure_future(self.call())


async def test_as_many_calls_are_under_way_as_there_are_callers() -> None:
    calls = Calls()
    outcome = await within(closed_loop(calls.call, 7, 0.02))
    assert calls.most == 7
    assert calls.under_way == 0
    assert outcome.ops == calls.ended
    assert outcome.elapsed >= 0.02
    assert outcome.latency is not None


async def test_each_caller_calls_once_at_least() -> None:
    calls = Calls()
    outcome = await within(closed_loop(calls.call, 7, 0))
    assert (calls.most, calls.ended, outcome.ops) == (7, 7, 7)


async def test_as_many_calls_are_under_way_as_the_window_is_large() -> None:
    calls = Calls()
    outcome = await within(window(calls.start, 7, 0.02))
    assert calls.most == 7
    assert calls.under_way == 0
    assert outcome.ops == calls.ended
    assert outcome.latency is not None


def failing(after: int) -> Callable[[], asyncio.Future[None]]:
    count = 0

    async def call() -> None:
        nonlocal count
        count += 1
        await asyncio.sleep(0)
        if count > after:
            raise ConnectionError("gone")

    return lambda: asyncio.ensure_future(call())


async def test_a_failed_call_ends_the_callers() -> None:
    with pytest.raises(ConnectionError, match="gone"):
        await within(closed_loop(failing(10), 3, 60))


async def test_a_failed_call_ends_the_window() -> None:
    with pytest.raises(ConnectionError, match="gone"):
        await within(window(failing(10), 3, 60))
    await asyncio.sleep(0.01)  # the others fail too, and are heard


async def test_all_that_run_side_by_side_end_together() -> None:
    ended = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("forever")

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it is the one above
        await within(run_all([forever(), fail()]))
    assert ended == ["forever"]
