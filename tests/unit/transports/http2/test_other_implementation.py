"""Our ends and those of h2, which takes nothing that is wrong: streams, fields, windows, pings and farewells."""

from __future__ import annotations

from collections.abc import Iterator

import h2.connection
import h2.events
import pytest
from h2.config import H2Configuration
from h2.settings import SettingCodes, Settings

from pygorums.transports.http2.client import ClientConnection
from pygorums.transports.http2.connection import Connection
from pygorums.transports.http2.events import (
    Answered,
    Event,
    GoingAway,
    HalfClosed,
    MessagesReceived,
    PingAnswered,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
)
from pygorums.transports.http2.limits import Limits
from pygorums.transports.http2.server import ServerConnection
from pygorums.transports.http2.status import Code, Status
from tests.unit.transports.http2.raw import GRPC, PATH, PREFACE, frame, message, parse


class Other:
    """An end of h2's, tied to one of ours. What it receives it acknowledges at once."""

    def __init__(self, ours: Connection, *, window: int = 65_535) -> None:  # type: ignore[type-arg]  # either end
        self.ours = ours
        client = isinstance(ours, ServerConnection)
        self.h2 = h2.connection.H2Connection(H2Configuration(client_side=client, header_encoding="utf-8"))
        self.h2.local_settings = Settings(client, {SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.h2.initiate_connection()
        self.received = b""
        self._left: dict[int, bytes] = {}

    def send(self, stream: int, data: bytes) -> None:
        self._left[stream] = self._left.get(stream, b"") + data

    def _pump(self) -> None:
        for stream, data in self._left.items():
            while data:
                room = min(len(data), self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
                if room <= 0:
                    break
                self.h2.send_data(stream, data[:room])
                data = data[room:]
            self._left[stream] = data

    def run(self) -> tuple[list[Event], list[h2.events.Event]]:
        at_ours: list[Event] = []
        at_h2: list[h2.events.Event] = []
        while True:
            self._pump()
            at_ours += self.ours.resume() if self.ours.held_back else []
            there, back = self.h2.data_to_send(), b"".join(self.ours.take())
            if not there and not back:
                return at_ours, at_h2
            new = self.ours.receive(there, 0.0)
            at_ours += new
            for event in new:
                if isinstance(event, MessagesReceived):
                    event.stream.consumed(event.size)
            for other in self._receive(back):
                at_h2.append(other)
                if isinstance(other, h2.events.DataReceived):
                    assert other.data is not None
                    self.received += other.data
                    self.h2.acknowledge_received_data(other.flow_controlled_length, other.stream_id)

    def _receive(self, data: bytes) -> Iterator[h2.events.Event]:
        # One by one: h2 looks at its largest frame before it reads the acknowledgement in the same bytes.
        if data.startswith(PREFACE):
            yield from self.h2.receive_data(PREFACE)
        for kind, flags, stream, payload in parse(data.removeprefix(PREFACE)):
            yield from self.h2.receive_data(frame(kind, flags, stream, payload))


def pairs(fields: object) -> dict[str, str]:
    """Fields of h2, whose types do not know that there is an encoding."""
    assert isinstance(fields, list)
    return dict(fields)


def only(events: list[Event], kind: type) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("window", [1_000, 65_535, 1 << 20])
@pytest.mark.parametrize("size", [0, 10, 40_000, 300_000])
def test_our_server_and_its_client(window: int, size: int) -> None:
    server = ServerConnection({PATH}, limits=Limits(stream_window=window))
    other = Other(server, window=window)
    other.h2.send_headers(1, [*GRPC, ("k", "v"), ("k-bin", "AAE=")])
    other.send(1, message(bytes(size)) * 3)
    at_ours, at_h2 = other.run()
    [opened] = only(at_ours, RequestReceived)
    assert isinstance(opened, RequestReceived)
    stream = opened.stream
    assert stream.metadata == (("k", "v"), ("k-bin", b"\0\1"))
    assert [part for e in at_ours if isinstance(e, MessagesReceived) for part in e.messages] == [bytes(size)] * 3
    assert only(at_ours, Answered)
    stream.respond((("r", "s"),))
    stream.send([bytes(size)] * 2)
    _, at_h2 = other.run()
    [response] = [event for event in at_h2 if isinstance(event, h2.events.ResponseReceived)]
    assert pairs(response.headers) == {
        ":status": "200",
        "content-type": "application/grpc",
        "grpc-accept-encoding": "identity",
        "r": "s",
    }
    assert other.received == message(bytes(size)) * 2
    other.h2.end_stream(1)
    assert only(other.run()[0], HalfClosed)
    stream.finish(Status(Code.ABORTED, "é"))
    _, at_h2 = other.run()
    [trailers] = [event for event in at_h2 if isinstance(event, h2.events.TrailersReceived)]
    assert pairs(trailers.headers) == {"grpc-status": "10", "grpc-message": "%C3%A9"}
    assert not server.streams


@pytest.mark.parametrize("window", [1_000, 65_535, 1 << 20])
@pytest.mark.parametrize("size", [0, 10, 40_000, 300_000])
def test_our_client_and_its_server(window: int, size: int) -> None:
    client = ClientConnection("localhost", limits=Limits(stream_window=window))
    other = Other(client, window=window)
    other.run()  # h2 does not let us use the window that we have until its SETTINGS are here
    stream = client.open(PATH, (("k", "v" * 20_000),))  # more than a frame of fields
    stream.send([bytes(size)] * 3)
    _, at_h2 = other.run()
    [request] = [event for event in at_h2 if isinstance(event, h2.events.RequestReceived)]
    assert pairs(request.headers)["k"] == "v" * 20_000
    assert other.received == message(bytes(size)) * 3
    other.h2.send_headers(1, [(":status", "200"), ("content-type", "application/grpc")])
    other.send(1, message(bytes(size)) * 2)
    at_ours, _ = other.run()
    assert only(at_ours, ResponseReceived)
    assert [part for e in at_ours if isinstance(e, MessagesReceived) for part in e.messages] == [bytes(size)] * 2
    stream.half_close()
    _, at_h2 = other.run()
    assert [event for event in at_h2 if isinstance(event, h2.events.StreamEnded)]
    other.h2.send_headers(1, [("grpc-status", "0"), ("t-bin", "AA")], end_stream=True)
    assert other.run()[0] == [StreamEnded(stream, Status(Code.OK), (("t-bin", b"\0"),))]
    assert not client.streams


def test_windows_that_change_while_streams_are_open() -> None:
    server = ServerConnection({PATH})
    other = Other(server)
    other.h2.send_headers(1, GRPC)
    [opened] = only(other.run()[0], RequestReceived)
    assert isinstance(opened, RequestReceived)
    opened.stream.respond()
    for size in (10, 100_000, 0, 1, 50_000):
        other.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: size, SettingCodes.MAX_FRAME_SIZE: 16_384 + size})
        opened.stream.send([bytes(30_000)])
        other.run()
    assert not opened.stream.waiting
    assert other.received == message(bytes(30_000)) * 5


def test_pings_resets_and_farewells() -> None:
    client = ClientConnection("localhost")
    other = Other(client)
    first, second = client.open(PATH), client.open(PATH)
    client.ping(b"12345678")
    at_ours, at_h2 = other.run()
    assert only(at_ours, PingAnswered)
    other.h2.ping(b"87654321")
    second.reset()
    _, at_h2 = other.run()
    assert {type(event) for event in at_h2} >= {h2.events.PingAckReceived, h2.events.StreamReset}
    other.h2.reset_stream(1, 7)
    [ended] = other.run()[0]
    assert isinstance(ended, StreamEnded)
    assert ended.stream is first
    assert ended.untouched
    other.h2.close_connection(0, b"bye")
    assert only(other.run()[0], GoingAway) == [GoingAway(0, "bye")]


def test_padding() -> None:
    server = ServerConnection({PATH}, limits=Limits(stream_window=10_000))
    other = Other(server)
    other.h2.send_headers(1, [*GRPC, ("content-length", str(30 * 105))])
    other.run()
    received: list[bytes] = []
    for turn in range(30):
        other.h2.send_data(1, message(bytes(100)), pad_length=255, end_stream=turn == 29)
        for event in other.run()[0]:
            if isinstance(event, MessagesReceived):
                received += event.messages
    assert received == [bytes(100)] * 30
    assert not server.ended
