"""A fuzzer for the two ends of HTTP/2: whatever comes, there are events and bytes, and nothing is raised.

The invariants, for any bytes and for frames in any order, however they are cut, at either end:

- nothing is raised, and an end that has ended the connection says nothing more;
- what is held is bounded by the limits, and the accounts of what is held agree with what is;
- a stream tells its beginning once, then messages, then its end once;
- no more comes out than went in;
- the same bytes give the same events, whole and in pieces;
- two ends of ours deliver to each other all messages in order, through windows of any size.

    python -m tests.robustness.fuzz_http2 [SECONDS] [SEED]

runs seeds one after the other until the time is over. `make test` runs a few. A seed that fails is printed.
"""

from __future__ import annotations

import random
import sys
import time
from typing import Any

from pygorums.transports.http2.client import ClientConnection
from pygorums.transports.http2.connection import Connection
from pygorums.transports.http2.events import (
    Event,
    HalfClosed,
    MessagesReceived,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    Terminated,
)
from pygorums.transports.http2.limits import Limits
from pygorums.transports.http2.server import ServerConnection
from pygorums.transports.http2.status import Code, Status
from tests.unit.transports.http2.raw import GRPC, PATH, PREFACE, block, frame, literal, message, parse, setting

__all__ = ["check_bytes", "check_conversation", "check_frames", "cut", "frames"]

SMALL = Limits(
    max_message=5_000,
    max_header_list=2_000,
    max_streams=4,
    stream_window=3_000,
    connection_window=70_000,
    max_frame=16_384,
    max_partial=8_000,
    max_unread=4_000,
    idle_frames=200,
)


def cut(chance: random.Random, data: bytes) -> list[bytes]:
    """Data in pieces of any size; sometimes of one byte each."""
    if chance.random() < 0.2:
        return [data[at : at + 1] for at in range(len(data))]
    pieces = []
    while data:
        size = chance.choice((1, 2, 5, 9, 10, 100, 1000, 20_000))
        pieces.append(data[:size])
        data = data[size:]
    return pieces


def frames(chance: random.Random, count: int) -> bytes:
    """Frames that are mostly right, in an order that is mostly not."""
    return b"".join([_frame(chance) for _ in range(count)])


def _frame(chance: random.Random) -> bytes:
    stream = chance.choice((0, 1, 1, 1, 1, 2, 3, 3, 5, 7, 9, 2**31 - 1))
    kind = chance.choice((0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 0x77))
    flags = chance.choice((0, 0, 0, 1, 4, 4, 5, 8, 0x20, 0x2D, chance.randrange(256)))
    if chance.random() < 0.1:
        return frame(kind, flags, stream, chance.randbytes(chance.choice((0, 1, 4, 5, 6, 8, 9, 50))))
    if kind == 0:
        payload = b"".join(message(bytes(chance.choice((0, 1, 10, 300, 4000)))) for _ in range(chance.randrange(3)))
        if chance.random() < 0.3:
            payload = payload[: chance.randrange(len(payload) + 1)]
        if flags & 8:
            payload = b"\3" + payload + bytes(3)
    elif kind in (1, 9):
        payload = chance.choice(
            (
                block(*GRPC),
                block(*GRPC, ("x-bin", "AAA"), ("grpc-timeout", "1S")),
                block((":status", "200"), ("content-type", "application/grpc")),
                block(("grpc-status", str(chance.randrange(20))), ("grpc-message", "%20")),
                literal(":status", "103"),
                block(*GRPC, ("x", "y" * 3000)),
                b"\x40\1x\1y\xbe",
                b"",
                chance.randbytes(10),
            )
        )
        if flags & 0x20:
            payload = bytes(5) + payload
        if flags & 8:
            payload = b"\0" + payload
    elif kind == 4:
        stream = 0
        flags &= 1
        pairs = [(chance.randrange(8), chance.choice((0, 1, 10, 16_384, 65_535, 2**31 - 1))) for _ in range(3)]
        return frame(4, flags) if flags else setting(*pairs[: chance.randrange(4)])
    elif kind == 6:
        stream, payload = 0, chance.randbytes(8)
    elif kind == 7:
        stream, payload = 0, chance.choice((0, 1, 5, 2**31 - 1)).to_bytes(4, "big") + bytes(4)
    elif kind == 8:
        payload = chance.choice((1, 1, 10, 5000, 0, 2**31 - 1, 2**30)).to_bytes(4, "big")
    else:
        payload = bytes(5 if kind == 2 else 4)
    return frame(kind, flags, stream, payload)


