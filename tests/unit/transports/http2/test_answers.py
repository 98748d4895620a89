"""What a client makes of what servers answer."""

from __future__ import annotations

import pytest

from pygorums.transports.http2.events import (
    ResponseReceived,
    StreamEnded,
)
from pygorums.transports.http2.status import (
    Code,
    Status,
)
from tests.unit.transports.http2.answering import OK_RESPONSE, client_with_stream, response
from tests.unit.transports.http2.raw import (
    END_STREAM,
    RST_STREAM,
    data,
    message,
    receive,
)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (response(*OK_RESPONSE, ("grpc-status", "0"), end=True), Status(Code.OK)),
        (
            response(*OK_RESPONSE, ("grpc-status", "5"), ("grpc-message", "a%20b"), end=True),
            Status(Code.NOT_FOUND, "a b"),
        ),
        (response((":status", "400"), ("grpc-status", "7"), end=True), Status(Code.PERMISSION_DENIED)),
        (response(*OK_RESPONSE, end=True), Status(Code.UNKNOWN, "the server ended the stream without a status")),
        *(
            (response((":status", str(number)), end=end), Status(code, f"HTTP status {number}"))
            for end in (True, False)
            for number, code in (
                (400, Code.INTERNAL),
                (401, Code.UNAUTHENTICATED),
                (403, Code.PERMISSION_DENIED),
                (404, Code.UNIMPLEMENTED),
                (429, Code.UNAVAILABLE),
                (502, Code.UNAVAILABLE),
                (503, Code.UNAVAILABLE),
                (504, Code.UNAVAILABLE),
                (500, Code.UNKNOWN),
                (302, Code.UNKNOWN),
                (204, Code.UNKNOWN),
            )
        ),
        (
            response((":status", "200"), ("content-type", "text/html")),
            Status(Code.UNKNOWN, "the server answers with content-type 'text/html', not gRPC's"),
        ),
        (
            response(*OK_RESPONSE) + data(1, b"", END_STREAM),
            Status(Code.UNKNOWN, "the server ended the stream without a status"),
        ),
        (response(*OK_RESPONSE) + response(("x", "y"), end=True), Status(Code.UNKNOWN)),
        (response(*OK_RESPONSE) + response(("grpc-status", "99"), end=True), Status(Code.UNKNOWN)),
        (
            response(*OK_RESPONSE) + data(1, b"\0\0\0") + response(("grpc-status", "0"), end=True),
            Status(Code.INTERNAL, "the stream ended in the middle of a message"),
        ),
        (
            response(*OK_RESPONSE) + data(1, b"\0\0\0") + response(("grpc-status", "9"), end=True),
            Status(Code.FAILED_PRECONDITION),
        ),
        (
            response(*OK_RESPONSE) + data(1, b"\1\0\0\0\0"),
            Status(Code.UNIMPLEMENTED, "compressed messages are not supported"),
        ),
        (
            response(*OK_RESPONSE) + data(1, b"\0\1\0\0\0"),
            Status(Code.RESOURCE_EXHAUSTED, "a message of 16777216 bytes is larger than the 4194304 that are taken"),
        ),
        (response(*OK_RESPONSE, ("x-bin", "!")), Status(Code.INTERNAL, "the value of 'x-bin' is not base64")),
        (
            response(*OK_RESPONSE, ("grpc-status", "0"), ("x-bin", "!"), end=True),
            Status(Code.INTERNAL, "the value of 'x-bin' is not base64"),
        ),
        # Wrong by HTTP.
        (response(("x", "y")), Status(Code.INTERNAL, "wrong frames from the peer: :status b''")),
        (response((":status", "20")), Status(Code.INTERNAL, "wrong frames from the peer: :status b'20'")),
        (
            response((":status", "100"), end=True),
            Status(Code.INTERNAL, "wrong frames from the peer: status 100 as the whole response"),
        ),
        (
            response(*OK_RESPONSE) * 2,
            Status(Code.INTERNAL, "wrong frames from the peer: pseudo-header field b':status'"),
        ),
        (
            response(*OK_RESPONSE) + response(("grpc-status", "0")),
            Status(Code.INTERNAL, "wrong frames from the peer: trailers that do not end the stream"),
        ),
    ],
)
def test_what_a_client_makes_of_an_answer(answer: bytes, status: Status) -> None:
    client, _, stream = client_with_stream()
    events = receive(client, answer)
    assert isinstance(events[-1], StreamEnded)
    assert events[-1].status == status
    assert not events[-1].untouched
    assert stream.closed
    assert not client.streams
    # What still comes is thrown away, and the connection goes on.
    assert receive(client, data(1, message(b"x")), response(("grpc-status", "0"), end=True)) == []
    assert not client.ended


def test_informational_responses_are_passed_over() -> None:
    client, _, _ = client_with_stream()
    assert receive(client, response((":status", "100")), response((":status", "103"), ("link", "x"))) == []
    assert [type(event) for event in receive(client, response(*OK_RESPONSE))] == [ResponseReceived]


def test_a_client_stops_when_the_server_has_ended() -> None:
    client, reader, stream = client_with_stream()
    stream.send([bytes(100_000)])
    assert stream.waiting
    reader.take()
    receive(client, response(*OK_RESPONSE, ("grpc-status", "0"), end=True))
    assert [(found.kind, found.payload) for found in reader.take()] == [(RST_STREAM, bytes(4))]
    assert not stream.waiting


def test_a_half_closed_stream_is_not_reset() -> None:
    client, reader, stream = client_with_stream()
    stream.half_close()
    reader.take()
    receive(client, response(*OK_RESPONSE, ("grpc-status", "0"), end=True))
    assert reader.take() == []
