"""The end of all handling: what was received is answered while there is time, and the rest is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from pygorums.serving.accepted_stream import AcceptedStream
from pygorums.serving.direct import DirectRequests
from pygorums.tasks.grace import Grace
from pygorums.transports.listener import Listener

__all__ = ["end_handling"]

CANCEL_GRACE = 1.0
"""Seconds that cancelled handlers get to clean up."""


async def end_handling(
    grace: Grace, streams: Iterable[AcceptedStream], direct: Iterable[DirectRequests], listening: Listener | None
) -> None:
    """End all accepted streams, what is handled besides, and what accepts streams, if that was started."""
    accepted = list(streams)
    tasks = [task for stream in accepted for task in stream.tasks]
    try:
        if not grace.over:
            await _let_finish(accepted, direct, listening, grace)
    except asyncio.CancelledError:
        pass  # the event loop ends, which cancels all tasks
    grace.cut(0)
    if listening is not None:
        await listening.stop(grace)
    for stream in accepted:
        tasks.extend(stream.tasks)
        stream.cut()
    for handling in list(direct):
        tasks.extend(handling.tasks)
        handling.shut_down()
    if tasks:
        await asyncio.wait(tasks, timeout=CANCEL_GRACE)


async def _let_finish(
    streams: Sequence[AcceptedStream], direct: Iterable[DirectRequests], listening: Listener | None, grace: Grace
) -> None:
    for stream in streams:
        stream.drain()
    # What ends the connections comes after what the clients have to say: else their last calls would be cut off.
    told = asyncio.gather(*(stream.asked_all() for stream in streams))
    if not await grace.wait(asyncio.ensure_future(told)):
        told.cancel()
    if listening is not None:
        await listening.stop(grace)
    # Only now: the handlers of the streams may have called the own node.
    drained = [asyncio.ensure_future(handling.drained()) for handling in direct]
    if drained:
        await grace.wait(asyncio.gather(*drained))
        for each in drained:
            each.cancel()
