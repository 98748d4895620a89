"""A Python client and servers that batch, that do not, and that make up their mind late."""

import asyncio

import pytest

import pygorums as gorums
from pygorums.wire.stream_pb2 import Frame
from tests.interop.test_batching_server import check_envelope
from tests.protos.calls_gorums import ask, echo, note
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected
from tests.support.frames import envelope, messages_in, reply
from tests.support.scripted_server import Script, ScriptedServer, ServerStream, answering
from tests.support.waiting import until, within

pytestmark = pytest.mark.batching

MANY = 200


def same(payload: bytes) -> bytes:
    return payload


plain: Script = answering({"calls.Calls.Echo": same, "calls.Calls.Ask": same, "calls.Calls.Note": lambda _: None})


async def batching(stream: ServerStream) -> None:
    """A server that confirms at once and answers each envelope with one."""
    offer = stream.offered("pygorums-batch")
    assert offer == "1", stream.metadata
    await stream.confirm(("pygorums-batch", offer))
    while (frame := await stream.receive()) is not None:
        replies = [reply(m, m.payload) for m in messages_in(frame) if not m.method.endswith("Note")]
        if len(replies) > 1:
            await stream.send(envelope(*replies))
        elif replies:
            await stream.send(replies[0])


def texts(stream: ServerStream) -> list[str]:
    return [Text.FromString(message.payload).text for message in stream.messages]


async def call_many(node: gorums.Node) -> None:
    calls = [echo(node, Text(text=f"t{n}")) for n in range(MANY)]
    assert [r.text for r in await within(asyncio.gather(*calls))] == [f"t{n}" for n in range(MANY)]


async def test_queued_messages_leave_in_envelopes() -> None:
    async with ScriptedServer(batching) as server, connected([server.address]) as config:
        await within(echo(config[0], Text(text="hello")))  # what is negotiated is known now
        await call_many(config[0])
        stream = server.streams[0]
        frames = [Frame.FromString(raw) for raw in stream.received]
        assert len(frames) < MANY / 2
        for frame in frames:
            check_envelope(frame)
        assert texts(stream) == ["hello", *(f"t{n}" for n in range(MANY))]
        numbers = [message.message_seq_no for message in stream.messages]
        assert numbers == sorted(set(numbers))


async def test_a_lone_message_leaves_plain() -> None:
    async with ScriptedServer(batching) as server, connected([server.address]) as config:
        for _ in range(3):
            await within(echo(config[0], Text(text="x")))
        assert not any(Frame.FromString(raw).batch for raw in server.streams[0].received)


async def test_envelopes_stay_under_a_mebibyte_unless_one_message_is_larger() -> None:
    async with ScriptedServer(batching) as server, connected([server.address]) as config:
        await within(echo(config[0], Text(text="hello")))
        sizes = [100_000] * 25 + [2_000_000] + [100_000] * 25
        await within(asyncio.gather(*(note(config[0], Text(text=str(n), data=bytes(s))) for n, s in enumerate(sizes))))
        await until(lambda: len(server.streams[0].messages) == 52)
        assert texts(server.streams[0]) == ["hello", *(str(n) for n in range(51))]
        for raw in server.streams[0].received:
            assert len(raw) < 1 << 20 or not Frame.FromString(raw).batch


async def test_a_server_that_does_not_confirm_gets_no_envelope() -> None:
    async with ScriptedServer(plain) as server, connected([server.address]) as config:
        await call_many(config[0])
        assert len(server.streams[0].received) == MANY
        assert not any(Frame.FromString(raw).batch for raw in server.streams[0].received)


async def test_servers_with_and_without_batching_in_one_configuration() -> None:
    async with (
        ScriptedServer(batching) as one,
        ScriptedServer(plain) as two,
        connected([one.address, two.address]) as config,
    ):
        await within(ask(config, Text(text="hello")).all())
        calls = [ask(config, Text(text=f"t{n}")).async_all() for n in range(MANY)]
        replies = await within(asyncio.gather(*calls))
        assert [r.text for r in replies] == [f"t{n}" for n in range(MANY)]
        assert one.streams[0].messages == two.streams[0].messages
        assert len(one.streams[0].received) < MANY / 2
        assert len(two.streams[0].received) == MANY + 1


async def test_calls_do_not_wait_for_initial_metadata() -> None:
    """As with a Go server: its metadata comes with its first reply, after the first request."""
    answered = asyncio.Event()

    async def late(stream: ServerStream) -> None:
        frame = await stream.receive()
        assert frame is not None
        await answered.wait()
        await stream.confirm()
        await stream.send(reply(frame, frame.payload))
        await plain(stream)

    async with ScriptedServer(late) as server, connected([server.address]) as config:
        first = echo(config[0], Text(text="first"))
        await until(lambda: server.streams and server.streams[0].received, "the first frame")
        answered.set()
        assert (await within(first)).text == "first"
        await call_many(config[0])


async def test_batching_starts_when_it_is_confirmed_late() -> None:
    confirm = asyncio.Event()

    async def late(stream: ServerStream) -> None:
        for _ in range(20):
            assert await stream.receive() is not None
        await confirm.wait()
        early = stream.messages
        await stream.confirm(("pygorums-batch", "1"))
        await stream.send(envelope(*(reply(m, m.payload) for m in early)))
        while (frame := await stream.receive()) is not None:
            for message in messages_in(frame):
                await stream.send(reply(message, message.payload))

    async with ScriptedServer(late) as server, connected([server.address]) as config:
        early = [echo(config[0], Text(text=str(n))) for n in range(20)]
        await until(lambda: server.streams and len(server.streams[0].received) == 20, "20 plain frames")
        assert not any(Frame.FromString(raw).batch for raw in server.streams[0].received)
        confirm.set()
        assert [r.text for r in await within(asyncio.gather(*early))] == [str(n) for n in range(20)]
        await call_many(config[0])
        assert len(server.streams[0].received) < 20 + MANY / 2


async def test_a_server_that_never_says_anything() -> None:
    async def mute(stream: ServerStream) -> None:
        while await stream.receive() is not None:
            pass

    async with ScriptedServer(mute) as server, connected([server.address]) as config:
        await within(note(config[0], Text(text="one-way")))
        silent = echo(config[0], Text(text="lost"), timeout=0.1)
        try:
            await within(silent)
        except TimeoutError:
            pass
        else:
            raise AssertionError("nobody answered")
        await until(lambda: texts(server.streams[0]) == ["one-way", "lost"])
        assert len(server.streams) == 1


async def test_late_unknown_and_duplicate_replies_are_dropped() -> None:
    async def strange(stream: ServerStream) -> None:
        while (frame := await stream.receive()) is not None:
            unknown = reply(frame, frame.payload)
            unknown.message_seq_no += 1000
            good = reply(frame, frame.payload)
            for message in (unknown, good, good, good):
                await stream.send(message)

    async with ScriptedServer(strange) as server, connected([server.address]) as config:
        for n in range(5):
            assert (await within(echo(config[0], Text(text=str(n))))).text == str(n)
            replies = await within(ask(config, Text(text=str(n))).collect_all())
            assert {node_id: r.text for node_id, r in replies.items()} == {1: str(n)}
        assert len(server.streams) == 1
        assert config[0].pending == 0
