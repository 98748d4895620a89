"""Load from one event loop: callers that wait, or a number of calls in flight."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from time import perf_counter
from typing import Any

from benchmarks.loads.outcome import Outcome

__all__ = ["closed_loop", "run_all", "window"]


async def run_all(coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run coroutines side by side; the first that fails ends the others and raises."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def closed_loop(call: Callable[[], Awaitable[Any]], callers: int, seconds: float) -> Outcome:
    """Let a number of callers call, each one again as soon as it has its reply, once at least."""
    samples: list[float] = []
    started = perf_counter()
    deadline = started + seconds

    async def caller() -> None:
        ended = perf_counter()
        while True:
            begun = ended
            await call()
            ended = perf_counter()
            samples.append(ended - begun)
            if ended >= deadline:
                break

    await run_all(caller() for _ in range(callers))
    elapsed = perf_counter() - started
    return Outcome.of(samples, elapsed)


async def window(start: Callable[[], asyncio.Future[Any]], size: int, seconds: float) -> Outcome:
    """Keep a number of calls in flight, which nobody awaits one by one: one that is done starts the next."""
    samples: list[float] = []
    over = asyncio.get_running_loop().create_future()
    in_flight = size
    started = perf_counter()
    deadline = started + seconds

    def launch() -> None:
        start().add_done_callback(partial(done, perf_counter()))

    def done(begun: float, future: asyncio.Future[Any]) -> None:
        nonlocal in_flight
        now = perf_counter()
        error = None if future.cancelled() else future.exception()
        if error is not None and not over.done():
            over.set_exception(error)
        if now < deadline and not over.done():
            samples.append(now - begun)
            launch()
            return
        if not over.done():
            samples.append(now - begun)
        in_flight -= 1
        if not in_flight and not over.done():
            over.set_result(None)

    for _ in range(size):
        launch()
    await over
    elapsed = perf_counter() - started
    return Outcome.of(samples, elapsed)
