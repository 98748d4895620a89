"""Baseline A: a quorum call as a competent user of grpc.aio writes it by hand, with unary calls."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import grpc.aio

from benchmarks.benchmark_pb2 import Echo
from benchmarks.loads.outcome import Load, Outcome
from benchmarks.loads.tasks import closed_loop
from benchmarks.servers.baselines import ECHO, SLOW_ECHO

__all__ = ["fan_out_load"]


def fan_out_load(
    channels: Sequence[grpc.aio.Channel], quorum: int, callers: int, payload: int, *, slow: bool = False
) -> Load:
    """Callers that ask all nodes, go on with the replies of a quorum, and cancel the rest.

    Args:
        channels: One to each node.
        quorum: How many replies are needed.
        callers: How many callers there are.
        payload: Bytes of payload in each request and reply.
        slow: Whether the servers take a while for each call.
    """
    stubs: list[Any] = [
        channel.unary_unary(
            SLOW_ECHO if slow else ECHO,
            request_serializer=Echo.SerializeToString,
            response_deserializer=Echo.FromString,
        )
        for channel in channels
    ]
    request = Echo(payload=bytes(payload))
    if len(stubs) == 1:
        return partial(closed_loop, partial(stubs[0], request), callers)

    async def load(seconds: float) -> Outcome:
        cancelled: set[asyncio.Task[Echo]] = set()
        outcome = await closed_loop(lambda: _quorum_call(stubs, request, quorum, cancelled), callers, seconds)
        if cancelled:
            await asyncio.wait(cancelled)
        return outcome

    return load


async def _quorum_call(stubs: Sequence[Any], request: Echo, quorum: int, cancelled: set[asyncio.Task[Echo]]) -> Echo:
    pending = {asyncio.create_task(_call(stub, request)) for stub in stubs}
    replies: list[Echo] = []
    error: BaseException | None = None
    while pending and len(replies) < quorum:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            error = task.exception()
            if error is None:
                replies.append(task.result())
    for task in pending:
        task.cancel()
        # The measurement waits for them at its end, so that they do not disturb the next one.
        cancelled.add(task)
        task.add_done_callback(cancelled.discard)
    if len(replies) < quorum and error is not None:
        raise error
    return replies[0]


async def _call(stub: Any, request: Echo) -> Echo:
    reply: Echo = await stub(request)
    return reply
