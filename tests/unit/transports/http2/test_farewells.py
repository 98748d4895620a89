"""How connections end: with notice or without, by either side, and what becomes of their streams."""

from __future__ import annotations

import gc

import pytest

from pygorums.transports.http2.client import ClientConnection
from pygorums.transports.http2.codes import ErrorCode
from pygorums.transports.http2.events import (
    Answered,
    GoingAway,
    PingAnswered,
    RequestReceived,
    StreamEnded,
    Terminated,
)
from pygorums.transports.http2.faults import CannotOpenError
from pygorums.transports.http2.server import ServerConnection
from pygorums.transports.http2.status import Code, Status
from pygorums.transports.http2.stream import Stream
from tests.unit.transports.http2.answering import OK_RESPONSE, client_with_stream, response
from tests.unit.transports.http2.pair import Pair, messages_of
from tests.unit.transports.http2.raw import (
    ACK,
    GOAWAY,
    PATH,
    PING,
    PREFACE,
    RST_STREAM,
    Reader,
    data,
    frame,
    message,
    receive,
    request,
    setting,
)


def goaway(last: int, code: int = 0, text: bytes = b"") -> bytes:
    return frame(GOAWAY, 0, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big") + text)


def test_a_server_goes_in_two_steps() -> None:
    server = ServerConnection({PATH})
    reader = Reader(server)
    receive(server, PREFACE, setting(), request(1))
    reader.take()
    server.shut_down()
    first, ping = reader.take()
    assert (first.kind, first.payload) == (GOAWAY, b"\x7f\xff\xff\xff" + bytes(4))
    assert ping.kind == PING
    # One that the client has opened before it could know is served.
    assert [type(event) for event in receive(server, request(3))] == [RequestReceived]
    assert not server.drained
    assert receive(server, frame(PING, ACK, 0, ping.payload)) == []
    [second] = reader.take()
    assert (second.kind, second.payload) == (GOAWAY, b"\0\0\0\3" + bytes(4))
    # One that it has opened after that is not looked at, nor what comes on it.
    assert receive(server, request(5), data(5, message(b"x"), 1)) == []
    assert reader.take() == []
    # Those from before go on to their ends.
    assert messages_of(receive(server, data(1, message(b"x")))) == [b"x"]
    for stream in tuple(server.streams.values()):
        assert not server.drained
        stream.remote_end([])
        stream.finish(Status(Code.OK))
    assert server.drained


def test_a_server_that_does_not_wait_for_the_answer() -> None:
    server = ServerConnection({PATH})
    reader = Reader(server)
    receive(server, PREFACE, setting(), request(1))
    server.shut_down()
    reader.take()
    server.shut_down()
    assert [found.payload[:4] for found in reader.take()] == [b"\0\0\0\1"]
    server.shut_down()
    assert reader.take() == []


def test_between_two_ends_of_ours() -> None:
    pair = Pair()
    ours, theirs = pair.open()
    pair.server.shut_down()
    at_client, _ = pair.run()
    assert at_client == [GoingAway(0, ""), GoingAway(0, "")]
    with pytest.raises(CannotOpenError):
        pair.client.open(PATH)
    ours.send([b"x"])
    theirs.send([b"y"])
    at_client, at_server = pair.run()
    assert (messages_of(at_client), messages_of(at_server)) == ([b"y"], [b"x"])
    theirs.finish(Status(Code.OK))
    [ended] = pair.run()[0]
    assert isinstance(ended, StreamEnded)
    assert ended.status.code is Code.OK
    assert pair.server.drained


def test_a_server_that_has_not_looked_at_a_stream() -> None:
    client, _, first = client_with_stream()
    second = client.open(PATH)
    events = receive(client, goaway(1, 0, b"max_age"))
    assert events == [
        GoingAway(0, "max_age"),
        StreamEnded(second, Status(Code.UNAVAILABLE, "the server goes away (NO_ERROR: max_age)"), untouched=True),
    ]
    # What it says of it nevertheless is passed over; the first goes on.
    assert receive(client, data(3, message(b"x"))) == []
    assert messages_of(receive(client, response(*OK_RESPONSE), data(1, message(b"x")))) == [b"x"]
    assert list(client.streams.values()) == [first]
    # It may say so twice, and then mean less.
    [_, ended] = receive(client, goaway(0, 11, b"too_many_pings"))
    assert isinstance(ended, StreamEnded)
    assert ended.untouched
    assert ended.status.message == "the server goes away (ENHANCE_YOUR_CALM: too_many_pings)"


@pytest.mark.parametrize("by_client", [True, False])
def test_to_close_ends_every_stream_at_both_ends(by_client: bool) -> None:
    pair = Pair()
    ours, theirs = pair.open()
    closing, other = (pair.client, pair.server) if by_client else (pair.server, pair.client)
    [ended] = closing.close(ErrorCode.NO_ERROR, "enough")
    assert isinstance(ended, StreamEnded)
    assert ended.stream is (ours if by_client else theirs)
    assert ended.status == Status(Code.UNAVAILABLE, "enough")
    assert closing.close() == []
    assert closing.ended
    at_client, at_server = pair.run()
    assert (at_server if by_client else at_client) == [GoingAway(0, "enough")]
    assert not other.ended
    # Its owner finds the socket at its end.
    [ended] = other.lost("reset by peer")
    assert isinstance(ended, StreamEnded)
    assert ended.status == Status(Code.UNAVAILABLE, "reset by peer")
    assert other.take() == []
    assert other.lost("again") == []
    ours.send([b"x"])
    theirs.send([b"x"])
    theirs.respond()
    theirs.finish(Status(Code.OK))
    ours.half_close()
    ours.reset()
    ours.consumed(10)
    pair.client.ping(b"12345678")
    pair.server.shut_down()
    assert pair.client.take() == []
    assert pair.server.take() == []


def test_a_violation_ends_the_connection_after_what_came_before_it() -> None:
    pair = Pair()
    _, theirs = pair.open()
    events = receive(pair.server, data(1, message(b"good")), frame(9, 4, 1), data(1, message(b"late")))
    assert messages_of(events) == [b"good"]
    ended, terminated = events[1:]
    assert isinstance(ended, StreamEnded)
    assert ended.stream is theirs
    assert terminated == Terminated(ErrorCode.PROTOCOL_ERROR, "CONTINUATION of nothing")
    assert Reader(pair.server).take()[-1].payload == b"\0\0\0\1\0\0\0\1CONTINUATION of nothing"


def test_pings_and_their_answers() -> None:
    pair = Pair()
    pair.run()
    pair.client.ping(b"12345678")
    assert pair.run() == ([PingAnswered(b"12345678")], [])
    pair.server.ping(b"87654321")
    assert pair.run() == ([], [PingAnswered(b"87654321")])
    with pytest.raises(ValueError, match="8 bytes"):
        pair.client.ping(b"")


def test_connected_means_answered() -> None:
    client = ClientConnection("localhost")
    client.open(PATH)
    assert not client.answered
    assert receive(client, setting()) == []
    assert not client.answered
    assert receive(client, frame(4, ACK)) == [Answered()]
    assert client.answered
    assert receive(client, frame(4, ACK)) == []


def test_any_byte_is_a_sign_of_life() -> None:
    client = ClientConnection("localhost")
    assert client.last_received is None
    for at, byte in enumerate(setting()):
        client.receive(bytes((byte,)), float(at))
        assert client.last_received == float(at)


def test_nothing_is_kept_of_streams_that_are_over() -> None:
    pair = Pair()
    ours, theirs = pair.open()
    gone = {id(ours), id(theirs)}
    theirs.finish(Status(Code.OK))
    pair.run()
    del ours, theirs
    gc.collect()
    assert not [kept for kept in gc.get_objects() if isinstance(kept, Stream) and id(kept) in gone]
    assert (pair.client.streams, pair.server.streams) == ({}, {})
    assert (pair.client.blocked, pair.server.blocked) == ({}, {})


def test_frames_on_a_stream_that_we_have_reset() -> None:
    pair = Pair()
    ours, theirs = pair.open()
    theirs.reset(ErrorCode.INTERNAL_ERROR)
    ours.send([b"on its way"])
    at_client, at_server = pair.run()
    assert at_server == []
    assert at_client == [StreamEnded(ours, Status(Code.INTERNAL, "stream reset by the peer: INTERNAL_ERROR"))]
    assert Reader(pair.server).take() == []


def test_a_refused_stream_was_not_touched() -> None:
    client, _, stream = client_with_stream()
    [ended] = receive(client, frame(RST_STREAM, 0, 1, b"\0\0\0\7"))
    assert isinstance(ended, StreamEnded)
    assert ended.stream is stream
    assert ended.untouched
