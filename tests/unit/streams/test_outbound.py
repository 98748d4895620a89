"""Opening, breaking and reopening a stream, with a stream in memory whose other end is the test."""

import asyncio

import grpc
import pytest

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.wire.framing import SERVER_INITIATED, encode_message, split
from pygorums.wire.handshake import EXTENSIONS, instance_of
from pygorums.wire.stream_pb2 import Message
from tests.support.waiting import turns, until
from tests.unit.streams.far_end import (
    ADDRESS,
    DOWN,
    METHOD,
    NODE,
    Call,
    Node,
    arrivals,
    channel_to,
    needs_a_stream_that_does_not_stand_yet,
    request,
)


async def test_the_stream_is_opened_without_a_call() -> None:
    node = Node()
    async with channel_to(node) as channel:
        await until(lambda: channel.connected)
        assert node.streams[0].metadata[:-1] == EXTENSIONS
        assert instance_of(node.streams[0].metadata) is not None


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
