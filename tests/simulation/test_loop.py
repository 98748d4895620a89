"""The loop: what is due is called in order, and time is what comes next."""

import asyncio
import random
import time
from collections.abc import AsyncIterator

import pytest

from pygorums import testing
from pygorums.testing.simulation.loop import START, SimulatedLoop
from tests.simulation.support import run


def test_time_jumps() -> None:
    seen: list[float] = []

    async def scenario(world: testing.World) -> None:
        for seconds in (0.5, 86_400, 0, 1e-6):
            await world.sleep(seconds)
            seen.append(world.time)

    began = time.perf_counter()
    run(scenario, longest=1e6)
    assert seen == pytest.approx([0.5, 86_400.5, 86_400.5, 86_400.500001])
    assert time.perf_counter() - began < 30  # not a day


def test_what_is_due_at_once_is_called_in_the_order_in_which_it_was_asked_for() -> None:
    seen: list[str] = []

    async def scenario(world: testing.World) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(1, seen.append, "later a")
        loop.call_soon(seen.append, "soon a")
        loop.call_later(1, seen.append, "later b")
        loop.call_soon(seen.append, "soon b")
        loop.call_later(0.5, seen.append, "between").cancel()
        await asyncio.sleep(2)

    run(scenario)
    assert seen == ["soon a", "soon b", "later a", "later b"]


def test_what_asyncio_offers() -> None:
    async def scenario(world: testing.World) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        assert world.time == 5
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.sleep(10), 1)
        queue: asyncio.Queue[int] = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            group.create_task(queue.put(1))
            got = group.create_task(queue.get())
        assert got.result() == 1
        assert list(await asyncio.gather(asyncio.sleep(2, "a"), asyncio.sleep(1, "b"))) == ["a", "b"]
        assert await asyncio.to_thread(lambda: asyncio.get_running_loop() is not None)  # there are no threads

        async def numbers() -> AsyncIterator[int]:
            try:
                yield 1
                yield 2
            finally:
                await asyncio.sleep(1)

        async for _ in numbers():
            break
        assert world.time == 8

    run(scenario)


def test_tasks_in_sets_are_in_one_order() -> None:
    async def scenario(world: testing.World) -> None:
        tasks = [asyncio.create_task(asyncio.sleep(1)) for _ in range(50)]
        shuffled = random.Random(5).sample(tasks, 50)
        assert sorted(set(shuffled), key=tasks.index) == tasks
        assert list(set(tasks)) == list(dict.fromkeys(sorted(tasks, key=hash)))
        await asyncio.wait(tasks)

    run(scenario)


def test_a_scenario_that_waits_for_ever() -> None:
    async def scenario(world: testing.World) -> None:
        await asyncio.Event().wait()

    with pytest.raises(testing.StuckError, match="nothing is left to happen"):
        run(scenario)


def test_a_scenario_that_never_ends() -> None:
    async def scenario(world: testing.World) -> None:
        while True:
            await world.sleep(1)

    with pytest.raises(testing.StuckError, match="has not ended after 100 simulated seconds"):
        run(scenario, longest=100.0)


def test_a_scenario_that_lets_no_time_go_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pygorums.testing.simulation.loop.MOST_AT_ONCE", 1000)

    async def scenario(world: testing.World) -> None:
        def again() -> None:
            asyncio.get_running_loop().call_soon(again)

        again()
        await world.sleep(1)

    with pytest.raises(testing.StuckError, match="no time has gone by"):
        run(scenario)


def test_a_callback_that_raises_ends_the_run() -> None:
    async def scenario(world: testing.World) -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await world.sleep(1)

    with pytest.raises(ZeroDivisionError):
        run(scenario)


def test_shuffled_processes_keep_their_own_order() -> None:
    orders: set[tuple[str, ...]] = set()

    async def scenario(world: testing.World) -> None:
        seen: list[str] = []
        for name in "ab":
            process = world.host(name).process
            for number in range(3):
                process.run(asyncio.get_running_loop().call_later, 1, seen.append, f"{name}{number}")
        await world.sleep(2)
        for name in "ab":
            assert [each for each in seen if each[0] == name] == [f"{name}{number}" for number in range(3)]
        orders.add(tuple(seen))

    for seed in range(30):
        run(scenario, seed, shuffle=True)
    assert len(orders) > 5
    orders.clear()
    for seed in range(5):
        run(scenario, seed)
    assert len(orders) == 1


def test_a_loop_that_is_closed_calls_nothing() -> None:
    loop = SimulatedLoop()  # type: ignore[abstract]  # what is left out is what a simulation has not
    loop.close()
    loop.call_soon(pytest.fail, "called")
    loop.call_later(1, pytest.fail, "called")
    assert loop.is_closed()
    assert loop.time() == START
