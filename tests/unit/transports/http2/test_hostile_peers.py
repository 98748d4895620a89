"""Peers that send what costs us and brings nothing: the connection ends with a code, and memory stays bounded."""

from __future__ import annotations

import pytest

from pygorums.transports.http2.client import ClientConnection
from pygorums.transports.http2.codes import ErrorCode
from pygorums.transports.http2.events import MessagesReceived, RequestReceived, Terminated
from pygorums.transports.http2.limits import Limits
from pygorums.transports.http2.server import ServerConnection
from pygorums.transports.http2.status import Code, Status
from tests.unit.transports.http2.opened import opened
from tests.unit.transports.http2.raw import (
    ACK,
    CONTINUATION,
    END_HEADERS,
    GOAWAY,
    GRPC,
    HEADERS,
    PATH,
    PING,
    PRIORITY,
    RST_STREAM,
    Reader,
    block,
    data,
    frame,
    literal,
    message,
    number,
    parse,
    receive,
    request,
    reset,
    setting,
    update,
)


def flood(server: ServerConnection, what: bytes, *, most: int = 3000, reads: bool = True) -> Terminated:
    """Send it until the connection ends; the owner writes what there is, if the peer reads."""
    for _ in range(most):
        events = receive(server, what)
        if reads and not server.ended:
            server.take()
        if server.ended:
            [end] = [event for event in events if isinstance(event, Terminated)]
            last = parse(b"".join(server.take()))[-1]
            assert last.kind == GOAWAY
            assert int.from_bytes(last.payload[4:8], "big") == end.code
            return end
    raise AssertionError("the connection goes on")


FLOODS = {
    "pings (CVE-2019-9512)": frame(PING, 0, 0, b"12345678"),
    "answers to pings": frame(PING, ACK, 0, b"12345678"),
    "settings (CVE-2019-9515)": setting((4, 65_535)),
    "empty settings": setting(),
    "acknowledgements": frame(4, ACK),
    "priorities (CVE-2019-9513)": frame(PRIORITY, 0, 3, b"\0\0\0\1\7"),
    "empty data (CVE-2019-9518)": data(3, b""),
    "padding only": data(3, b"\3\0\0\0", 8),
    "updates of the connection's window": update(0, 1),
    "updates of a stream's window": update(3, 1),
    "resets of a stream that is over": reset(1),
    "unknown frames": frame(0x77, 0, 0, b"x"),
    "farewells": frame(GOAWAY, 0, 0, bytes(8)),
}
NOT_GRPC = ((":method", "GET"), (":scheme", "http"), (":path", "/"))


def with_streams() -> ServerConnection:
    """Stream 1 is over, and stream 3 is open."""
    server = opened()
    receive(server, request(1, NOT_GRPC, end=True), request(3))
    assert list(server.streams) == [3]
    return server


@pytest.mark.parametrize("what", FLOODS.values(), ids=FLOODS.keys())
def test_frames_that_carry_nothing(what: bytes) -> None:
    assert flood(with_streams(), what).code == ErrorCode.ENHANCE_YOUR_CALM


def test_a_message_in_tiny_pieces() -> None:
    # The prefix is of a message of a megabyte, whatever follows.
    assert flood(with_streams(), data(3, b"\0\0\x10")).code == ErrorCode.ENHANCE_YOUR_CALM


@pytest.mark.parametrize("what", FLOODS.values(), ids=FLOODS.keys())
def test_the_same_at_the_pace_of_ordinary_peers(what: bytes) -> None:
    server = with_streams()
    for second in range(100):
        receive(server, what * 50, now=float(second))
        server.take()
    assert not server.ended


@pytest.mark.parametrize("what", FLOODS.values(), ids=FLOODS.keys())
def test_the_same_among_messages(what: bytes) -> None:
    server = with_streams()
    for _ in range(2000):
        for event in receive(server, data(3, message(bytes(20))), what):
            if isinstance(event, MessagesReceived):
                event.stream.consumed(event.size)
        server.take()
    assert not server.ended


def streams_in_turn(each: bytes) -> ServerConnection:
    server = opened()
    for stream in range(1, 20_001, 2):
        events = receive(server, request(stream), each.replace(b"\0\0\0\1", stream.to_bytes(4, "big")))
        server.take()
        if server.ended:
            assert isinstance(events[-1], Terminated)
            assert events[-1].code == ErrorCode.ENHANCE_YOUR_CALM
            assert stream < 1000
            return server
    raise AssertionError("the connection goes on")


def test_rapid_reset() -> None:
    streams_in_turn(reset(1))  # CVE-2023-44487


@pytest.mark.parametrize(
    "what",
    [update(1, 0), update(1, (1 << 31) - 1), frame(PRIORITY, 0, 1, bytes(4)), request(1)],
    ids=["an update by 0", "an overflowing update", "a short priority", "fields twice"],
)
def test_made_you_reset(what: bytes) -> None:
    """CVE-2025-8671: the server resets, because of what the client does wrong on streams that are all right."""
    server = opened()
    for stream in range(1, 20_001, 2):
        again = what if what != request(1) else request(stream)
        again = again[:5] + stream.to_bytes(4, "big") + again[9:]
        receive(server, request(stream), again)
        server.take()
        if server.ended:
            assert stream < 1000
            return
    raise AssertionError("the connection goes on")


