"""The process of the blocking benchmarks, which calls servers in this one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from benchmarks.loads.outcome import Outcome
from benchmarks.servers.local import END_LIMIT
from benchmarks.statistics.latency import Latency
from benchmarks.subjects.blocking_client import BlockingClient
from benchmarks.subjects.blocking_work import Answer, BlockingKind, BlockingWork, Setup, Task
from benchmarks.transports import GRPC
from tests.support.waiting import within

LIMIT = 50.0
"""Seconds. A process that imports grpc takes a while to start on a loaded machine."""


@asynccontextmanager
async def client_of(addresses: list[str], baselines: list[str]) -> AsyncIterator[BlockingClient]:
    setup = Setup(tuple(addresses), tuple(baselines), 1 << 20, GRPC)
    client = await within(BlockingClient.start(setup), LIMIT)
    try:
        yield client
    finally:
        await within(client.close())


def work(kind: BlockingKind) -> BlockingWork:
    return BlockingWork(kind, in_flight=2, quorum=2, payload=10)


async def test_it_puts_on_every_load(plain_addresses: list[str], baselines: list[str]) -> None:
    async with client_of(plain_addresses, baselines) as client:
        for kind in BlockingKind:
            outcome = await within(client.load(work(kind))(0.02))
            assert outcome.ops >= 2
            assert outcome.elapsed >= 0.02
            assert outcome.latency is not None
            assert outcome.client_cpu is not None
            assert outcome.client_memory is not None


async def test_a_load_that_fails_leaves_the_client_usable(plain_addresses: list[str]) -> None:
    # These serve no baselines.
    async with client_of(plain_addresses, plain_addresses) as client:
        with pytest.raises(ConnectionError, match="Method not found"):
            await within(client.load(work(BlockingKind.FAN_OUT))(0.02))
        assert (await within(client.load(work(BlockingKind.QUORUM_CALL))(0.02))).ops >= 2


async def test_a_client_at_work_is_not_waited_for(plain_addresses: list[str], baselines: list[str]) -> None:
    async with client_of(plain_addresses, baselines) as client:
        running = asyncio.ensure_future(client.load(work(BlockingKind.QUORUM_CALL))(60))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await within(running)
        await within(client.close(), END_LIMIT / 2)


async def test_a_client_that_has_ended(plain_addresses: list[str], baselines: list[str]) -> None:
    async with client_of(plain_addresses, baselines) as client:
        load = client.load(work(BlockingKind.QUORUM_CALL))
        await within(client.close())
        with pytest.raises(ConnectionError, match="the blocking client has ended"):
            await within(load(0.02))


@pytest.mark.parametrize("kind", BlockingKind)
def test_a_task_on_its_way(kind: BlockingKind) -> None:
    task = Task(work(kind), 0.5)
    assert task.encoded().count(b"\n") == 1
    assert Task.decoded(task.encoded()) == task


@pytest.mark.parametrize(
    "answer",
    [
        Answer(),
        Answer(error="no\nanswer"),
        Answer(Outcome(0, 0.5, None)),
        Answer(
            Outcome(9, 0.5, Latency(0.1, 0.01, 0.1, 0.2, None), growth=4096, client_cpu=0.25, client_memory=1 << 20)
        ),
    ],
)
def test_an_answer_on_its_way(answer: Answer) -> None:
    assert answer.encoded().count(b"\n") == 1
    assert Answer.decoded(answer.encoded()) == answer
