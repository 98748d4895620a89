"""The end of all handling: what was received is answered while there is time, and the rest is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from itertools import chain
from typing import Any, Protocol

from pygorums.base.errors import counted
from pygorums.serving.accepted_stream import AcceptedStream
from pygorums.serving.accepting import Acceptor
from pygorums.tasks.grace import Grace
from pygorums.transports.listener import Listener

__all__ = ["Handling", "end_handling"]

LAST_WORDS = 0.2
"""Seconds that clients get to take what they are told of a stop without grace. Nearly always it takes a moment."""

CANCEL_GRACE = 1.0
"""Seconds that cancelled handlers get to clean up."""


class Handling(Protocol):
    """What is handled and does not belong to a stream that was accepted."""

    @property
    def tasks(self) -> Sequence[asyncio.Task[None]]:
        """The tasks that run handlers."""

    async def drained(self) -> None:
        """Wait until the requests that came before are handled."""

    def shut_down(self) -> None:
        """Cancel what is being handled."""


async def drained(acceptor: Acceptor, besides: Sequence[Iterable[Handling]], timeout: float | None) -> None:
    """Take no more requests, and wait until those that came before are handled and answered.

    Raises:
        TimeoutError: They are not in time. The text says for how many clients.
    """
    try:
        async with asyncio.timeout(timeout):
            await acceptor.drain()
            for handling in list(chain(*besides)):
                await handling.drained()
    except TimeoutError:
        clients = counted(len(acceptor.streams), "client")
        raise TimeoutError(f"after {timeout} s handlers still run for {clients}") from None


async def end_handling(
    grace: Grace,
    streams: Iterable[AcceptedStream],
    besides: Sequence[Iterable[Handling]],
    listening: Listener | None,
) -> None:
    """End all accepted streams, what is handled besides, and what accepts streams, if that was started."""
    accepted = list(streams)
    tasks = [task for stream in accepted for task in stream.tasks]
    try:
        if not grace.over:
            await _let_finish(accepted, besides, listening, grace)
    except asyncio.CancelledError:
        pass  # the event loop ends, which cancels all tasks
    grace.cut(0)
    await _say_ends(streams)
    if listening is not None:
        await listening.stop(grace)
    for stream in accepted:
        tasks.extend(stream.tasks)
        stream.cut()
    for handling in list(chain(*besides)):
        tasks.extend(handling.tasks)
        handling.shut_down()
    if tasks:
        await asyncio.wait(tasks, timeout=CANCEL_GRACE)


async def _say_ends(streams: Iterable[AcceptedStream]) -> None:
    """Have clients in sessions know what was taken, and that nothing else will be handled."""
    telling = [asyncio.ensure_future(stream.say_end()) for stream in streams]
    try:
        if telling:
            await asyncio.wait(telling, timeout=LAST_WORDS)
    except asyncio.CancelledError:
        pass  # the event loop ends
    finally:
        for task in telling:
            task.cancel()


async def _let_finish(
    streams: Sequence[AcceptedStream],
    besides: Sequence[Iterable[Handling]],
    listening: Listener | None,
    grace: Grace,
) -> None:
    for stream in streams:
        stream.drain()
    # What ends the connections comes after what the clients have to say: else their last calls would be cut off.
    await _wait(grace, [stream.asked_all() for stream in streams])
    if listening is not None:
        await listening.stop(grace)
    # Only now: the handlers of the streams may have called the own node.
    await _wait(grace, [handling.drained() for handling in chain(*besides)])


async def _wait(grace: Grace, works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Wait until all is done, or the grace is over."""
    # Not gathered: what gathers would say, of those that are cancelled, that nobody has asked for their errors.
    tasks = [asyncio.ensure_future(work) for work in works]
    if tasks:
        await grace.wait(asyncio.ensure_future(asyncio.wait(tasks)))
        for task in tasks:
            task.cancel()