def test_empty_names_of_fields() -> None:
    server = opened()  # CVE-2019-9516
    for stream in range(1, 20_001, 2):
        receive(server, frame(HEADERS, END_HEADERS, stream, b"\0\0\0" * 50))
        server.take()
        if server.ended:
            return
    raise AssertionError("the connection goes on")


def test_a_stream_too_many_is_refused_and_the_others_go_on() -> None:
    server = opened()
    for stream in range(1, 220, 2):
        receive(server, request(stream))
    assert not server.ended
    found = [f for f in parse(b"".join(server.take())) if f.kind == RST_STREAM]
    assert [f.stream for f in found] == list(range(201, 220, 2))
    assert {f.payload for f in found} == {b"\0\0\0\7"}
    assert [type(event) for event in receive(server, data(1, message(b"x")))] == [MessagesReceived]


def test_empty_continuations() -> None:
    server = opened()
    receive(server, frame(HEADERS, 0, 1, block(*GRPC)))
    assert flood(server, frame(CONTINUATION, 0, 1), most=70).code == ErrorCode.ENHANCE_YOUR_CALM


def test_a_small_block_that_decodes_to_much() -> None:
    """A large entry of the table, and many references to it."""
    server = opened()
    bomb = b"\x40\1x" + number(3900, 7) + b"y" * 3900 + b"\xbe" * 10_000
    [end] = receive(server, frame(HEADERS, END_HEADERS, 1, block(*GRPC) + bomb))
    assert isinstance(end, Terminated)
    assert end.code == ErrorCode.ENHANCE_YOUR_CALM


def test_fields_a_little_too_large_cost_their_stream_only() -> None:
    server = opened()
    reader = Reader(server)
    reader.take()
    receive(server, frame(HEADERS, 0, 1, block(*GRPC)), frame(CONTINUATION, END_HEADERS, 1, literal("x", "y" * 16_300)))
    [answer] = reader.take()
    assert reader.fields(answer)[":status"] == "431"
    assert reader.fields(answer)["grpc-status"] == str(Code.RESOURCE_EXHAUSTED.value)
    assert [type(event) for event in receive(server, request(3))] == [RequestReceived]


def test_a_peer_that_does_not_read() -> None:
    """What waits for it is bounded: here answers to pings, in time that all are allowed."""
    server = opened()
    server.take()
    for second in range(1000):
        events = receive(server, frame(PING, 0, 0, b"12345678") * 50, now=float(second))
        if server.ended:
            assert isinstance(events[-1], Terminated)
            assert events[-1].code == ErrorCode.ENHANCE_YOUR_CALM
            break
    assert server.ended
    assert sum(map(len, server.take())) < Limits().max_unread + 50 * 17 + 200


def test_a_window_that_is_opened_byte_by_byte() -> None:
    """CVE-2019-9511: a large reply, which the client makes us cut into single bytes."""
    server = opened()
    receive(server, setting((4, 0)))
    [event] = receive(server, request(1))
    assert isinstance(event, RequestReceived)
    event.stream.respond()
    event.stream.send([bytes(1 << 20)])
    assert flood(server, update(1, 1)).code == ErrorCode.ENHANCE_YOUR_CALM


def test_many_changes_of_the_table_are_told_as_two() -> None:
    server = opened()
    reader = Reader(server)
    for _ in range(50):
        receive(server, setting((1, 0)), setting((1, 1 << 31)), setting((1, 100)), setting((1, 4096)))
    reader.take()
    receive(server, request(1, NOT_GRPC))
    answer, _, _ = reader.take()
    assert answer.payload.startswith(b"\x20\x3f\xe1\x1f")  # to 0, to 4096
    assert reader.fields(answer)[":status"] == "405"


def test_a_server_that_floods_its_client() -> None:
    client = ClientConnection("localhost")
    client.open(PATH)
    receive(client, setting())
    for _ in range(2000):
        events = receive(client, frame(PING, 0, 0, b"12345678"))
        client.take()
    assert client.ended
    assert not events
    assert not client.streams


@pytest.mark.parametrize("ended", ["reset", "finished"])
def test_small_messages_that_are_on_their_way_when_a_stream_ends(ended: str) -> None:
    """They are as many as the window takes, and no attack. More of them are."""
    server = opened(Limits(stream_window=100_000, connection_window=200_000))
    [event] = receive(server, request(1))
    assert isinstance(event, RequestReceived)
    event.stream.respond()
    if ended == "reset":
        event.stream.reset(ErrorCode.CANCEL)
    else:
        event.stream.finish(Status(Code.OK))
    for _ in range(100_000 // 8):
        assert receive(server, data(1, message(b"abc"))) == []
        server.take()
    assert not server.ended
    assert receive(server, request(3))
    for _ in range(2000):
        receive(server, data(1, message(b"abc")))
        server.take()
    assert server.ended
