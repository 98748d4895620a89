import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

import pygorums as gorums
from examples.storage import storage_gorums as storage
from examples.storage.server import StorageImpl
from examples.storage.storage_pb2 import ReadRequest, ReadResponse, WriteRequest, WriteResponse
from tests.support.cluster import Cluster, cluster_of, connected
from tests.support.waiting import LIMIT

KEY = ReadRequest(key="key")


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster[StorageImpl]]:
    async with cluster_of(3, lambda _: StorageImpl()) as cluster:
        yield cluster


def write(value: str, seconds: int) -> WriteRequest:
    return WriteRequest(key="key", value=value, time=Timestamp(seconds=seconds))


def entry(value: str, seconds: int) -> ReadResponse:
    return ReadResponse(OK=True, value=value, time=Timestamp(seconds=seconds))


async def test_a_missing_key_is_not_ok(cluster: Cluster[StorageImpl]) -> None:
    assert await storage.read_rpc(cluster.node, KEY, timeout=10) == ReadResponse()
    assert await storage.read_qc(cluster.config, KEY, timeout=10).all() == ReadResponse()


async def test_only_a_strictly_older_write_is_refused(cluster: Cluster[StorageImpl]) -> None:
    node = cluster.node
    assert await storage.write_rpc(node, write("one", 5), timeout=10) == WriteResponse(new=True)
    assert await storage.write_rpc(node, write("two", 5), timeout=10) == WriteResponse(new=True)
    assert await storage.write_rpc(node, write("three", 4), timeout=10) == WriteResponse(new=False)
    assert await storage.read_rpc(node, KEY, timeout=10) == entry("two", 5)


async def test_every_way_to_write_writes_what_every_way_to_read_reads(cluster: Cluster[StorageImpl]) -> None:
    config = cluster.config
    await storage.write_unicast(config[1], write("unicast", 1), timeout=10)
    assert await storage.read_rpc(config[1], KEY, timeout=10) == entry("unicast", 1)
    assert await storage.read_rpc(config[0], KEY, timeout=10) == ReadResponse()

    await storage.write_multicast(config, write("multicast", 2), timeout=10)
    replies = await storage.read_qc(config, KEY, timeout=10).collect_all()
    assert replies == dict.fromkeys([1, 2, 3], entry("multicast", 2))

    assert (await storage.write_qc(config, write("quorum call", 3), timeout=10).all()).new
    levels = [level async for level in storage.read_correctable(config, KEY, timeout=10).correctable(3)]
    assert levels == [(entry("quorum call", 3), level) for level in (1, 2, 3)]


async def test_nested_calls_are_refused_while_servers_do_not_know_each_other(cluster: Cluster[StorageImpl]) -> None:
    for responses in (
        storage.read_nested_qc(cluster.config, KEY, timeout=10),
        storage.write_nested_multicast(cluster.config, write("nested", 1), timeout=10),
    ):
        with pytest.raises(gorums.IncompleteError, match="requires server peer configuration") as caught:
            await responses.majority()
        assert caught.value.caused_by(grpc.StatusCode.FAILED_PRECONDITION)
    assert await storage.read_rpc(cluster.node, KEY, timeout=10) == ReadResponse()


@pytest.fixture
async def peers() -> AsyncIterator[gorums.Configuration]:
    """Three servers that are connected to each other."""
    async with gorums.local_systems(3, lambda _: StorageImpl()) as systems:
        for system in systems:
            await system.wait_for_config(lambda config: len(config) == 3, timeout=10)
        async with connected([system.address or "" for system in systems]) as config:
            yield config


async def test_a_nested_read_gives_what_any_of_the_peers_has(peers: gorums.Configuration) -> None:
    for number, value in enumerate(["one", "two", "three"], start=1):
        await storage.write_qc(peers[number - 1 : number], write(value, 10 - number), timeout=10).all()
    replies = await storage.read_nested_qc(peers, KEY, timeout=10).collect_all()
    assert replies == dict.fromkeys([1, 2, 3], entry("one", 9))
    missing = await storage.read_nested_qc(peers, ReadRequest(key="missing"), timeout=10).all()
    assert missing == ReadResponse()


async def test_a_nested_write_reaches_all_of_the_peers(peers: gorums.Configuration) -> None:
    assert (await storage.write_nested_multicast(peers[1:2], write("nested", 5), timeout=10).all()).new
    assert await storage.read_rpc(peers[1], KEY, timeout=10) == entry("nested", 5)  # there it is already
    await eventually_at(peers, entry("nested", 5))


async def test_a_nested_write_tells_that_a_newer_value_is_there(peers: gorums.Configuration) -> None:
    await storage.write_qc(peers, write("newer", 5), timeout=10).all()
    assert not (await storage.write_nested_multicast(peers, write("older", 4), timeout=10).all()).new
    assert await storage.read_nested_qc(peers, KEY, timeout=10).all() == entry("newer", 5)


async def test_many_nested_calls_of_one_client_do_not_wait_for_each_other(peers: gorums.Configuration) -> None:
    await storage.write_qc(peers, write("value", 5), timeout=10).all()
    replies = [storage.read_nested_qc(peers, KEY, timeout=10).async_all() for _ in range(50)]
    assert await asyncio.gather(*replies) == [entry("value", 5)] * 50


async def eventually_at(peers: gorums.Configuration, expected: ReadResponse) -> None:
    """Waits until each of them has it: nothing announces that a one-way message was handled."""
    missing = True
    async with asyncio.timeout(LIMIT):
        while missing:
            replies = await storage.read_qc(peers, KEY, timeout=10).collect_all()
            missing = replies != dict.fromkeys([1, 2, 3], expected)
