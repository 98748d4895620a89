"""What peers can make us hold is bounded, whatever they leave unfinished."""

from __future__ import annotations

import tracemalloc

import pytest

from pygorums.transports.http2.events import MessagesReceived, StreamEnded
from pygorums.transports.http2.limits import Limits
from pygorums.transports.http2.status import Code
from tests.unit.transports.http2.opened import opened
from tests.unit.transports.http2.raw import (
    CONTINUATION,
    END_HEADERS,
    GRPC,
    HEADERS,
    block,
    data,
    frame,
    literal,
    message,
    parse,
    receive,
    request,
    setting,
)

NOT_GRPC = ((":method", "GET"), (":scheme", "http"), (":path", "/"))


def test_ten_thousand_streams() -> None:
    server = opened()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for stream in range(1, 20_001, 2):
            receive(server, request(stream))
            server.take()
            assert len(server.streams) <= 100
            if server.ended:
                break
        assert server.ended
        assert tracemalloc.get_traced_memory()[0] - before < 2 << 20
    finally:
        tracemalloc.stop()


def test_ended_streams_that_the_client_keeps_open_do_not_pile_up() -> None:
    server = opened()
    for stream in range(1, 400, 2):
        receive(server, request(stream, NOT_GRPC), now=float(stream))
    assert len(server.streams) <= 16
    assert not server.ended


def test_fields_that_never_end() -> None:
    server = opened()  # CVE-2024-27316
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        receive(server, frame(HEADERS, 0, 1, block(*GRPC)))
        for n in range(10_000):
            receive(server, frame(CONTINUATION, 0, 1, literal(f"x{n}", "y" * 1000)))
            if server.ended:
                break
        assert server.ended
        assert tracemalloc.get_traced_memory()[0] - before < 1 << 20
    finally:
        tracemalloc.stop()
    assert parse(b"".join(server.take()))[-1].payload[4:8] == b"\0\0\0\x0b"


def test_a_frame_that_never_ends_is_not_waited_for_with_more_than_its_size() -> None:
    server = opened()
    receive(server, frame(HEADERS, END_HEADERS, 1, bytes(60_000))[:-1])
    assert not server.ended
    receive(server, b"\0")
    assert server.ended


def test_unknown_settings_are_not_kept() -> None:
    server = opened()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for start in range(100, 60_000, 4000):
            receive(server, setting(*((key, 1) for key in range(start, start + 4000))))
            server.take()
        assert not server.ended
        assert tracemalloc.get_traced_memory()[0] - before < 300_000
    finally:
        tracemalloc.stop()


def test_messages_that_never_end_are_bounded_for_the_connection() -> None:
    server = opened(Limits(max_partial=1 << 20, max_message=1 << 20))
    events = []
    for stream in range(1, 40, 2):
        events += receive(server, request(stream), data(stream, b"\0\0\x0f\xff\xff" + bytes(60_000)))
    ended = [event for event in events if isinstance(event, StreamEnded)]
    assert len(ended) == 3
    assert {event.status.code for event in ended} == {Code.RESOURCE_EXHAUSTED}
    assert not server.ended


@pytest.mark.parametrize("piece", [1, 2, 1500])
def test_a_message_in_pieces_takes_no_more_memory_than_it_has(piece: int) -> None:
    """Each piece comes alone, and is followed by a lot for another stream, the memory of which is not kept."""
    server = opened()
    receive(server, request(1), request(3), data(1, b"\0\0\x40\0\0"))
    other = data(3, message(bytes(60_000)))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(300):
            for event in receive(server, data(1, b"x" * piece), other):
                if isinstance(event, MessagesReceived):
                    event.stream.consumed(event.size)
                del event
            server.take()
        assert not server.ended
        assert server.partial == 300 * piece
        assert tracemalloc.get_traced_memory()[0] - before < 2 * server.partial + 100_000
    finally:
        tracemalloc.stop()


def test_a_message_byte_by_byte_takes_no_more_memory_than_it_has() -> None:
    server = opened()
    receive(server, request(1))
    raw = frame(0, 0, 1, b"\0\0\x40\0\0" + bytes(20_000))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for at in range(0, len(raw), 2):
            receive(server, raw[at : at + 2])
            server.take()
        assert server.partial == 20_000
        assert tracemalloc.get_traced_memory()[0] - before < 60_000
    finally:
        tracemalloc.stop()
