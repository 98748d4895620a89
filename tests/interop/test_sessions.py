"""What a session looks like on the wire, with one end that a test writes by hand."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import pytest

import pygorums as gorums
from pygorums.wire.framing import encode_ack, encode_session_end
from pygorums.wire.stream_pb2 import Frame
from tests.interop.session_peers import ID, KEY, OTHER, TOKEN, call, confirmed, hello
from tests.protos.calls_gorums import NOTE, echo, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, serving
from tests.support.frames import reply, request
from tests.support.scripted_client import ScriptedClient
from tests.support.scripted_server import ScriptedServer, ServerStream, swallow
from tests.support.waiting import until, within


async def test_what_was_not_taken_is_sent_again() -> None:
    service = ScriptedCalls()
    async with serving(service) as address:
        async with ScriptedClient(address, hello()) as client:
            token, taken = await confirmed(client)
            assert taken == 0
            await client.send(encode_ack(0), Frame(batch=[call(1), call(2)]))
            replies = await client.receive_all(2)
            assert [each.message_seq_no for each in replies] == [1, 2]
        async with ScriptedClient(address, hello(2, token, received=1)) as client:
            assert await confirmed(client) == (token, 2)
            assert (await client.receive()).message_seq_no == 2, "the one that it has not taken"
            await client.send(encode_ack(1), call(3))
            assert (await client.receive()).message_seq_no == 3
    assert service.seen == ["ok"] * 3


async def test_what_was_taken_is_acknowledged() -> None:
    service = ScriptedCalls()
    async with serving(service) as address, ScriptedClient(address, hello()) as client:
        await client.send(encode_ack(0), *(call(number) for number in range(1, 4)))
        await until(lambda: any(frame == encode_ack(3) for frame in client.frames))
        await client.send(Frame(batch=[request(number, NOTE.name) for number in range(4, 304)]))
        await until(lambda: any(frame == encode_ack(303) for frame in client.frames))


async def test_an_acknowledgement_and_a_message_in_one() -> None:
    service = ScriptedCalls()
    async with serving(service) as address, ScriptedClient(address, hello()) as client:
        await client.send(encode_ack(0) + call(1).SerializeToString())
        assert (await client.receive()).message_seq_no == 1
        await client.send(encode_ack(1) + Frame(batch=[call(2), call(3)]).SerializeToString())
        assert [each.message_seq_no for each in await client.receive_all(2)] == [2, 3]
        await client.send(encode_ack(9) + call(4).SerializeToString())
        assert (await client.ended())[0] is grpc.StatusCode.INTERNAL
    assert service.seen == ["ok"] * 3

    async with towards(f"1 {TOKEN} 0") as (node, server):
        stream = await server.opened(1)
        calls = [echo(node, Text(text=text)) for text in "ab"]
        await until(lambda: len(calls_of(stream)) == 2)
        one, other = (message for message in stream.messages if message.method)
        for number, message in enumerate((one, other), 1):
            answer = reply(message, Text(text=f"{number}").SerializeToString())
            await stream.send(encode_ack(number) + answer.SerializeToString())
        assert [reply.text for reply in await within(asyncio.gather(*calls))] == ["1", "2"]


@pytest.mark.parametrize(
    "value", ["", "1", f"2 {ID} 1 - 0", f"1 {ID} 0 - 0", f"1 {ID.upper()} 1 - 0", f"1 {ID} 1 - {1 << 64}"]
)
async def test_what_is_no_hello_is_ignored(value: str) -> None:
    async with (
        serving(ScriptedCalls()) as address,
        ScriptedClient(address, [(KEY, value), ("pygorums-batch", "1")]) as client,
    ):
        assert KEY not in await client.initial_metadata()
        await client.send(call(1))
        assert (await client.receive()).message_seq_no == 1


async def test_a_client_that_acknowledges_nothing_at_first_has_no_session() -> None:
    service = ScriptedCalls()
    async with serving(service) as address:
        async with ScriptedClient(address, hello()) as client:
            token, _ = await confirmed(client)
            await client.send(call(1, "hold-free:door"))
            await service.gates["door"].arrivals()
        await until(lambda: service.contexts[0].cancelled)
        async with ScriptedClient(address, hello(2, token)) as client:
            another, taken = await confirmed(client)
            assert another != token
            assert taken == 0


async def test_a_late_hello_is_refused() -> None:
    async with serving(ScriptedCalls()) as address, ScriptedClient(address, hello(2)) as client:
        await confirmed(client)
        async with ScriptedClient(address, hello(1)) as late:
            code, text = await late.ended()
            assert code is grpc.StatusCode.ABORTED
            assert "newer" in text
        await client.send(encode_ack(0), call(1))
        assert (await client.receive()).message_seq_no == 1


async def test_a_newer_stream_takes_over() -> None:
    service = ScriptedCalls()
    async with serving(service) as address, ScriptedClient(address, hello(1)) as older:
        token, _ = await confirmed(older)
        await older.send(encode_ack(0), call(1, "hold-free:door"))
        await service.gates["door"].arrivals()
        async with ScriptedClient(address, hello(2, token)) as newer:
            assert await confirmed(newer) == (token, 1)
            code, _ = await older.ended()
            assert code is grpc.StatusCode.ABORTED
            service.open_all()
            assert (await newer.receive()).message_seq_no == 1


@pytest.mark.parametrize("sign", [encode_ack(1), encode_ack((1 << 64) - 1), b"\x68\xff"])
async def test_numbers_that_cannot_be_end_the_stream(sign: bytes) -> None:
    async with serving(ScriptedCalls()) as address, ScriptedClient(address, hello()) as client:
        token, _ = await confirmed(client)
        await client.send(sign)
        assert (await client.ended())[0] is grpc.StatusCode.INTERNAL
        async with ScriptedClient(address, hello(2, token)) as again:
            assert (await confirmed(again))[0] != token


async def test_who_comes_back_with_more_than_was_sent_begins_anew() -> None:
    async with serving(ScriptedCalls()) as address:
        async with ScriptedClient(address, hello()) as client:
            token, _ = await confirmed(client)
            await client.send(encode_ack(0), call(1))
            await client.receive()
        async with ScriptedClient(address, hello(2, token, received=7)) as client:
            another, taken = await confirmed(client)
            assert (another != token, taken) == (True, 0)


@asynccontextmanager
async def towards(*scripts: str) -> AsyncIterator[tuple[gorums.Node, ScriptedServer]]:
    """A node whose server confirms these, one on each stream, and does nothing else."""
    answers = iter(scripts)

    async def script(stream: ServerStream) -> None:
        answer = next(answers, scripts[-1])
        await stream.confirm(("pygorums-batch", "1"), (KEY, answer))
        await swallow(stream)
        await stream.send(encode_ack(int(answer.split()[2]) + len(calls_of(stream))))

    async with ScriptedServer(script) as server:
        address = await server.start()
        config = gorums.connect([address], session=gorums.Session(keep=10.0), backoff=QUICK)
        try:
            yield config[0], server
        finally:
            await within(config.close())


async def broken(stream: ServerStream, code: grpc.StatusCode, text: str) -> None:
    """Ends a stream, which gRPC says by an exception that is none of its own public ones."""
    with suppress(Exception):
        await stream.abort(code, text)


def calls_of(stream: ServerStream) -> list[int]:
    return [message.message_seq_no for message in stream.messages if message.method]


async def test_what_an_opener_says() -> None:
    async with towards(f"1 {TOKEN} 0", f"1 {TOKEN} 1") as (node, server):
        stream = await server.opened(1)
        match = re.fullmatch(r"1 [0-9a-f]{32} 1 - 0", stream.offered(KEY) or "")
        assert match is not None
        for text in ("a", "b", "c"):
            await within(note(node, Text(text=text)))
        await until(lambda: len(calls_of(stream)) == 3)
        assert stream.received[0].startswith(encode_ack(0)), "so the acceptor knows that its confirmation was seen"
        numbers = calls_of(stream)
        await stream.send(encode_ack(1))
        await stream.send(reply(request(1 << 40, "x")))
        await broken(stream, grpc.StatusCode.UNKNOWN, "whatever the status, it is a break")
        again = await server.opened(2)
        assert (again.offered(KEY) or "").split()[2:] == ["2", TOKEN, "1"]
        await until(lambda: len(calls_of(again)) == 2)
        assert again.received[0].startswith(encode_ack(1))
        assert calls_of(again) == numbers[1:], "the first was taken"


async def test_another_half_means_that_nobody_knows() -> None:
    async with towards(f"1 {TOKEN} 0", f"1 {OTHER} 0") as (node, server):
        stream = await server.opened(1)
        lost = echo(node, Text(text="lost"))
        await until(lambda: len(calls_of(stream)) == 1)
        await broken(stream, grpc.StatusCode.UNAVAILABLE, "gone")
        with pytest.raises(gorums.OutcomeUnknownError):
            await within(lost)
        again = await server.opened(2)
        await within(note(node, Text(text="new")))
        await until(lambda: len(calls_of(again)) == 1)


async def test_an_acceptor_that_ends_the_session() -> None:
    async with towards(f"1 {TOKEN} 0", f"1 {OTHER} 0") as (node, server):
        stream = await server.opened(1)
        calls = [echo(node, Text(text=text)) for text in ("answered", "taken", "too late")]
        await until(lambda: len(calls_of(stream)) == 3)
        first = next(message for message in stream.messages if message.method)
        await stream.send(encode_session_end(2))
        await stream.send(reply(first, Text(text="answered").SerializeToString()))
        assert (await within(calls[0])).text == "answered"
        await broken(stream, grpc.StatusCode.UNAVAILABLE, "gone")
        with pytest.raises(gorums.OutcomeUnknownError):
            await within(calls[1])
        again = await server.opened(2)
        assert (again.offered(KEY) or "").split()[2:] == ["1", "-", "0"], "a new session"
        await until(lambda: len(calls_of(again)) == 1)
        assert calls_of(again) == [calls_of(stream)[2]]
        calls[2].cancel()


async def test_close_ends_the_session() -> None:
    async with towards(f"1 {TOKEN} 0") as (node, server):
        stream = await server.opened(1)
        await within(note(node, Text(text="last")))
    assert stream.received[-1] == encode_session_end(0)


async def test_a_confirmation_that_comes_too_late_does_not_count() -> None:
    seen = asyncio.Event()

    async def script(stream: ServerStream) -> None:
        await within(seen.wait())
        await stream.confirm((KEY, f"1 {TOKEN} 0"))
        await swallow(stream)

    async def read_first(stream: ServerStream) -> None:
        await stream.receive()
        seen.set()
        await script(stream)

    async with ScriptedServer(read_first) as server:
        config = gorums.connect([await server.start("127.0.0.1:0")], session=gorums.Session(), backoff=QUICK)
        try:
            await within(note(config[0], Text(text="before")))
            stream = await server.opened(1)
            await within(seen.wait())
            await within(note(config[0], Text(text="after")))
            await until(lambda: len(calls_of(stream)) == 2)
            assert len(stream.received) == 2, "no acknowledgement: the acceptor knows that there is no session"
        finally:
            await within(config.close())
