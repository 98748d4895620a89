"""Baseline C: a quorum call as a competent user of blocking grpcio writes it by hand, with a pool of threads."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import grpc

from benchmarks.benchmark_pb2 import Echo
from benchmarks.loads.outcome import Outcome, ThreadLoad
from benchmarks.loads.threads import closed_loop
from benchmarks.servers.baselines import ECHO

__all__ = ["BlockingFanOut"]


class BlockingFanOut:
    """Unary calls to all nodes, over channels that are closed on exit.

    Args:
        addresses: Of the nodes.
        options: Of each channel.
    """

    def __init__(self, addresses: Sequence[str], options: Sequence[tuple[str, Any]]) -> None:
        self._stack = ExitStack()
        channels = [self._stack.enter_context(grpc.insecure_channel(address, options)) for address in addresses]
        self._stubs: list[Any] = [
            channel.unary_unary(ECHO, request_serializer=Echo.SerializeToString, response_deserializer=Echo.FromString)
            for channel in channels
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def load(self, quorum: int, callers: int, payload: int) -> ThreadLoad:
        """Threads that ask all nodes, go on with the replies of a quorum, and cancel the rest.

        They share a pool with a thread for each of their calls, so that none of the nodes is asked later than the
        others. Its threads are kept from one run to the next.
        """
        pool = self._stack.enter_context(ThreadPoolExecutor(callers * len(self._stubs), "benchmark-fan-out"))
        request = Echo(payload=bytes(payload))

        def load(seconds: float) -> Outcome:
            left: set[Future[Echo]] = set()
            outcome = closed_loop(lambda: _quorum_call(pool, self._stubs, request, quorum, left), callers, seconds)
            wait(left.copy())  # so that they do not disturb the next measurement
            return outcome

        return load


def _quorum_call(
    pool: ThreadPoolExecutor, stubs: Sequence[Any], request: Echo, quorum: int, left: set[Future[Echo]]
) -> Echo:
    calls = [pool.submit(stub, request) for stub in stubs]
    replies: list[Echo] = []
    last_error: BaseException | None = None
    for future in as_completed(calls):
        if (error := future.exception()) is not None:
            last_error = error
            continue
        replies.append(future.result())
        if len(replies) == quorum:
            break
    for future in calls:
        # What has begun cannot be cancelled: its thread is in the call.
        if not (future.cancel() or future.done()):
            left.add(future)
            future.add_done_callback(left.discard)
    if len(replies) < quorum and last_error is not None:
        raise last_error
    return replies[0]
