"""What is held for all streams together."""

import grpc
import pytest

from pygorums import StatusError
from pygorums.serving.holdings import Holdings


class Stream:
    """So many bytes are held for it."""

    def __init__(self) -> None:
        self.held_bytes = self.counted = 0
        self.ended: StatusError | None = None

    def end(self, error: StatusError) -> None:
        assert self.ended is None
        self.ended = error


@pytest.fixture
def streams() -> list[Stream]:
    return [Stream() for _ in range(4)]


def holdings(limit: int, streams: list[Stream]) -> Holdings:
    held = Holdings(limit)
    for stream in streams:
        held.enter(stream, stream.end)
    return held


def test_the_greediest_is_ended(streams: list[Stream]) -> None:
    held = holdings(100, streams)
    for stream, size in zip(streams, (20, 50, 30, 0), strict=True):
        stream.held_bytes = size
        held.changed(stream)
    assert [stream.ended for stream in streams] == [None] * 4
    streams[3].held_bytes = 1
    held.changed(streams[3])
    assert [stream.ended is not None for stream in streams] == [False, True, False, False]
    assert streams[1].ended is not None
    assert streams[1].ended.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "50 bytes were held for this stream" in streams[1].ended.message


def test_what_is_held_no_longer_does_not_count(streams: list[Stream]) -> None:
    """Though nobody has told."""
    held = holdings(100, streams)
    streams[0].held_bytes = 90
    held.changed(streams[0])
    streams[0].held_bytes = 0
    for stream in streams[1:3]:
        stream.held_bytes = 45
        held.changed(stream)
    assert not any(stream.ended for stream in streams)
    held.leave(streams[1])
    streams[3].held_bytes = 50
    held.changed(streams[3])
    assert not any(stream.ended for stream in streams)


def test_as_many_as_it_takes(streams: list[Stream]) -> None:
    held = holdings(100, streams)
    for stream in streams[:3]:
        stream.held_bytes = 33
        held.changed(stream)
    for stream in streams[:3]:
        stream.held_bytes = 90
    streams[3].held_bytes = 20
    held.changed(streams[3])
    assert [stream.ended is not None for stream in streams].count(True) == 3 - (90 + 20 <= 100)
    assert streams[3].ended is None
    held.changed(streams[0])  # an ended one may still say something
    held.leave(streams[0])
