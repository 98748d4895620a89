"""What becomes of requests that clients give up which are not ours, or mean harm."""

import asyncio
from contextvars import copy_context

import pytest

from pygorums.serving.backlog import Backlog
from pygorums.serving.callers import Callers
from pygorums.wire.framing import encode_cancel
from pygorums.wire.stream_pb2 import Frame, Message
from tests.behaviour.servers.held import Held
from tests.protos.calls_pb2 import Text
from tests.support.cluster import serving
from tests.support.frames import envelope, request
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import until, within


@pytest.mark.batching
async def test_what_a_strange_client_gives_up() -> None:
    """Numbers of nothing, of what was answered, of one-way messages, again and again, and out of envelopes."""
    service = Held()
    payload = Text(text="free x").SerializeToString()
    async with (
        serving(service, cancel_abandoned=True) as address,
        ScriptedClient(address, [("pygorums-batch", "1"), ("pygorums-cancel", "1")]) as client,
    ):
        assert (await client.initial_metadata())["pygorums-cancel"] == "1"
        await client.send(encode_cancel(7), request(1, "calls.Calls.Echo", payload))
        await until(lambda: service.begun == ["free x"])
        cancel = Message(message_seq_no=1, cancel=True)
        await client.send(envelope(cancel, cancel, Message(cancel=True)), cancel)
        await until(lambda: service.cancelled == ["free x"])
        note = request(2, "calls.Calls.Note", Text(text="free note").SerializeToString())
        await client.send(envelope(note, Message(message_seq_no=2, cancel=True)))
        await until(lambda: service.begun[-1] == "free note")
        quick = request(3, "calls.Calls.Echo", Text(text="quick").SerializeToString())
        await client.send(quick)
        reply = await within(client.receive())
        assert (reply.message_seq_no, reply.status.code) == (3, 0)
        assert service.cancelled == ["free x"]
        service.gate.set()


@pytest.mark.parametrize("value", ["1n", "300m"])
async def test_a_client_that_waits_for_longer_than_it_says(value: str) -> None:
    """It is answered, with DEADLINE_EXCEEDED."""
    service = Held()
    async with serving(service, cancel_abandoned=True) as address, ScriptedClient(address) as client:
        text = Text(text="x").SerializeToString()
        await client.send(request(1, "calls.Calls.Echo", text, [("grpc-timeout", value)]))
        reply = await within(client.receive())
        assert (reply.message_seq_no, reply.status.code) == (1, 4)
        assert service.cancelled == service.begun


def test_what_is_remembered_of_calls_that_were_given_up_is_bounded() -> None:
    """A client names numbers of calls that it never made, while some requests wait."""

    async def name_numbers() -> None:
        backlog = Backlog(1 << 20)
        backlog.put([Frame(message_seq_no=n) for n in range(100)], 1000)
        callers = Callers(backlog, cancel=True, context=copy_context())
        most = 0
        for number in range(100_000):
            callers.give_up(1000 + number)
            callers.give_up(number % 50)
            most = max(most, len(callers._gone))
        assert most <= 300
        backlog.clear()
        callers.give_up(5)
        assert set(range(50)) <= callers._gone
        assert 5000 not in callers._gone

    asyncio.run(name_numbers())
