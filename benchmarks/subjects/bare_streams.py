"""Baseline B, the floor: a bare grpc.aio stream to each node, on which bytes go out and come back.

There are no messages to be parsed, no calls to be found, no errors to be told: what remains is what gRPC itself
costs. The pattern of the traffic is that of quorum calls: a round is over when a quorum of the nodes has sent its
bytes back, and as many rounds are under way as there are callers.
"""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import grpc.aio

from benchmarks.loads.outcome import Load, Outcome
from benchmarks.loads.tasks import run_all
from benchmarks.servers.baselines import BOUNCE

__all__ = ["BareStreams"]


class BareStreams:
    """A stream to each node.

    Args:
        channels: One to each node.
    """

    def __init__(self, channels: Sequence[grpc.aio.Channel]) -> None:
        self._calls: list[Any] = [channel.stream_stream(BOUNCE)() for channel in channels]

    def close(self) -> None:
        """End the streams."""
        for call in self._calls:
            call.cancel()

    def load(self, quorum: int, in_flight: int, payload: int) -> Load:
        """Rounds of messages of `payload` bytes, `in_flight` of them at a time."""
        message = bytes(payload)

        async def load(seconds: float) -> Outcome:
            rounds = _Rounds(len(self._calls), quorum, seconds)
            rounds.start(in_flight)
            await run_all(
                part
                for node, call in enumerate(self._calls)
                for part in (rounds.write(node, call, message), rounds.read(node, call))
            )
            elapsed = perf_counter() - rounds.started_at
            return Outcome.of(rounds.samples, elapsed)

        return load


class _Rounds:
    """Rounds, begun and ended in order at each node."""

    def __init__(self, nodes: int, quorum: int, seconds: float) -> None:
        self._quorum = quorum
        self._begun: list[float] = []  # when, for each round
        self._replies: list[int] = []  # to each round
        self._to_write = [asyncio.Semaphore(0) for _ in range(nodes)]
        self._to_read = [asyncio.Semaphore(0) for _ in range(nodes)]
        self._running = 0
        self.samples: list[float] = []
        self.started_at = perf_counter()
        self._deadline = self.started_at + seconds

    def start(self, count: int) -> None:
        """Begin rounds."""
        self._running += count
        for _ in range(count):
            self._begun.append(perf_counter())
            self._replies.append(0)
            self._release()

    def _release(self) -> None:
        for semaphore in (*self._to_write, *self._to_read):
            semaphore.release()

    async def write(self, node: int, call: Any, message: bytes) -> None:
        """Write one message for each round."""
        count = 0
        while True:
            await self._to_write[node].acquire()
            if count == len(self._begun):
                return
            await call.write(message)
            count += 1

    async def read(self, node: int, call: Any) -> None:
        """Read one message for each round."""
        count = 0
        while True:
            await self._to_read[node].acquire()
            if count == len(self._begun):
                return
            await call.read()
            self._replied(count)
            count += 1

    def _replied(self, number: int) -> None:
        self._replies[number] += 1
        if self._replies[number] != self._quorum:
            return
        now = perf_counter()
        self.samples.append(now - self._begun[number])
        self._running -= 1
        if now < self._deadline:
            self.start(1)
        elif not self._running:
            self._release()  # all are over: let the writers and readers see it
