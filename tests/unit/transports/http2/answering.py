"""A client with one stream, and a test in the place of its server."""

from __future__ import annotations

from pygorums.transports.http2.client import ClientConnection
from pygorums.transports.http2.client_stream import ClientStream
from pygorums.transports.http2.events import (
    Answered,
)
from tests.unit.transports.http2.raw import (
    ACK,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PATH,
    Reader,
    block,
    frame,
    receive,
    setting,
)

__all__ = ["OK_RESPONSE", "client_with_stream", "response"]

OK_RESPONSE = ((":status", "200"), ("content-type", "application/grpc"))


def client_with_stream() -> tuple[ClientConnection, Reader, ClientStream]:
    client = ClientConnection("localhost:99", user_agent="tests")
    reader = Reader(client)
    stream = client.open(PATH)
    reader.take()
    assert receive(client, setting(), frame(4, ACK)) == [Answered()]
    reader.take()
    return client, reader, stream


def response(*fields: tuple[str, str], end: bool = False) -> bytes:
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), 1, block(*fields))
