"""Calls in threads that tasks wait for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from pygorums.serving.thread_calls import Finished, ThreadCall
from tests.support.waiting import until, within

VARIABLE: ContextVar[str] = ContextVar("variable", default="")


class Pool:
    """Threads that are started by hand, and how often one was free again."""

    def __init__(self) -> None:
        self.finished = Finished()
        self.freed = 0

    def free(self) -> None:
        self.freed += 1

    def call(self, function: Callable[..., Any], *args: Any) -> ThreadCall[Any]:
        return ThreadCall(self.finished, (function, *args), self.free)


def in_thread(call: ThreadCall[Any]) -> None:
    """Do the call, up to its end."""
    thread = threading.Thread(target=call.work)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


async def waited(call: ThreadCall[Any]) -> Any:
    VARIABLE.set("mine")
    result = await call
    assert VARIABLE.get() == "mine"
    assert asyncio.current_task() is not None
    return result


async def test_the_task_gets_what_the_function_returns() -> None:
    pool = Pool()
    call = pool.call(divmod, 7, 2)
    task = asyncio.create_task(waited(call))
    await asyncio.sleep(0)
    assert not call.done()
    in_thread(call)
    assert call.done()
    assert pool.freed == 1
    assert await within(task) == (3, 1)
    assert VARIABLE.get() == ""


async def test_it_may_be_done_before_anybody_waits() -> None:
    call = Pool().call(int, "5")
    in_thread(call)
    assert await within(waited(call)) == 5


@pytest.mark.parametrize("error", [ValueError("wrong"), SystemExit(3), asyncio.CancelledError()])
async def test_the_task_gets_what_the_function_raises(error: BaseException) -> None:
    def fails() -> None:
        raise error

    async def expect() -> BaseException:
        with pytest.raises(type(error)) as caught:
            await call
        return caught.value

    call = Pool().call(fails)
    task = asyncio.create_task(expect())
    await asyncio.sleep(0)
    in_thread(call)
    assert await within(task) is error
    assert call._error is None  # or it would keep itself alive


async def test_calls_that_are_done_together_go_on_in_one_turn_and_in_order() -> None:
    pool = Pool()
    calls = [pool.call(int, str(number)) for number in range(5)]
    log: list[object] = []

    async def wait(call: ThreadCall[Any]) -> None:
        log.append(await call)

    tasks = [asyncio.create_task(wait(call)) for call in calls]
    await asyncio.sleep(0)
    for call in calls:
        in_thread(call)
    asyncio.get_running_loop().call_soon(log.append, "later")
    await asyncio.sleep(0)
    assert log == [0, 1, 2, 3, 4, "later"]
    await within(asyncio.gather(*tasks))


async def test_one_that_is_cancelled_before_a_thread_takes_it_is_never_done() -> None:
    pool = Pool()
    ran: list[int] = []
    call = pool.call(ran.append, 1)
    task = asyncio.create_task(waited(call))
    await asyncio.sleep(0)
    task.cancel("enough")
    assert call.done()
    with pytest.raises(asyncio.CancelledError):
        await within(task)
    assert not call.cancel()
    in_thread(call)
    assert ran == []
    assert pool.freed == 1


@pytest.mark.parametrize("done_first", [False, True], ids=["cancelled first", "done first"])
async def test_one_that_is_cancelled_while_it_runs(done_first: bool) -> None:
    """The task does not wait any more; that the thread has ended is told apart."""
    pool = Pool()
    begun, gate = threading.Event(), threading.Event()
    told: list[str] = []

    def held() -> None:
        begun.set()
        gate.wait(10)

    call = pool.call(held)
    task = asyncio.create_task(waited(call))
    await asyncio.sleep(0)
    thread = threading.Thread(target=call.work)
    thread.start()
    assert begun.wait(10)
    if done_first:
        gate.set()
        thread.join(10)
    task.cancel()
    call.when_done = lambda: told.append("done")
    with pytest.raises(asyncio.CancelledError):
        await within(task)
    if not done_first:
        assert not call.done()
        assert told == []
        gate.set()
        thread.join(10)
    await until(lambda: told == ["done"], "the thread's end")
    assert call.done()


async def test_a_task_that_is_cancelled_before_it_waits() -> None:
    call = Pool().call(int, "5")
    task = asyncio.create_task(waited(call))
    await asyncio.sleep(0)
    other = Pool().call(int, "6")

    async def later() -> None:
        asyncio.current_task().cancel()  # type: ignore[union-attr]  # there is one
        await other

    with pytest.raises(asyncio.CancelledError):
        await within(asyncio.create_task(later()))
    assert other.done()  # and will never be begun
    in_thread(call)
    assert await within(task) == 5


async def test_a_task_that_is_interrupted_holds_up_no_other() -> None:
    pool = Pool()
    first, second = pool.call(int, "1"), pool.call(int, "2")
    interrupted: list[BaseException] = []

    async def interrupt() -> None:
        await first
        raise KeyboardInterrupt

    def take() -> None:
        try:
            pool.finished._take()
        except KeyboardInterrupt as error:  # which would end the event loop
            interrupted.append(error)

    one, two = asyncio.create_task(interrupt()), asyncio.create_task(waited(second))
    await asyncio.sleep(0)
    pool.finished._told = True  # so that it is looked for below
    in_thread(first)
    in_thread(second)
    asyncio.get_running_loop().call_soon(take)
    assert await within(two) == 2
    assert one.exception() is interrupted[0]


def test_what_is_done_after_the_event_loop_has_ended_is_forgotten() -> None:
    async def make() -> ThreadCall[Any]:
        return Pool().call(int, "5")

    call = asyncio.run(make())
    in_thread(call)
    assert call.done()
