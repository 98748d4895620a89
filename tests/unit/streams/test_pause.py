"""The wait between two attempts: it lasts as long as it was told, or as little as there is reason for."""

import asyncio
from collections.abc import Callable

from pygorums.streams.pause import Pause
from tests.support.waiting import turns, within


async def waiting(pause: Pause, seconds: float) -> asyncio.Task[None]:
    task = asyncio.create_task(pause.wait(seconds))
    await turns()
    return task


async def test_it_lasts_as_long_as_it_was_told() -> None:
    begin = asyncio.get_running_loop().time()
    await within(Pause().wait(0.05))
    assert asyncio.get_running_loop().time() - begin >= 0.05


async def test_news_end_it_if_the_last_attempt_is_old_enough() -> None:
    pause = Pause()
    pause.attempt()
    task = await waiting(pause, 600)
    assert not pause.hasten(1000), "no earlier than it would end anyhow"
    assert not pause.hasten(600)
    assert pause.hasten(0)
    assert not pause.hasten(0), "it is over"
    await within(task)
    assert not pause.hasten(0), "nobody waits"


class Clock:
    """What a pause asks of its event loop, at a time of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timers: list[tuple[float, asyncio.Handle]] = []
        self.now = 0.0
        self.create_future = self._loop.create_future

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object]) -> asyncio.Handle:
        handle = asyncio.Handle(callback, (), self._loop)
        self._timers.append((when, handle))
        return handle

    async def pass_to(self, now: float) -> None:
        self.now = now
        for when, handle in self._timers:
            if when <= now and not handle.cancelled():
                handle._run()  # as loops do
        await turns()


async def test_news_that_come_too_early_count_when_their_time_has_come() -> None:
    pause, clock = Pause(), Clock()
    pause._loop = clock  # type: ignore[assignment] # all that it needs
    pause.attempt()
    task = await waiting(pause, 600)
    assert not pause.hasten(50)
    assert not pause.hasten(500), "what was promised is not taken back"
    await clock.pass_to(49)
    assert not task.done()
    await clock.pass_to(50)
    assert task.done()


async def test_it_can_be_cancelled() -> None:
    pause = Pause()
    task = await waiting(pause, 600)
    task.cancel()
    await asyncio.wait({task})
    assert not pause.hasten(0)
    await within(pause.wait(0))


async def test_news_that_come_during_an_attempt_count_for_the_wait_after_it() -> None:
    pause = Pause()
    pause.attempt()
    assert not pause.hasten(0)
    await within(pause.wait(600))
    pause.attempt()  # they are old news for the next one
    waiting = asyncio.ensure_future(pause.wait(600))
    await turns(3)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait({waiting})
