"""Windows: nobody sends more than the other allows, and who falls behind stops the other."""

from __future__ import annotations

import pytest

from pygorums.transports.http2.events import MessagesReceived, RequestReceived, StreamEnded, Writable
from pygorums.transports.http2.limits import Limits
from pygorums.transports.http2.receiving import reopening
from pygorums.transports.http2.server import ServerConnection
from pygorums.transports.http2.status import Code, Status
from tests.unit.transports.http2.pair import Pair, messages_of
from tests.unit.transports.http2.raw import (
    DATA,
    PATH,
    PING,
    PREFACE,
    WINDOW_UPDATE,
    Reader,
    data,
    frame,
    message,
    parse,
    receive,
    request,
    setting,
    update,
)


@pytest.mark.parametrize(
    ("window", "left", "unconsumed", "more"),
    [
        (100, 100, 0, 0),
        (100, 51, 0, 0),
        (100, 50, 0, 50),
        (100, 0, 0, 100),
        (100, -20, 0, 120),
        (100, 0, 51, 0),
        (100, 0, 50, 50),
        (100, 20, 50, 0),
        (100, 0, 100, 0),
        (100, 0, 250, 0),
        (1, 0, 0, 1),
        (1, 1, 0, 0),
    ],
)
def test_windows_are_opened_again_by_halves(window: int, left: int, unconsumed: int, more: int) -> None:
    assert reopening(window, left, unconsumed) == more


def server_with_stream(*settings: tuple[int, int]) -> tuple[ServerConnection, Reader, RequestReceived]:
    server = ServerConnection({PATH})
    reader = Reader(server)
    [event] = receive(server, PREFACE, setting(*settings), request(1))
    assert isinstance(event, RequestReceived)
    event.stream.respond()
    reader.take()
    return server, reader, event


def sizes(reader: Reader) -> list[int]:
    return [len(found.payload) for found in reader.take() if found.kind == DATA]


def test_data_stop_at_the_stream_s_window() -> None:
    server, reader, event = server_with_stream((4, 10))
    stream = event.stream
    assert stream.room == 10
    stream.send([b"x" * 20])
    assert sizes(reader) == [10]
    assert stream.waiting == 15
    assert stream.room == 0
    assert receive(server, update(1, 1)) == []
    assert sizes(reader) == [1]
    assert receive(server, update(0, 1000)) == []
    assert sizes(reader) == []
    assert receive(server, update(1, 100)) == [Writable(stream)]
    assert sizes(reader) == [14]
    assert stream.room == 86


def test_data_stop_at_the_connection_s_window() -> None:
    server, reader, event = server_with_stream((4, 1 << 20), (5, 1 << 20))
    event.stream.send([b"x" * 100_000])
    assert sum(sizes(reader)) == 65_535
    assert receive(server, update(1, 1000)) == []
    assert sizes(reader) == []
    assert receive(server, update(0, 40_000)) == [Writable(event.stream)]
    assert sizes(reader) == [100_005 - 65_535]


def test_streams_have_their_turns_when_the_connection_opens_again() -> None:
    server, reader, event = server_with_stream((4, 1 << 30))
    [other] = receive(server, request(3))
    assert isinstance(other, RequestReceived)
    other.stream.respond()
    event.stream.send([bytes(200_000)])
    other.stream.send([bytes(200_000)])
    reader.take()
    served = []
    for _ in range(4):
        receive(server, update(0, 10_000))
        served += [found.stream for found in reader.take() if found.kind == DATA]
    assert served == [1, 3, 1, 3]


def test_frames_are_no_larger_than_the_peer_takes() -> None:
    server, reader, event = server_with_stream((4, 1 << 20), (5, 20_000))
    receive(server, update(0, 1 << 20))
    event.stream.send([b"x" * 50_000])
    assert sizes(reader) == [20_000, 20_000, 10_005]


def test_a_peer_s_smaller_initial_window_counts_for_open_streams() -> None:
    server, reader, event = server_with_stream((4, 100))
    event.stream.send([b"x" * 45])
    assert sizes(reader) == [50]
    receive(server, setting((4, 20)))  # 30 more than it takes have been sent
    assert event.stream.room == 0
    event.stream.send([b"y" * 5])
    assert sizes(reader) == []
    receive(server, update(1, 30))
    assert sizes(reader) == []
    assert receive(server, setting((4, 30))) == [Writable(event.stream)]
    assert sizes(reader) == [10]
    assert event.stream.room == 0


def test_a_window_of_one_byte() -> None:
    server, reader, event = server_with_stream((4, 1))
    event.stream.send([b"abc"])
    written = sizes(reader)
    while event.stream.waiting:
        receive(server, update(1, 1))
        written += sizes(reader)
    assert written == [1] * 8


def test_empty_batches_write_nothing() -> None:
    _, reader, event = server_with_stream()
    event.stream.send([])
    assert reader.take() == []
    event.stream.send([b""])
    assert sizes(reader) == [5]


def test_trailers_wait_for_the_data_before_them() -> None:
    pair = Pair(client=Limits(stream_window=100, connection_window=100))
    ours, theirs = pair.open()
    pair.held = True
    theirs.send([b"x" * 1000] * 70)
    theirs.finish(Status(Code.OK))
    events, _ = pair.run()
    assert not ours.closed
    assert len(messages_of(events)) < 70
    while not ours.closed:
        ours.consumed(1 << 20)
        events += pair.run()[0]
    assert messages_of(events) == [b"x" * 1000] * 70
    assert isinstance(events[-1], StreamEnded)
    assert events[-1].status == Status(Code.OK)


