import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

import pygorums as gorums
from examples.storage.quorum import majority, newest, read_newest, written_by_majority
from examples.storage.server import StorageImpl
from examples.storage.storage_gorums import read_qc, write_qc
from examples.storage.storage_pb2 import ReadRequest, ReadResponse, WriteRequest, WriteResponse
from tests.support.cluster import cluster_of


def reply(value: str, seconds: int) -> ReadResponse:
    return ReadResponse(OK=True, value=value, time=Timestamp(seconds=seconds))


MISSING = ReadResponse()
OLD = reply("old", 1)
NEW = reply("new", 2)
BEFORE_1970 = reply("ancient", -1)


@pytest.mark.parametrize(("size", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_majority(size: int, needed: int) -> None:
    assert majority(size) == needed


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([OLD], OLD),
        ([OLD, NEW], NEW),
        ([NEW, OLD, OLD], NEW),
        ([MISSING, OLD, MISSING], OLD),
        ([MISSING, BEFORE_1970], BEFORE_1970),
        ([MISSING, MISSING], MISSING),
    ],
)
def test_newest(replies: list[ReadResponse], expected: ReadResponse) -> None:
    assert newest(replies) == expected


class Scripted(StorageImpl):
    """Answers what it was told to; None is an error."""

    def __init__(self, read: ReadResponse | None = None, new: bool | None = None) -> None:
        super().__init__()
        self.read = read
        self.new = new

    async def read_qc(self, ctx: gorums.ServerContext, request: ReadRequest) -> ReadResponse:
        if self.read is None:
            raise gorums.StatusError(grpc.StatusCode.UNAVAILABLE, "out of order")
        return self.read

    async def write_qc(self, ctx: gorums.ServerContext, request: WriteRequest) -> WriteResponse:
        if self.new is None:
            raise gorums.StatusError(grpc.StatusCode.UNAVAILABLE, "out of order")
        return WriteResponse(new=self.new)


@pytest.mark.parametrize(
    ("replies", "expected"),
    [([OLD, NEW, OLD], NEW), ([OLD, MISSING, None], OLD), ([None, None, MISSING], MISSING)],
)
async def test_a_read_gives_the_newest_of_all_replies(
    replies: list[ReadResponse | None], expected: ReadResponse
) -> None:
    async with cluster_of(3, lambda number: Scripted(read=replies[number - 1])) as cluster:
        assert await read_newest(read_qc(cluster.config, ReadRequest(key="key"), timeout=10)) == expected


async def test_a_read_without_replies_is_incomplete() -> None:
    async with cluster_of(3, lambda _: Scripted()) as cluster:
        with pytest.raises(gorums.IncompleteError) as caught:
            await read_newest(read_qc(cluster.config, ReadRequest(key="key"), timeout=10))
        assert caught.value.replies == 0
        assert caught.value.node_errors.keys() == {1, 2, 3}


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ([True], True),
        ([False], False),
        ([True, True, False], True),
        ([True, False, False], False),
        ([True, True, None], True),
        ([True, False, None], False),
        ([True, True, True, False], True),
        ([True, True, False, False], False),
        ([True, True, False, None], False),
    ],
)
async def test_a_write_succeeds_if_a_majority_took_it(taken: list[bool | None], expected: bool) -> None:
    async with cluster_of(len(taken), lambda number: Scripted(new=taken[number - 1])) as cluster:
        responses = write_qc(cluster.config, WriteRequest(key="key"), timeout=10)
        assert await written_by_majority(responses) is expected


@pytest.mark.parametrize("taken", [[None], [True, None], [True, None, None], [False, None, None]])
async def test_a_write_that_no_majority_answered_is_incomplete(taken: list[bool | None]) -> None:
    async with cluster_of(len(taken), lambda number: Scripted(new=taken[number - 1])) as cluster:
        with pytest.raises(gorums.IncompleteError) as caught:
            await written_by_majority(write_qc(cluster.config, WriteRequest(key="key"), timeout=10))
        assert len(caught.value.node_errors) == taken.count(None)
        assert caught.value.caused_by(grpc.StatusCode.UNAVAILABLE)
