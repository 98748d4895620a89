"""What gRPC adds to HTTP/2, from both ends: fields, statuses, metadata, and what servers may answer."""

from __future__ import annotations

import pytest

from pygorums.transports.http2.client import ClientConnection
from pygorums.transports.http2.codes import ErrorCode
from pygorums.transports.http2.events import (
    Answered,
    HalfClosed,
    MessagesReceived,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
)
from pygorums.transports.http2.faults import CannotOpenError
from pygorums.transports.http2.limits import Limits
from pygorums.transports.http2.status import (
    Code,
    Status,
    of_reset,
)
from tests.unit.transports.http2.answering import OK_RESPONSE, client_with_stream, response
from tests.unit.transports.http2.pair import Pair, messages_of
from tests.unit.transports.http2.raw import (
    END_HEADERS,
    END_STREAM,
    GRPC,
    HEADERS,
    PATH,
    Reader,
    block,
    data,
    frame,
    receive,
    reset,
    setting,
)


def test_the_fields_of_a_request() -> None:
    client = ClientConnection("localhost:99", scheme="https", user_agent="tests")
    reader = Reader(client)
    client.open(PATH, (("a", "b"), ("c-bin", b"\0\xff"), ("authorization", "secret")))
    found = next(found for found in reader.take() if found.kind == HEADERS)
    assert b"\x1f\x08" in found.payload  # authorization is never indexed
    assert list(reader.fields(found).items()) == [
        (":method", "POST"),
        (":scheme", "https"),
        (":path", PATH),
        (":authority", "localhost:99"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "tests"),
        ("grpc-accept-encoding", "identity"),
        ("a", "b"),
        ("c-bin", "AP8"),
        ("authorization", "secret"),
    ]


def test_a_call_from_its_beginning_to_its_end() -> None:
    pair = Pair()
    ours = pair.client.open(PATH, (("k", "v"), ("k-bin", b"\1"), ("k", " w ")))
    ours.send([b"one", b"two"])
    at_client, at_server = pair.run()
    assert at_client == [Answered()]
    assert [type(event) for event in at_server] == [RequestReceived, MessagesReceived, Answered]
    assert isinstance(at_server[0], RequestReceived)
    theirs = at_server[0].stream
    assert theirs.path == PATH
    assert theirs.authority == "localhost"
    assert theirs.timeout is None
    assert theirs.metadata == (("user-agent", "pygorums"), ("k", "v"), ("k-bin", b"\1"), ("k", "w"))
    theirs.send([b"early"])
    assert pair.run() == ([], [])  # it waits for the response
    theirs.respond((("r-bin", b""),))
    theirs.send([b"late"])
    at_client, _ = pair.run()
    assert at_client[0] == ResponseReceived(ours, (("r-bin", b""),))
    assert messages_of(at_client) == [b"early", b"late"]
    ours.half_close()
    ours.send([b"too late"])
    assert pair.run() == ([], [HalfClosed(theirs)])
    theirs.send([b"last"])
    theirs.finish(Status(Code.NOT_FOUND, "néin"), (("t", "u"),))
    theirs.send([b"too late"])
    at_client, at_server = pair.run()
    assert messages_of(at_client) == [b"last"]
    assert at_client[-1] == StreamEnded(ours, Status(Code.NOT_FOUND, "néin"), (("t", "u"),))
    assert at_server == []
    assert (pair.client.streams, pair.server.streams) == ({}, {})
    ours.consumed(100)
    ours.reset()
    assert pair.run() == ([], [])


def test_messages_that_waited_for_the_response_are_not_blocked_afterwards() -> None:
    pair = Pair()
    pair.client.open(PATH)
    [event] = [event for event in pair.run()[1] if isinstance(event, RequestReceived)]
    event.stream.send([b"early"])
    assert event.stream.waiting
    event.stream.respond()
    assert not event.stream.waiting
    assert event.stream.room
    assert pair.server.blocked == {}


def test_a_server_that_ends_before_it_has_responded() -> None:
    pair = Pair()
    ours = pair.client.open(PATH)
    [event] = [event for event in pair.run()[1] if isinstance(event, RequestReceived)]
    event.stream.finish(Status(Code.PERMISSION_DENIED, "no"))
    events, at_server = pair.run()
    assert events == [StreamEnded(ours, Status(Code.PERMISSION_DENIED, "no"))]
    assert at_server == []
    assert (pair.client.streams, pair.server.streams) == ({}, {})


def test_a_client_that_withdraws() -> None:
    pair = Pair()
    ours, theirs = pair.open()
    ours.reset()
    [ended] = pair.run()[1]
    assert ended == StreamEnded(theirs, Status(Code.CANCELLED, "stream reset by the peer: CANCEL"))
    theirs.finish(Status(Code.OK))
    assert pair.run() == ([], [])


