"""Callers that leave, one by one or all together."""

import asyncio
from contextvars import Context
from types import SimpleNamespace
from typing import Any

import pytest

from pygorums.serving.backlog import Backlog
from pygorums.serving.callers import Callers
from pygorums.wire.framing import Message


def ctx(**attributes: Any) -> Any:
    """A request's context, as far as it matters here."""
    return SimpleNamespace(**{"given_up": False, "cancelled": False, "deadline": None, "timer": None, **attributes})


def callers(*, cancel: bool) -> tuple[Callers, Backlog]:
    backlog = Backlog(1 << 20)
    return Callers(backlog, cancel=cancel, context=Context()), backlog


async def handler() -> asyncio.Task[None]:
    """One that waits."""
    task = asyncio.create_task(asyncio.Event().wait())
    await asyncio.sleep(0)
    return task  # type: ignore[return-value]  # what it gives does not matter


@pytest.mark.parametrize("cancel", [False, True])
async def test_all_have_left(cancel: bool) -> None:
    some, _ = callers(cancel=cancel)
    running, task = ctx(), await handler()
    some.handle(running, 1, task)
    assert some.begin(ctx(), 2)
    some.abandon()
    await asyncio.wait({task})
    assert task.cancelled()
    assert running.given_up
    late = ctx()
    assert not some.begin(late, 3)
    assert late.given_up
    assert some.left(ctx(cancelled=True))


@pytest.mark.parametrize("cancel", [False, True])
async def test_one_has_left(cancel: bool) -> None:
    some, backlog = callers(cancel=cancel)
    running, task = ctx(), await handler()
    some.handle(running, 1, task)
    some.put([Message(message_seq_no=2, method="x"), Message(message_seq_no=3, method="x")], 10)
    some.put([Message(message_seq_no=1, cancel=True), Message(message_seq_no=2, cancel=True)], 10)
    assert len(backlog.waiting) == 2
    assert running.given_up
    second = ctx()
    some.begin(second, 2)
    assert second.given_up
    third = ctx()
    assert some.begin(third, 3)
    assert not third.given_up
    await asyncio.sleep(0)
    assert task.cancelled() is cancel
    some.end(running)
    task.cancel()
    await asyncio.wait({task})


async def test_the_last_call() -> None:
    some, _ = callers(cancel=False)
    told: list[bool] = []
    some.put([Message(cancel=True)], 2)
    some.on_last = lambda: told.append(True)
    some.put([Message(cancel=True)], 2)
    assert told == [True]