def _end(server: bool) -> Connection[Any]:
    if server:
        return ServerConnection({PATH}, limits=SMALL)
    client = ClientConnection("localhost", limits=SMALL)
    for _ in range(3):
        client.open(PATH).send([b"x" * 100, b"y" * 10_000])
    return client


def _told(events: list[Event]) -> list[tuple[object, ...]]:
    """Events so that they can be compared: of other ends, and however messages came together."""
    told: list[tuple[object, ...]] = []
    for event in events:
        stream = getattr(event, "stream", None)
        if isinstance(event, MessagesReceived):
            told += [(event.stream.id, message) for message in event.messages]
        elif isinstance(event, StreamEnded):
            told.append((event.stream.id, event.status, event.trailers, event.untouched))
        elif stream is not None:
            told.append((stream.id, type(event)))
        else:
            told.append((event,))
    return told


def _come(end: Any, data: bytes, *, seen: bool) -> list[Event]:
    """Have bytes come; if they are only to be seen, something else is there afterwards."""
    if not seen:
        return list(end.receive(data, 0.0))
    buffer = bytearray(data)
    events = list(end.receive(memoryview(buffer), 0.0))
    buffer[:] = b"!" * len(buffer)
    return events


class _Watched:
    """An end whose invariants are looked at after every piece."""

    def __init__(self, server: bool, *, active: bool) -> None:
        self.end = _end(server)
        self._active = active
        self.events: list[Event] = []
        self.came = 0
        self._over: set[int] = set()
        self._begun: set[int] = set()

    def receive(self, data: bytes, *, seen: bool = False) -> None:
        ended = self.end.ended
        new = _come(self.end, data, seen=seen)
        self.came += len(data)
        assert not (ended and new), "events after the end"
        self.events += new
        ended_by_owner = set()
        for event in new:
            self._look_at(event)
            if self._active and isinstance(event, HalfClosed):
                event.stream.finish(Status(Code.OK))
                ended_by_owner.add(event.stream.id)
        self._over |= ended_by_owner
        parse(b"".join(self.end.take()).removeprefix(PREFACE))
        self._check_accounts()

    def _look_at(self, event: Event) -> None:
        stream = getattr(event, "stream", None)
        if stream is not None:
            assert stream.id not in self._over, "an event after the end of its stream"
        if isinstance(event, MessagesReceived):
            assert event.size == sum(map(len, event.messages)) + 5 * len(event.messages)
            event.stream.consumed(event.size)
        elif isinstance(event, RequestReceived | ResponseReceived):
            assert event.stream.id not in self._begun
            self._begun.add(event.stream.id)
            if isinstance(event, RequestReceived):
                event.stream.respond()
                event.stream.send([b"reply" * 50])
        elif isinstance(event, StreamEnded):
            self._over.add(event.stream.id)
        elif isinstance(event, Terminated):
            assert self.end.ended

    def _check_accounts(self) -> None:
        end = self.end
        streams = list(end.streams.values())
        assert end.unconsumed == sum(stream._unconsumed for stream in streams) == 0
        assert end.partial == sum(stream._held for stream in streams) <= SMALL.max_partial + SMALL.max_frame
        assert all(sum(map(len, stream._body)) == stream._held for stream in streams)
        assert len(streams) <= SMALL.max_streams
        assert sum(map(len, end._kept)) < SMALL.max_frame + 9
        assert end.window <= end.whole_window
        assert all(stream.window <= end.stream_window for stream in streams)
        assert all(end.streams[stream.id] is stream and not stream.closed for stream in streams)
        assert set(end.blocked) <= set(streams)
        assert not (end.ended and streams)
        out = sum(len(m) for event in self.events if isinstance(event, MessagesReceived) for m in event.messages)
        assert out <= self.came


def _check(chance: random.Random, data: bytes, server: bool) -> None:
    whole, pieces, active = (_Watched(server, active=active) for active in (False, False, True))
    whole.receive(data)
    for piece in cut(chance, data):
        pieces.receive(piece, seen=True)
    for piece in cut(chance, data):
        active.receive(piece)
    # Only what is written at once can be too much for one who does not read.
    if whole.end.unread <= SMALL.max_unread or not whole.end.ended:
        assert _told(whole.events) == _told(pieces.events)


