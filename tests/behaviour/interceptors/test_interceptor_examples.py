"""The interceptors of examples/interceptors do what they say."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import pytest

import pygorums as gorums
from examples.interceptors.client import Counter, from_node, keep_if, log_responses, value_for_node
from examples.interceptors.server import (
    DELAY_PER_CHARACTER,
    delayed_interceptor,
    logging_interceptor,
    metadata_interceptor,
    no_foo,
)
from examples.storage.server import StorageImpl
from examples.storage.storage_gorums import (
    read_correctable,
    read_qc,
    read_rpc,
    write_multicast,
    write_qc,
    write_rpc,
    write_unicast,
)
from examples.storage.storage_pb2 import ReadRequest, ReadResponse, WriteRequest
from tests.support.cluster import Cluster, cluster_of, connected, serving
from tests.support.waiting import until, within


class Replica(StorageImpl):
    """A replica that remembers what its handlers saw of metadata."""

    def __init__(self) -> None:
        super().__init__()
        self.metadata: list[gorums.Metadata] = []

    async def read_rpc(self, ctx: gorums.ServerContext, request: ReadRequest) -> ReadResponse:
        self.metadata.append(ctx.metadata)
        return await super().read_rpc(ctx, request)


@pytest.fixture
async def three_replicas() -> AsyncIterator[Cluster[Replica]]:
    """Three replicas of the store."""
    async with cluster_of(3, lambda number: Replica()) as cluster:
        yield cluster


async def calls(interceptors: Sequence[gorums.ServerInterceptor]) -> Replica:
    """Makes a few calls to a server with these interceptors."""
    replica = Replica()
    async with serving(replica, interceptors=interceptors) as address, connected([address]) as config:
        await within(write_rpc(config[0], WriteRequest(key="k", value="v")))
        await within(read_rpc(config[0], ReadRequest(key="k")))
        await within(write_unicast(config[0], WriteRequest(key="k", value="w")))
        await within(read_correctable(config, ReadRequest(key="k")).collect_all())
    return replica


async def test_logging_at_the_server() -> None:
    lines: list[str] = []
    await calls([logging_interceptor("replica-1", lines.append)])
    assert all(line.startswith("[replica-1] proto.Storage.") for line in lines)
    asked, answered, *_ = lines
    assert "WriteRPC from ipv4:127.0.0.1:" in asked
    assert 'key: "k" value: "v"' in asked
    assert "WriteRPC took" in answered
    assert answered.endswith("ms: new: true")
    methods = ["WriteRPC"] * 2 + ["ReadRPC"] * 2 + ["WriteUnicast"] * 2 + ["ReadCorrectable"] * 3
    assert [line.split()[1].rpartition(".")[2] for line in lines] == methods
    assert lines[5].endswith("no reply")
    assert 'reply 1: OK: true value: "w"' in lines[7]
    assert lines[8].endswith(": 1 reply")


async def test_logging_of_errors_at_the_server() -> None:
    lines: list[str] = []
    async with (
        serving(StorageImpl(), interceptors=[logging_interceptor("r", lines.append), no_foo]) as address,
        connected([address]) as config,
    ):
        with pytest.raises(gorums.StatusError):
            await within(read_rpc(config[0], ReadRequest(key="foo")))
        with pytest.raises(gorums.IncompleteError):
            await within(read_correctable(config, ReadRequest(key="foo")).first())
    assert [("not allowed" in line) for line in lines] == [False, True, False, True]


async def test_logging_goes_to_a_logger_by_default(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "examples.interceptors"):
        await calls([logging_interceptor("r")])
    assert "[r] proto.Storage.ReadRPC took" in caplog.text


async def test_no_foo() -> None:
    """Requests for other keys, and those that have no key, pass.

    Rows: 253.
    """
    replica = Replica()
    async with serving(replica, interceptors=[no_foo]) as address, connected([address]) as config:
        for call in (write_rpc(config[0], WriteRequest(key="foo")), read_rpc(config[0], ReadRequest(key="foo"))):
            with pytest.raises(gorums.StatusError, match="key 'foo' are not allowed") as error:
                await within(call)
            assert error.value.code == grpc.StatusCode.PERMISSION_DENIED
        assert (await within(write_rpc(config[0], WriteRequest(key="foobar")))).new
    assert replica.metadata == []


async def test_metadata_for_the_handler() -> None:
    """Rows: 257."""
    replica = await calls([metadata_interceptor])
    assert [metadata["custom-key"] for metadata in replica.metadata] == ["custom value"]


@pytest.mark.parametrize("seconds", [None, 0.5])
async def test_a_delay(monkeypatch: pytest.MonkeyPatch, seconds: float | None) -> None:
    """By default it depends on the sender's address."""
    slept: list[float] = []
    sleep = asyncio.sleep

    async def note(delay: float) -> None:
        if delay >= 0.5:
            slept.append(delay)
            delay = 0
        await sleep(delay)

    peers: list[str] = []

    async def look(ctx: gorums.ServerContext, request: object, call_next: Any) -> object:
        peers.append(ctx.peer)
        return await call_next(ctx, request)

    monkeypatch.setattr(asyncio, "sleep", note)
    await calls([look, delayed_interceptor(seconds)])
    assert len(slept) == 4
    expected = {DELAY_PER_CHARACTER * len(peer) for peer in peers} if seconds is None else {0.5}
    assert set(slept) == expected


