"""Opening, breaking and reopening a stream, with a stream in memory whose other end is the test."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest

from pygorums import Backoff
from pygorums.base.errors import NodeClosedError, StatusError, StreamDownError
from pygorums.streams.outbound import OutboundChannel
from pygorums.transports.memory import MemoryAcceptor, memory_connector
from pygorums.wire.framing import SERVER_INITIATED, encode_message, split
from pygorums.wire.handshake import EXTENSIONS, instance_of
from pygorums.wire.stream_pb2 import Message
from tests.support.waiting import turns, until

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


async def test_the_stream_is_opened_without_a_call() -> None:
    node = Node()
    async with channel_to(node) as channel:
        await until(lambda: channel.connected)
        assert node.streams[0].metadata[:-1] == EXTENSIONS
        assert instance_of(node.streams[0].metadata) is not None


def needs_a_stream_that_does_not_stand_yet() -> None:
    if asyncio.get_running_loop().get_task_factory() is not None:
        pytest.skip("under eager tasks a stream of this transport stands at once")


async def test_calls_made_before_the_stream_stands_wait_for_it() -> None:
    needs_a_stream_that_does_not_stand_yet()
    node = Node()
    async with channel_to(node) as channel:
        request(channel, Call(1), Call(2))
        assert not node.streams
        await until(lambda: channel.connected)
        assert await arrivals(node.streams[0], 2) == [1, 2]


async def test_a_node_that_is_down_fails_what_waits_and_then_everything_at_once() -> None:
    node = Node()
    node.refuse = DOWN
    async with channel_to(node) as channel:
        waiting, note, late = Call(1), Call(2, one_way=True), Call(3)
        request(channel, waiting)
        channel.post(note.frame, note)
        await until(lambda: waiting.log and note.log)
        request(channel, late)
        for call in (waiting, note, late):
            (error,) = call.log
            assert isinstance(error, StreamDownError)
            assert error.node_id == NODE
        errors = {id(call.log[0]) for call in (waiting, note, late)}
        assert len(errors) == 3, "each call needs an exception of its own"
        # It comes back without any call.
        node.refuse = None
        await until(lambda: channel.connected)
        served = Call(4)
        request(channel, served)
        assert await arrivals(node.streams[0], 1) == [4]


async def test_unanswered_calls_are_sent_again_in_order_before_newer_ones() -> None:
    node = Node()
    async with channel_to(node) as channel:
        await until(lambda: channel.connected)
        answered, *unanswered = calls = [Call(number) for number in range(1, 6)]
        request(channel, *calls)
        assert await arrivals(node.streams[0], 5) == [1, 2, 3, 4, 5]
        node.streams[0].write((Message(message_seq_no=1, method="m", payload=b"r").SerializeToString(),))
        await until(lambda: answered.log)
        node.streams[0].cut()
        request(channel, Call(6))
        await until(lambda: len(node.streams) == 2)
        assert await arrivals(node.streams[1], 5) == [2, 3, 4, 5, 6]
        assert not any(call.log for call in unanswered)


async def test_streaming_calls_fail_when_the_stream_breaks() -> None:
    node = Node()
    async with channel_to(node) as channel:
        await until(lambda: channel.connected)
        streaming, plain = Call(1, streaming=True), Call(2)
        request(channel, streaming, plain)
        assert await arrivals(node.streams[0], 2) == [1, 2]
        node.streams[0].cut()
        await until(lambda: streaming.log)
        assert isinstance(streaming.log[0], StreamDownError)
        await until(lambda: len(node.streams) == 2)
        assert await arrivals(node.streams[1], 1) == [2]


async def test_a_streaming_call_that_was_not_written_waits_for_the_next_stream_and_nobody_is_told_otherwise() -> None:
    node = Node()
    async with channel_to(node) as channel:
        await until(lambda: channel.connected)
        written = Call(1, streaming=True)
        request(channel, written)
        assert await arrivals(node.streams[0], 1) == [1]
        node.streams[0].cut()
        await turns()
        assert not channel.connected
        waiting = [Call(2, streaming=True), Call(3), Call(4, streaming=True)]
        request(channel, *waiting)
        await until(lambda: len(node.streams) == 2)
        assert await arrivals(node.streams[1], 3) == [2, 3, 4]
        (error,) = written.log
        assert isinstance(error, StreamDownError)
        assert not any(call.log for call in waiting)
        for call in waiting:
            node.streams[1].write((encode_message(call.number, METHOD, b"r"),))
        await until(lambda: all(call.log == [b"r"] for call in waiting))


@pytest.mark.parametrize("streaming", [True, False])
async def test_what_is_told_that_the_node_is_down_is_not_sent(streaming: bool) -> None:
    node = Node()
    node.refuse = DOWN
    async with channel_to(node) as channel:
        call = Call(1, streaming=streaming)
        request(channel, call)
        await until(lambda: call.log)
        node.refuse = None
        await until(lambda: channel.connected)
        request(channel, Call(2))
        assert await arrivals(node.streams[0], 1) == [2]


async def test_a_node_that_refuses_the_stream_gives_its_reason_to_every_call() -> None:
    node = Node()
    node.refuse = StatusError(grpc.StatusCode.PERMISSION_DENIED, "who are you")
    async with channel_to(node) as channel:
        call = Call(1)
        request(channel, call)
        await until(lambda: call.log)
        (error,) = call.log
        assert isinstance(error, StatusError)
        assert error.code == grpc.StatusCode.PERMISSION_DENIED


async def test_bytes_that_are_no_message_end_the_stream_and_its_calls() -> None:
    node = Node()
    async with channel_to(node) as channel:
        await until(lambda: channel.connected)
        call = Call(1)
        request(channel, call)
        node.streams[0].write((b"\xff\xff\xff\xff",))
        await until(lambda: call.log)
        (error,) = call.log
        assert isinstance(error, StatusError)
        assert error.code == grpc.StatusCode.INTERNAL
        assert ADDRESS in error.message
        await until(lambda: len(node.streams) == 2 and channel.connected)


async def test_a_message_that_does_not_fit_fails_alone() -> None:
    node = Node()
    node.refuse = None
    first, second = Call(1), Call(2)
    async with channel_to(node, send_buffer=len(first.frame)) as channel:
        request(channel, first, second)
        (error,) = second.log
        assert isinstance(error, StatusError)
        assert error.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert ADDRESS in error.message
        await until(lambda: channel.connected)
        assert await arrivals(node.streams[0], 1) == [1]
        assert not first.log


async def test_a_call_from_the_other_side_is_refused_not_ignored() -> None:
    node = Node()
    async with channel_to(node) as channel:
        await until(lambda: channel.connected)
        stream = node.streams[0]
        stream.write((Message(message_seq_no=SERVER_INITIATED | 9, method="a.B.C").SerializeToString(),))
        data = await stream.receive()
        assert data is not None
        answer = Message.FromString(data)
        assert (answer.message_seq_no, answer.method) == (SERVER_INITIATED | 9, "a.B.C")
        assert answer.status.code == grpc.StatusCode.UNIMPLEMENTED.value[0]


async def test_a_call_that_raises_on_delivery_harms_nobody() -> None:
    class Broken(Call):
        def deliver(self, node_id: int, payload: bytes) -> None:
            raise RuntimeError("broken")

    node = Node()
    async with channel_to(node) as channel:
        await until(lambda: channel.connected)
        broken, good = Broken(1), Call(2)
        request(channel, broken, good)
        for number in (1, 2):
            node.streams[0].write((Message(message_seq_no=number, method="m", payload=b"r").SerializeToString(),))
        await until(lambda: good.log)
        assert good.log == [b"r"]
        assert channel.connected


async def test_batching_waits_for_the_acceptors_word() -> None:
    node = Node()
    async with channel_to(node) as channel:
        await until(lambda: channel.connected)
        stream = node.streams[0]
        request(channel, Call(1), Call(2))
        for _ in range(2):  # each alone: nothing was confirmed
            assert len(await arrivals(stream, 1)) == 1
        stream.confirm(EXTENSIONS)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        request(channel, Call(3), Call(4))
        data = await stream.receive()
        assert data is not None
        assert [message.message_seq_no for message in split(data, batching=True)] == [3, 4]


async def test_closing_fails_pending_calls_and_later_ones() -> None:
    node = Node()
    async with channel_to(node) as channel:
        await until(lambda: channel.connected)
        pending, late = Call(1), Call(2)
        request(channel, pending)
        assert await arrivals(node.streams[0], 1) == [1]
        closing = asyncio.create_task(channel.close())
        assert await node.streams[0].receive() is None, "what was sent gets time to arrive"
        node.streams[0].cut()
        await closing
        request(channel, late)
        for call in (pending, late):
            (error,) = call.log
            assert isinstance(error, NodeClosedError)


async def test_what_is_queued_for_a_node_that_never_answered_fails_on_close() -> None:
    needs_a_stream_that_does_not_stand_yet()
    node = Node()
    async with channel_to(node) as channel:
        note = Call(1, one_way=True)
        channel.post(note.frame, note)
        await channel.close()
        (error,) = note.log
        assert isinstance(error, NodeClosedError)


async def close_takes(channel: OutboundChannel) -> float:
    """How long closing waits for a node that goes on with what it does."""
    begin = asyncio.get_running_loop().time()
    await channel.close()
    return asyncio.get_running_loop().time() - begin


@pytest.mark.parametrize("told", [True, False])
async def test_closing_waits_only_for_what_somebody_may_want_to_arrive(
    monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    monkeypatch.setattr("pygorums.streams.outbound.CLOSE_GRACE", 600)
    node = Node()
    async with channel_to(node) as channel:
        await until(lambda: channel.connected)
        if told:
            node.streams[0].confirm(EXTENSIONS)
        given_up, answered = Call(1), Call(2)
        request(channel, given_up, answered)
        assert await arrivals(node.streams[0], 2) == [1, 2]
        node.streams[0].write((encode_message(2, METHOD, b"r"),))
        await until(lambda: answered.log)
        assert channel._queue.cancels is told
        node.streams[0].pause()  # so that the notice is being written for long
        channel.give_up(1)
        await turns(3)
        assert bool(channel._queue.queued_bytes) is told
        asyncio.get_running_loop().call_soon(node.streams[0].resume)
        assert await close_takes(channel) < 300


@pytest.mark.parametrize("kind", ["decided call", "one-way message"])
async def test_closing_gives_what_was_just_sent_its_time(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr("pygorums.streams.outbound.CLOSE_GRACE", 0.3)
    node = Node()
    async with channel_to(node) as channel:
        await until(lambda: channel.connected)
        call = Call(1, one_way=kind == "one-way message")
        call.decided = True
        if call.one_way:
            channel.post(call.frame, call)
        else:
            request(channel, call)
        assert await arrivals(node.streams[0], 1) == [1]
        assert await close_takes(channel) >= 0.29


async def test_a_node_that_leaves_answers_what_it_has_taken_and_the_rest_goes_to_the_next_stream() -> None:
    node = Node()
    async with channel_to(node) as channel:
        await until(lambda: channel.connected)
        taken, later = Call(1), Call(2)
        request(channel, taken)
        old = node.streams[0]
        assert await arrivals(old, 1) == [1]
        old.leave()
        request(channel, later)
        assert await old.receive() is None, "nothing more, and told so"
        old.write((encode_message(1, METHOD, b"r"),))
        await until(lambda: taken.log)
        old.cut(StreamDownError("done"))
        await until(lambda: len(node.streams) == 2)
        assert await arrivals(node.streams[1], 1) == [2]
        assert taken.log == [b"r"]


async def test_a_node_that_leaves_is_not_waited_for_where_somebody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pygorums.streams.opened_stream.LEAVE_GRACE", 0.01)
    node = Node()
    async with channel_to(node) as channel:
        await until(lambda: channel.connected)
        request(channel, Call(1))
        assert await arrivals(node.streams[0], 1) == [1]
        node.streams[0].leave()
        await turns(5)
        assert channel.connected
        request(channel, Call(2))
        await until(lambda: len(node.streams) == 2)
        assert await arrivals(node.streams[1], 2) == [1, 2]
