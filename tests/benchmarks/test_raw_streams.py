"""Baseline R: how messages are cut, and its rounds over real connections."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.servers.raw import Frames, framed, serve_raw
from benchmarks.subjects.raw_streams import RawStreams
from tests.support.waiting import within

Raw = list[tuple[str, int]]


@settings(deadline=None)  # a machine that is busy is no failure
@given(st.lists(st.binary(max_size=300), max_size=20), st.lists(st.integers(1, 50), min_size=1))
def test_messages_are_the_same_however_they_arrive(messages: list[bytes], sizes: list[int]) -> None:
    data = b"".join(map(framed, messages))
    frames = Frames()
    found: list[bytes] = []
    position = number = 0
    while position < len(data):
        size = sizes[number % len(sizes)]
        found += frames.feed(data[position : position + size])
        position, number = position + size, number + 1
    assert found == list(map(framed, messages))


@pytest.mark.parametrize(("nodes", "quorum"), [(3, 2), (3, 3), (1, 1)])
@pytest.mark.parametrize("payload", [0, 1 << 20])
async def test_rounds_are_made_by_each_caller(raw: Raw, nodes: int, quorum: int, payload: int) -> None:
    streams = await within(RawStreams.connect(raw))
    try:
        load = streams.load(nodes, quorum, 4, payload)
        for _ in range(2):
            outcome = await within(load(0.01))
            assert outcome.ops >= 4
            assert outcome.elapsed >= 0.01
            assert outcome.latency is not None
    finally:
        streams.close()


async def test_rounds_of_a_server_that_ends_fail() -> None:
    async with serve_raw("127.0.0.1") as first, serve_raw("127.0.0.1") as second:
        async with serve_raw("127.0.0.1") as third:
            streams = await within(RawStreams.connect([("127.0.0.1", port) for port in (first, second, third)]))
            under_way = asyncio.ensure_future(streams.load(3, 3, 2, 0)(60))
            await within(streams.load(3, 3, 1, 0)(0))  # so the others have begun
        with pytest.raises(ConnectionError, match="has closed the connection"):
            await within(under_way)
        with pytest.raises(ConnectionError, match="has closed the connection"):
            await within(streams.load(3, 3, 1, 0)(0))
        streams.close()


async def test_a_server_that_is_not_there(raw: Raw) -> None:
    async with serve_raw("127.0.0.1") as port:
        pass
    with pytest.raises(OSError, match=str(port)):
        await within(RawStreams.connect([*raw, ("127.0.0.1", port)]))