def check_bytes(data: bytes, *, server: bool, begun: bool, chance: random.Random) -> None:
    """The invariants for any bytes: from the very beginning, or after a beginning that is right."""
    if begun:
        data = (PREFACE if server else b"") + setting() + data
    _check(chance, data, server)


def check_frames(chance: random.Random, count: int) -> None:
    """The invariants for frames that are mostly right, with a byte changed or not."""
    server = chance.random() < 0.6
    raw = bytearray((PREFACE if server else b"") + setting() + frames(chance, count))
    if chance.random() < 0.3:
        raw[chance.randrange(len(raw))] = chance.randrange(256)
    _check(chance, bytes(raw), server)


def check_conversation(chance: random.Random) -> None:
    """Two ends of ours, with windows of any size and bytes in any pieces: everything arrives, in order."""

    def limits() -> Limits:
        return Limits(
            stream_window=chance.choice((1, 10, 1000, 65_535, 1 << 20)),
            connection_window=chance.choice((1, 70_000, 1 << 22)),
            max_frame=chance.choice((16_384, 100_000)),
            max_burst=chance.choice((1, 100, 1 << 20)),
            idle_frames=1_000_000,
        )

    client = ClientConnection("localhost", limits=limits())
    server = ServerConnection({PATH}, limits=limits())
    sent: dict[tuple[bool, int], list[bytes]] = {}
    received: dict[tuple[bool, int], list[bytes]] = {}
    statuses: dict[int, Status] = {}
    on_the_way: dict[bool, list[bytes]] = {True: [], False: []}
    held: list[MessagesReceived] = []
    streams: list[tuple[bool, Any]] = [(True, client.open(PATH)) for _ in range(chance.randrange(1, 4))]

    def carry(up: bool) -> bool:
        source, target = (client, server) if up else (server, client)
        if source.held_back:
            source.resume()
        on_the_way[up] += cut(chance, b"".join(source.take()))
        if not on_the_way[up]:
            return False
        for event in _come(target, on_the_way[up].pop(0), seen=chance.random() < 0.5):
            assert not isinstance(event, Terminated), event
            if isinstance(event, RequestReceived):
                if chance.random() < 0.8:
                    event.stream.respond()
                streams.append((False, event.stream))
            elif isinstance(event, MessagesReceived):
                received.setdefault((up, event.stream.id), []).extend(event.messages)
                held.append(event)
            elif isinstance(event, StreamEnded):
                statuses[event.stream.id] = event.status
        return True

    for _ in range(chance.randrange(50)):
        up, stream = chance.choice(streams)
        if not stream.waiting:
            batch = [chance.randbytes(chance.choice((0, 1, 30, 500))) for _ in range(chance.randrange(4))]
            stream.send(batch)
            sent.setdefault((up, stream.id), []).extend(batch)
        carry(chance.random() < 0.5)
        if held and chance.random() < 0.5:
            event = held.pop(chance.randrange(len(held)))
            event.stream.consumed(event.size)

    def settle() -> None:
        while carry(True) | carry(False) or held:
            while held:
                event = held.pop()
                event.stream.consumed(event.size)

    settle()
    for up, stream in streams:
        if not up:
            stream.respond()
    settle()
    for up, stream in streams:
        if not up:
            stream.finish(Status(Code.ABORTED, str(stream.id)))
    settle()
    for key in sent.keys() | received.keys():
        assert sent.get(key, []) == received.get(key, []), key
    assert statuses == {stream.id: Status(Code.ABORTED, str(stream.id)) for up, stream in streams if up}
    assert not client.streams
    assert not server.streams
    assert (client.unconsumed, server.unconsumed, client.partial, server.partial) == (0, 0, 0, 0)


def run(seed: int) -> None:
    """One round of everything."""
    chance = random.Random(seed)
    server = chance.random() < 0.5
    check_bytes(chance.randbytes(chance.randrange(200)), server=server, begun=chance.random() < 0.7, chance=chance)
    for _ in range(3):
        check_frames(chance, chance.choice((1, 5, 20, 100)))
    check_conversation(chance)


def main(seconds: float, seed: int) -> None:
    """Run seeds until the time is over."""
    until = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < until:
        try:
            run(seed + rounds)
        except BaseException:
            print(
                f"seed {seed + rounds} fails: python -m tests.robustness.fuzz_http2 0.001 {seed + rounds}",
                file=sys.stderr,
            )
            raise
        rounds += 1
    print(f"{rounds} rounds from seed {seed} on, and nothing was found")


if __name__ == "__main__":
    main(*(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0,), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
