"""How threads put load on, with calls that need no network."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Lock

import pytest

from benchmarks.loads.threads import closed_loop, window
from tests.support.waiting import LIMIT, within


class Calls:
    """Calls of which the first `together` wait for each other, so that so many are under way at once."""

    def __init__(self, together: int) -> None:
        self._first = together
        self._meeting = Barrier(together, timeout=LIMIT)
        self._lock = Lock()
        self.under_way = 0
        self.most = 0
        self.ended = 0

    def call(self) -> None:
        with self._lock:
            first = self._first > 0
            self._first -= 1
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        if first:
            self._meeting.wait()
        with self._lock:
            self.under_way -= 1
            self.ended += 1


async def test_as_many_calls_are_under_way_as_there_are_threads() -> None:
    calls = Calls(7)
    outcome = await within(asyncio.to_thread(closed_loop, calls.call, 7, 0.02))
    assert calls.most == 7
    assert calls.under_way == 0
    assert outcome.ops == calls.ended
    assert outcome.elapsed >= 0.02
    assert outcome.latency is not None


async def test_as_many_calls_are_under_way_as_the_window_is_large() -> None:
    calls = Calls(7)
    with ThreadPoolExecutor(7) as pool:
        outcome = await within(asyncio.to_thread(window, lambda: pool.submit(calls.call), 7, 0.02))
    assert calls.most == 7
    assert calls.under_way == 0
    assert outcome.ops == calls.ended
    assert outcome.elapsed >= 0.02
    assert outcome.latency is not None


def failing(after: int) -> Callable[[], None]:
    lock = Lock()
    count = 0

    def call() -> None:
        nonlocal count
        with lock:
            count += 1
            if count > after:
                raise ConnectionError("gone")

    return call


async def test_a_failed_call_ends_all_threads() -> None:
    with pytest.raises(ConnectionError, match="gone"):
        await within(asyncio.to_thread(closed_loop, failing(10), 3, 60))


async def test_a_failed_call_ends_the_window() -> None:
    call = failing(10)

    def start() -> Future[None]:
        future: Future[None] = Future()
        try:
            future.set_result(call())
        except ConnectionError as error:
            future.set_exception(error)
        return future

    with pytest.raises(ConnectionError, match="gone"):
        await within(asyncio.to_thread(window, start, 3, 60))
