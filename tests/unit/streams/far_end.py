"""A channel over a stream in memory, and its far end, which is the test."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pygorums import Backoff
from pygorums.base.errors import StatusError, StreamDownError
from pygorums.streams.outbound import OutboundChannel
from pygorums.transports.memory import MemoryAcceptor, memory_connector
from pygorums.wire.framing import encode_message, split
from pygorums.wire.handshake import EXTENSIONS

__all__ = [
    "ADDRESS",
    "DOWN",
    "METHOD",
    "NODE",
    "Call",
    "Node",
    "arrivals",
    "channel_to",
    "needs_a_stream_that_does_not_stand_yet",
    "request",
]

NODE = 2
ADDRESS = "node.example:1"
METHOD = b"\x12\x01m"
DOWN = StreamDownError("refused")


class Call:
    timeout: float | None = None

    def __init__(self, number: int, *, streaming: bool = False, one_way: bool = False) -> None:
        self.one_way = one_way
        self.number = number
        self.frame = encode_message(number, METHOD, b"")
        self.streaming = streaming
        self.decided = self.withdrawn = False
        self.sent_at = 0.0
        self.log: list[object] = []

    def deliver(self, node_id: int, payload: bytes) -> None:
        self.log.append(payload)

    def fail(self, node_id: int, error: Exception) -> None:
        self.log.append(error)

    def end(self, node_id: int) -> None:
        self.log.append("end")

    def sent(self, node_id: int) -> None:
        self.log.append("sent")


class Node:
    """The far end: accepts or refuses streams, and sees what arrives on each."""

    def __init__(self) -> None:
        self.streams: list[MemoryAcceptor] = []
        self.refusals = 0
        self.refuse: StatusError | None = None

    def accept(self, stream: MemoryAcceptor) -> StatusError | None:
        if self.refuse is not None:
            self.refusals += 1
            return self.refuse
        self.streams.append(stream)
        return None


@asynccontextmanager
async def channel_to(node: Node, *, send_buffer: int = 1 << 20) -> AsyncIterator[OutboundChannel]:
    channel = OutboundChannel(
        NODE,
        ADDRESS,
        memory_connector(node.accept),
        metadata=EXTENSIONS,
        chance=random.Random(1),
        send_buffer=send_buffer,
        backoff=Backoff(initial=0.001, maximum=0.01),
        on_change=lambda: None,
    )
    try:
        yield channel
    finally:
        for stream in node.streams:
            stream.cut()
        await channel.close()


async def arrivals(stream: MemoryAcceptor, count: int) -> list[int]:
    numbers: list[int] = []
    async with asyncio.timeout(10):
        while len(numbers) < count:
            data = await stream.receive()
            assert data is not None
            numbers += [message.message_seq_no for message in split(data, batching=True)]
    return numbers


def request(channel: OutboundChannel, *calls: Call) -> None:
    for call in calls:
        channel.request(call.number, call)


def needs_a_stream_that_does_not_stand_yet() -> None:
    if asyncio.get_running_loop().get_task_factory() is not None:
        pytest.skip("under eager tasks a stream of this transport stands at once")