def test_a_server_that_falls_behind_stops_its_client() -> None:
    limits = Limits(stream_window=100_000)
    pair = Pair(server=limits)
    ours, theirs = pair.open()
    pair.held = True
    sent = 0
    received = []
    while not ours.waiting:
        ours.send([sent.to_bytes(995, "big")])
        sent += 1
        received += messages_of(pair.run()[1])
        assert sent < 1000
    assert len(received) == 100
    # Less than half: nothing.
    theirs.consumed(49_000)
    assert pair.run() == ([], [])
    assert ours.waiting
    theirs.consumed(1_000)
    at_client, at_server = pair.run()
    assert at_client == [Writable(ours)]
    received += messages_of(at_server)
    assert [int.from_bytes(part, "big") for part in received] == list(range(101))


def test_a_message_larger_than_all_windows_arrives() -> None:
    pair = Pair(server=Limits(stream_window=1000, connection_window=1000, max_message=1 << 20))
    ours, _ = pair.open()
    ours.send([b"a", bytes(1 << 20), b"b"])
    assert [len(part) for part in messages_of(pair.run()[1])] == [1, 1 << 20, 1]


def test_prefixes_arrive_through_windows_of_a_byte() -> None:
    pair = Pair(server=Limits(stream_window=1))
    ours, _ = pair.open()
    ours.send([b"ab", b"", b"c"])
    assert messages_of(pair.run()[1]) == [b"ab", b"", b"c"]


def test_a_stream_that_is_not_consumed_leaves_room_for_others() -> None:
    pair = Pair(server=Limits(stream_window=100_000, connection_window=250_000))
    first, _ = pair.open()
    second, _ = pair.open()
    pair.held = True
    first.send([bytes(50_000)] * 10)
    pair.run()
    pair.held = False
    for _ in range(100):
        second.send([bytes(9_995)])
        pair.run()
        assert not second.waiting


def test_what_a_dead_stream_held_is_given_back() -> None:
    pair = Pair(server=Limits(stream_window=70_000, connection_window=70_000))
    pair.held = True
    for _ in range(20):
        ours, theirs = pair.open()
        ours.send([bytes(30_000), bytes(30_000)])
        pair.run()
        assert pair.server.unconsumed == 60_010
        ours.reset()
        pair.run()
        assert theirs.closed
        assert pair.server.unconsumed == 0
        theirs.consumed(60_010)  # too late, and harmless
        assert pair.server.unconsumed == 0
    assert pair.server.partial == 0


def test_data_for_nobody_are_counted_and_given_back() -> None:
    server, reader, event = server_with_stream()
    event.stream.finish(Status(Code.OK))
    reader.take()
    for _ in range(200):
        receive(server, data(1, message(bytes(5_000))))
    updates = [found.stream for found in reader.take() if found.kind == WINDOW_UPDATE]
    assert set(updates) <= {0}


def test_windows_hold_before_our_settings_are_known() -> None:
    """A peer may use the window of HTTP/2 until it has read ours, which is smaller."""
    server = ServerConnection({PATH}, limits=Limits(stream_window=1000))
    events = receive(server, PREFACE, setting(), request(1), data(1, message(bytes(16_000))) * 4)
    assert [type(event) for event in events] == [RequestReceived, MessagesReceived]
    receive(server, setting(flags=1))
    assert not server.ended
    assert list(server.streams) == [1]
    # From here on it knows.
    [ended] = receive(server, data(1, message(b"x")))
    assert isinstance(ended, StreamEnded)
    assert ended.status.code == Code.INTERNAL


def test_what_was_used_before_the_peer_knew_our_settings_is_given_back() -> None:
    server = ServerConnection({PATH}, limits=Limits(stream_window=1000))
    reader = Reader(server)
    events = receive(server, PREFACE, setting(), request(1), data(1, message(bytes(2000))))
    assert isinstance(events[-1], MessagesReceived)
    events[-1].stream.consumed(events[-1].size)
    reader.take()
    receive(server, setting(flags=1))  # it may send no more, by 1005
    assert [(found.kind, found.stream, found.payload) for found in reader.take()] == [
        (WINDOW_UPDATE, 1, (2005).to_bytes(4, "big"))
    ]


def test_no_window_of_a_stream_that_is_over_is_opened() -> None:
    pair = Pair()
    ours, theirs = pair.open()
    pair.held = True
    ours.send([bytes(500_000)] * 2)
    pair.run()
    theirs.reset()
    reader = Reader(pair.server)
    reader.take()
    theirs.consumed(1_000_010)
    theirs.reopen()
    assert [found for found in reader.take() if found.kind == WINDOW_UPDATE and found.stream] == []


def test_answers_have_their_turns_within_a_large_message() -> None:
    server = ServerConnection({PATH}, limits=Limits(max_burst=50_000))
    [event] = receive(server, PREFACE, setting((4, 1 << 20)), update(0, 1 << 20), request(1))
    assert isinstance(event, RequestReceived)
    event.stream.respond()
    server.take()
    event.stream.send([bytes(199_995)])
    written = []
    while server.held_back:
        assert event.stream.waiting
        receive(server, frame(PING, 0, 0, b"12345678"))
        written.append([(found.kind, len(found.payload)) for found in parse(b"".join(server.take()))])
        resumed = server.resume()
    assert written == [[(DATA, 16_384)] * 4 + [(PING, 8)]] * 3
    assert resumed == [Writable(event.stream)]
    assert not event.stream.waiting
    assert sum(len(found.payload) for found in parse(b"".join(server.take()))) == 200_000 - 3 * 65_536