@pytest.mark.parametrize(
    ("number", "code", "untouched"),
    [
        (ErrorCode.NO_ERROR, Code.INTERNAL, False),
        (ErrorCode.PROTOCOL_ERROR, Code.INTERNAL, False),
        (ErrorCode.INTERNAL_ERROR, Code.INTERNAL, False),
        (ErrorCode.FLOW_CONTROL_ERROR, Code.INTERNAL, False),
        (ErrorCode.SETTINGS_TIMEOUT, Code.INTERNAL, False),
        (ErrorCode.STREAM_CLOSED, Code.UNKNOWN, False),
        (ErrorCode.FRAME_SIZE_ERROR, Code.INTERNAL, False),
        (ErrorCode.REFUSED_STREAM, Code.UNAVAILABLE, True),
        (ErrorCode.CANCEL, Code.CANCELLED, False),
        (ErrorCode.COMPRESSION_ERROR, Code.INTERNAL, False),
        (ErrorCode.CONNECT_ERROR, Code.INTERNAL, False),
        (ErrorCode.ENHANCE_YOUR_CALM, Code.RESOURCE_EXHAUSTED, False),
        (ErrorCode.INADEQUATE_SECURITY, Code.PERMISSION_DENIED, False),
        (ErrorCode.HTTP_1_1_REQUIRED, Code.UNKNOWN, False),
        (0xABC, Code.UNKNOWN, False),
    ],
)
def test_what_a_reset_means(number: int, code: Code, untouched: bool) -> None:
    assert of_reset(number).code is code
    client, _, stream = client_with_stream()
    assert receive(client, reset(1, number)) == [StreamEnded(stream, of_reset(number), untouched=untouched)]


@pytest.mark.parametrize(
    "wrong",
    [
        frame(HEADERS, END_HEADERS, 2, block(*OK_RESPONSE)),
        frame(HEADERS, END_HEADERS, 3, block(*OK_RESPONSE)),
        frame(5, END_HEADERS, 1, b"\0\0\0\2" + block(*GRPC)),
        setting((2, 1)),
        data(2, b"x"),
        data(3, b"x"),
    ],
    ids=["a stream of the server's", "a stream not opened", "a push", "ENABLE_PUSH", "data of its own", "data on idle"],
)
def test_what_no_server_may_do(wrong: bytes) -> None:
    client, reader, stream = client_with_stream()
    events = receive(client, wrong)
    assert client.ended
    assert isinstance(events[0], StreamEnded)
    assert events[0].stream is stream
    assert events[0].status.code is Code.UNAVAILABLE
    assert reader.take()[-1].payload[4:8] == b"\0\0\0\1"
    assert receive(client, reset(1)) == []
    with pytest.raises(CannotOpenError):
        client.open(PATH)


def test_a_server_that_takes_few_streams_and_small_metadata() -> None:
    client, _, _ = client_with_stream()
    receive(client, setting((6, 600)))
    with pytest.raises(CannotOpenError, match="600 bytes"):
        client.open(PATH, (("key", "x" * 1000),))
    receive(client, setting((3, 1)))
    with pytest.raises(CannotOpenError, match="no more than 1 streams"):
        client.open(PATH)
    receive(client, setting((3, 2)))
    assert client.open(PATH).id == 3


def test_metadata_larger_than_a_client_takes() -> None:
    pair = Pair(client=Limits(max_header_list=1000))
    ours = pair.client.open(PATH)
    [event] = [event for event in pair.run()[1] if isinstance(event, RequestReceived)]
    with pytest.raises(ValueError, match="no more than 1000 bytes"):
        event.stream.respond((("k", "v" * 1000),))
    event.stream.respond()
    assert pair.run()[0] == [ResponseReceived(ours, ())]


def test_long_status_messages_are_cut_for_who_takes_little() -> None:
    pair = Pair(client=Limits(max_header_list=1000))
    _, theirs = pair.open()
    theirs.finish(Status(Code.ABORTED, "€" * 10_000), (("k", "v" * 10_000),))
    [ended] = pair.run()[0]
    assert isinstance(ended, StreamEnded)
    assert ended.status.code is Code.ABORTED
    assert 20 < len(ended.status.message) < 1000
    assert set(ended.status.message) == {"€"}
    assert ended.trailers == ()


def test_trailers_larger_than_a_client_takes() -> None:
    client, _, stream = client_with_stream()
    large = block(("grpc-status", "0"), *((f"k{n}", "v" * 1000) for n in range(17)))
    events = receive(
        client,
        response(*OK_RESPONSE),
        frame(HEADERS, END_STREAM, 1, large[:10_000]),
        frame(9, END_HEADERS, 1, large[10_000:]),
    )
    assert events[-1] == StreamEnded(stream, Status(Code.RESOURCE_EXHAUSTED, "the server's metadata are too large"))
    assert not client.ended
