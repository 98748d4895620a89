"""How a channel ends, and what becomes of what it still has to send; and a node that leaves by itself."""

import asyncio

import pytest

from pygorums.base.errors import NodeClosedError, StreamDownError
from pygorums.streams.outbound import OutboundChannel
from pygorums.wire.framing import encode_message
from pygorums.wire.handshake import EXTENSIONS
from tests.support.waiting import turns, until
from tests.unit.streams.far_end import (
    METHOD,
    Call,
    Node,
    arrivals,
    channel_to,
    needs_a_stream_that_does_not_stand_yet,
    request,
)


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