async def test_another_request_for_each_node(three_replicas: Cluster[Replica]) -> None:
    """For quorum calls and for multicasts.

    Rows: 199, 200.
    """
    config, chain = three_replicas.config, [value_for_node]
    await within(write_qc(config, WriteRequest(key="a", value="x"), interceptors=chain).all())
    await within(write_multicast(config, WriteRequest(key="b", value="y"), interceptors=chain))
    for node in config:
        assert (await within(read_rpc(node, ReadRequest(key="a")))).value == f"x-node-{node.id}"
        assert (await within(read_rpc(node, ReadRequest(key="b")))).value == f"y-node-{node.id}"


async def test_another_reply_of_each_node(three_replicas: Cluster[Replica]) -> None:
    config = three_replicas.config
    await within(write_qc(config, WriteRequest(key="a", value="x")).all())
    replies = await within(read_qc(config, ReadRequest(key="a"), interceptors=[from_node]).collect_all())
    assert {node_id: reply.value for node_id, reply in replies.items()} == {
        node.id: f"x from node {node.id}" for node in config
    }


async def test_dropping_replies(three_replicas: Cluster[Replica]) -> None:
    config = three_replicas.config
    await within(write_rpc(config[1], WriteRequest(key="a", value="x")))
    found: gorums.Interceptor[Any, ReadResponse] = keep_if(lambda reply: reply.OK)
    replies = await within(read_qc(config, ReadRequest(key="a"), interceptors=[found]).collect_all())
    assert list(replies) == [2]
    assert (await within(read_qc(config, ReadRequest(key="a"), interceptors=[found]).first())).value == "x"
    with pytest.raises(gorums.IncompleteError) as error:
        await within(read_qc(config, ReadRequest(key="a"), interceptors=[found]).majority())
    assert (error.value.replies, sorted(error.value.node_errors)) == (1, [1, 3])
    assert error.value.caused_by(gorums.RejectedError)


async def test_errors_are_not_dropped(three_replicas: Cluster[Replica]) -> None:
    await three_replicas.servers[2].stop()
    config = three_replicas.config
    await until(lambda: not config[2].connected)
    nothing: gorums.Interceptor[Any, ReadResponse] = keep_if(lambda reply: False)
    responses = [r async for r in read_qc(config, ReadRequest(key="a"), interceptors=[nothing])]
    assert [r.node_id for r in responses] == [3]


async def test_counting(three_replicas: Cluster[Replica]) -> None:
    """Rows: 246."""
    counter = Counter()
    chain: list[gorums.Interceptor[Any, Any]] = [counter]
    await within(read_qc(three_replicas.config, ReadRequest(key="a"), interceptors=chain).all())
    assert counter.count == 3
    await within(write_multicast(three_replicas.config, WriteRequest(key="a"), interceptors=chain))
    assert counter.count == 6
    await within(read_rpc(three_replicas.node, ReadRequest(key="a"), interceptors=chain))
    assert counter.count == 7


async def test_logging_at_the_client(three_replicas: Cluster[Replica], caplog: pytest.LogCaptureFixture) -> None:
    """Rows: 243."""
    with caplog.at_level(logging.INFO, "examples.interceptors"):
        await within(read_qc(three_replicas.config, ReadRequest(key="a"), interceptors=[log_responses]).majority())
    first, *middle, last = [record.getMessage() for record in caplog.records]
    assert first == 'proto.Storage.ReadQC to 3 nodes: key: "a"'
    assert len(middle) == 2
    assert all(line.endswith("replied") for line in middle)
    assert "2 responses in" in last, "also when the caller has seen enough"
    await three_replicas.servers[0].stop()
    await until(lambda: not three_replicas.node.connected)
    caplog.clear()
    with caplog.at_level(logging.INFO, "examples.interceptors"), pytest.raises(gorums.StatusError):
        await within(read_rpc(three_replicas.node, ReadRequest(key="a"), interceptors=[log_responses]))
    assert "proto.Storage.ReadRPC: node 1 failed: node 1: UNAVAILABLE" in caplog.text
