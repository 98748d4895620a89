"""A server that sends a client more than it asked for: bounded memory, and other nodes do not wait."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress

import pytest

import pygorums as gorums
from pygorums.streams import opened_stream
from pygorums.streams.pending import PendingCalls
from pygorums.wire.batching import envelope
from pygorums.wire.framing import PIECE, SERVER_INITIATED, Frame, Message, encode_message, method_field, split
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected, serving
from tests.support.scripted_server import ScriptedServer, ServerStream
from tests.support.waiting import until, within

KIB = 1 << 10
BATCH = ("pygorums-batch", "1")


@pytest.mark.parametrize("serves", [False, True])
@pytest.mark.parametrize(("name", "together"), [(200, 500), (100_000, 2)], ids=["small requests", "long names"])
async def test_a_node_that_does_not_read_is_not_read_from(
    monkeypatch: pytest.MonkeyPatch, serves: bool, name: int, together: int
) -> None:
    """Each call back is refused, and nobody takes the refusals."""
    monkeypatch.setattr("pygorums.streams.reply_sink.READ_ON_BELOW", 64 * KIB)
    # Where handlers get their turn seldom, as on a busy machine, it is this bound that is reached first.
    monkeypatch.setattr("pygorums.serving.in_order.READ_ON_BELOW", 64 * KIB)
    monkeypatch.setattr("pygorums.serving.replies.READ_ON_BELOW", 64 * KIB)
    reading = asyncio.Event()
    frame = envelope([encode_message(SERVER_INITIATED | n, method_field("n" * name), b"") for n in range(together)])
    sent = received = 0

    async def script(stream: ServerStream) -> None:
        nonlocal received
        await stream.confirm(BATCH)
        sending = asyncio.create_task(flood(stream))
        await reading.wait()
        while await stream.receive() is not None:
            received += len(stream.received.pop())
        await sending

    async def flood(stream: ServerStream) -> None:
        nonlocal sent
        with suppress(Exception):  # the end of the stream ends it
            while True:
                await stream.send(frame)
                sent += 1

    async with AsyncExitStack() as stack:
        server = None
        if serves:
            server = gorums.Server(ScriptedCalls())
            stack.push_async_callback(server.stop)
        node = await stack.enter_async_context(ScriptedServer(script))
        config = await stack.enter_async_context(connected([node.address], server=server))
        queue = config[0].channel._queue  # type: ignore[attr-defined]  # what waits there is what grows
        stack.callback(reading.set)
        # What the network holds is a few megabytes; then the server cannot send any more.
        before = -1
        while sent > before:
            before = sent
            await asyncio.sleep(0.2)  # the time in which it would go on
            assert queue.queued_bytes < 1024 * KIB
        reading.set()
        await until(lambda: sent > before + 10 and received > 100 * KIB)
        assert config[0].connected


async def test_messages_without_content_are_parsed_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bytes each in an envelope, and a hundred once they are parsed; and handed on in several turns."""
    parsed: list[int] = []
    taken: list[int] = []
    deliver = PendingCalls.deliver

    def counted(self: PendingCalls, messages: Sequence[Message | Frame], now: float) -> object:
        taken.append(len(messages))
        return deliver(self, messages, now)

    monkeypatch.setattr(PendingCalls, "deliver", counted)

    def noted(data: bytes, *, batching: bool) -> object:
        parsed.append(len(data))
        return split(data, batching=batching)

    monkeypatch.setattr(opened_stream, "split", noted)
    done = asyncio.Event()

    async def script(stream: ServerStream) -> None:
        await stream.confirm(BATCH)
        await stream.receive()
        await stream.send(b"\x7a\x00" * 300_000)
        await stream.send(b"\x7a\x00" * 32_000)
        await stream.send(encode_message(1, b"", b""))
        await done.wait()

    async with (
        ScriptedServer(script) as node,
        serving(ScriptedCalls()) as other,
        connected([node.address, other]) as config,
    ):
        call = asyncio.ensure_future(echo(config[0], Text(text="x")))
        while not call.done():
            assert (await within(echo(config[1], Text(text="other")))).text == "other", "other nodes do not wait"
        await call
        done.set()
    assert max(parsed) <= PIECE + 2
    assert max(taken) == 1024
    assert sum(taken) > 332_000
