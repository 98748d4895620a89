"""The example of latency-based selection: fewer nodes are asked, and none of what was written is missed."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack

import pytest

import pygorums as gorums
from examples.interceptors.server import CallNext, delayed_interceptor
from examples.latency.__main__ import main
from examples.latency.selection import fastest, keep_fastest, quorum_of, read_from_fastest
from examples.storage.quorum import written_by_majority
from examples.storage.server import StorageImpl
from examples.storage.storage_gorums import read_qc, write_qc
from examples.storage.storage_pb2 import ReadRequest, WriteRequest
from tests.support.cluster import connected, serving
from tests.support.nowhere import unreachable
from tests.support.waiting import until, within


@pytest.fixture
async def five_replicas() -> AsyncIterator[gorums.Configuration]:
    """Five replicas of the store."""
    async with AsyncExitStack() as stack:
        addresses = [await stack.enter_async_context(serving(StorageImpl())) for _ in range(5)]
        yield await stack.enter_async_context(connected(addresses))


def rank(config: gorums.Configuration, *node_ids: int) -> None:
    """Makes the nodes with these IDs the fastest, in this order; the others have no estimate."""
    for node in config:
        node.channel.pending.latency = 0.01 * (1 + node_ids.index(node.id)) if node.id in node_ids else None


def ids(config: Iterable[gorums.Node]) -> list[int]:
    return [node.id for node in config]


async def write(config: gorums.Configuration, key: str, value: str) -> None:
    request = WriteRequest(key=key, value=value)
    request.time.GetCurrentTime()
    assert await within(written_by_majority(write_qc(config, request)))


async def test_a_majority_of_a_part_is_not_enough(five_replicas: gorums.Configuration) -> None:
    """What the example is careful about: two of the three fastest may both have missed a write."""
    newest_only = five_replicas[2:]
    request = WriteRequest(key="x", value="new")
    request.time.GetCurrentTime()
    await within(write_qc(newest_only, request).threshold(quorum_of(five_replicas)))
    rank(five_replicas, 1, 2, 3)
    part = fastest(five_replicas, 3)
    assert ids(part) == [1, 2, 3]
    replies = await within(read_qc(part[:2], ReadRequest(key="x")).collect_all())
    assert not any(reply.OK for reply in replies.values()), "a majority of the part, and none of them knows"
    assert (await within(read_from_fastest(five_replicas, "x", timeout=5))).value == "new"


@pytest.mark.parametrize("writers", [[1, 2, 3], [1, 3, 5], [3, 4, 5], [2, 3, 4]])
@pytest.mark.parametrize("readers", [[5, 4, 3], [1, 2, 4], [2, 5, 1]])
async def test_every_read_meets_every_write(
    five_replicas: gorums.Configuration, writers: list[int], readers: list[int]
) -> None:
    part = five_replicas[:0].add(*writers)
    request = WriteRequest(key="x", value="new")
    request.time.GetCurrentTime()
    await within(write_qc(part, request).threshold(quorum_of(five_replicas)))
    rank(five_replicas, *readers)
    assert (await within(read_from_fastest(five_replicas, "x", timeout=5))).value == "new"


async def test_only_the_fastest_are_asked() -> None:
    asked: list[int] = []

    def noting(number: int) -> gorums.ServerInterceptor:
        async def note(ctx: gorums.ServerContext, request: object, call_next: CallNext) -> object:
            asked.append(number)
            return await call_next(ctx, request)

        return note

    async with AsyncExitStack() as stack:
        addresses = [
            await stack.enter_async_context(serving(StorageImpl(), interceptors=[noting(n)])) for n in range(1, 6)
        ]
        config = await stack.enter_async_context(connected(addresses))
        rank(config, 4, 2, 5)
        await within(read_from_fastest(config, "x", timeout=5))
        assert sorted(asked) == [2, 4, 5]


async def test_a_node_that_fails_is_replaced(five_replicas: gorums.Configuration) -> None:
    """Rows: 166."""
    await write(five_replicas, "x", "1")
    rank(five_replicas, 1, 2, 3, 4, 5)
    refused: list[int] = []

    def refuse(request: ReadRequest, node: gorums.Node) -> ReadRequest:
        if node.id in (1, 3):
            refused.append(node.id)
            raise OSError(f"node {node.id} is not asked in this test")
        return request

    config = five_replicas.with_defaults(interceptors=[gorums.map_request(refuse)])
    assert (await within(read_from_fastest(config, "x", timeout=5))).value == "1"
    assert set(refused) == {1, 3}


async def test_too_few_are_left(five_replicas: gorums.Configuration) -> None:
    def refuse(request: ReadRequest, node: gorums.Node) -> ReadRequest:
        if node.id <= 3:
            raise OSError(f"node {node.id} is not asked in this test")
        return request

    config = five_replicas.with_defaults(interceptors=[gorums.map_request(refuse)])
    rank(config, 1, 2, 3, 4, 5)
    with pytest.raises(gorums.IncompleteError) as error:
        await within(read_from_fastest(config, "x", timeout=5))
    assert set(error.value.node_errors) <= {1, 2, 3}


async def test_slow_servers_are_measured_as_slow() -> None:
    """The estimates come from real calls here: the two delayed servers end up last.

    Rows: 177.
    """
    async with AsyncExitStack() as stack:
        addresses = []
        for delay in (0.2, 0, 0.1, 0, 0):
            chain = [delayed_interceptor(delay)] if delay else []
            addresses.append(await stack.enter_async_context(serving(StorageImpl(), interceptors=chain)))
        config = await stack.enter_async_context(connected(addresses))
        for _ in range(3):
            await within(read_qc(config, ReadRequest(key="x")).all())
        assert ids(config.sort_by(gorums.latency))[3:] == [3, 1]
        assert sorted(ids(fastest(config, 3))) == [2, 4, 5]
        assert ids(config[:1])[0] == 1
        assert config[0].latency is not None
        assert config[0].latency >= 0.2


async def test_keeping_the_fastest() -> None:
    async with unreachable(5) as config:
        await until(lambda: all(node.last_error is not None for node in config))
        failure: list[gorums.QuorumCallError] = []
        rank(config, 1, 2, 3)
        parts = keep_fastest(config, 0.001, lambda: failure[-1] if failure else None)
        assert ids(await within(anext(parts))) == [1, 2, 3]
        rank(config, 2, 4, 5)
        assert ids(await within(anext(parts))) == [2, 4, 5]
        failure.append(gorums.QuorumCallError("m", {4: OSError()}))
        assert ids(await within(anext(parts))) == [2, 5, 1]
        failure.append(gorums.QuorumCallError("m", dict.fromkeys((1, 2, 3), OSError())))
        assert ids(await within(anext(parts))) == [2, 4, 5], "too few would be left"
        following = asyncio.ensure_future(anext(parts))
    with pytest.raises(StopAsyncIteration):
        await within(following)


async def test_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    await within(main())
    *latencies, read = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in latencies] == [f"node {n}" for n in range(1, 6)]
    assert read == "greeting = hello, from nodes 2, 4, 5"
