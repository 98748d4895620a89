"""Streaming calls with peers that cannot mark the last reply, and with those that can."""

import asyncio

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import echo, follow
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected, serving
from tests.support.frames import failure, reply, request
from tests.support.scripted_client import ScriptedClient
from tests.support.scripted_server import ScriptedServer, ServerStream
from tests.support.waiting import within

# Short, but long enough for a few messages on a loaded machine.
TIME = 0.4


async def two_replies(stream: ServerStream) -> None:
    """What a Go server does: two replies to each streaming call, and nothing that says so."""
    while (frame := await stream.receive()) is not None:
        if frame.method.endswith("Echo"):
            await stream.send(reply(frame, frame.payload))
            continue
        for number in (1, 2):
            await stream.send(reply(frame, Text(number=number).SerializeToString()))


async def one_reply_and_an_error(stream: ServerStream) -> None:
    while (frame := await stream.receive()) is not None:
        await stream.send(reply(frame, Text(number=1).SerializeToString()))
        await stream.send(failure(frame, 10, "enough"))


async def test_a_call_to_peers_that_do_not_mark_the_end_ends_with_its_time() -> None:
    async with ScriptedServer(two_replies) as server, connected([server.address]) as config:
        responses = follow(config, Text(), timeout=TIME)
        numbers = [r.value.number async for r in responses.ignore_errors()]
        assert numbers == [1, 2]
        assert config[0].pending == 0


async def test_a_call_to_such_peers_can_be_left() -> None:
    async with ScriptedServer(two_replies) as server, connected([server.address]) as config:
        replies = await within(follow(config, Text()).collect_n(1))
        assert set(replies) == {1}
        correctable = follow(config, Text()).correctable(2)
        _, level, error = await within(correctable.wait())
        assert (level, error) == (2, None)
        assert config[0].pending == 0
        assert (await within(echo(config[0], Text(text="after")))).text == "after"


async def test_a_correctable_of_such_peers_times_out() -> None:
    async with ScriptedServer(two_replies) as server, connected([server.address]) as config:
        _, level, error = await within(follow(config, Text(), timeout=TIME).correctable(3).wait())
        assert level == 2
        assert isinstance(error, gorums.QuorumTimeoutError)


async def test_an_error_is_the_end_of_a_node() -> None:
    async with ScriptedServer(one_reply_and_an_error) as server, connected([server.address]) as config:
        async with asyncio.timeout(10):
            responses = [r async for r in follow(config, Text())]
        assert [r.error is None for r in responses] == [True, False]


async def test_peers_with_and_without_the_mark_in_one_call() -> None:
    async with (
        serving(ScriptedCalls()) as python,
        ScriptedServer(two_replies) as other,
        connected([python, other.address]) as config,
    ):
        responses = follow(config, Text(text="x", number=3), timeout=TIME)
        numbers = [(r.node_id, r.value.number) async for r in responses.ignore_errors()]
        assert sorted(numbers) == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_the_mark_is_sent_to_those_that_offered_to_understand_it(count: int) -> None:
    payload = Text(text="ok", number=count).SerializeToString()
    async with serving(ScriptedCalls()) as address:
        async with ScriptedClient(address, [("pygorums-stream-end", "1")]) as client:
            await client.send(request(1, "calls.Calls.Follow", payload), request(2, "calls.Calls.Echo"))
            messages = []
            while (message := await client.receive()).message_seq_no == 1:
                messages.append(message)
            assert (await client.initial_metadata())["pygorums-stream-end"] == "1"
        assert [message.end for message in messages].count(True) == 1
        assert messages[-1].end
        assert len([message for message in messages if message.payload]) == count
        assert {message.method for message in messages} == {"calls.Calls.Follow"}
