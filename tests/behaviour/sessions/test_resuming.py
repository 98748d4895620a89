"""Connections that take each other's place: in every state of a resume, early and late, and though none has broken."""

import asyncio

import grpc
import pytest

import pygorums as gorums
from pygorums.transports.choosing import TransportName
from pygorums.wire.framing import encode_ack, encode_session_end
from pygorums.wire.stream_pb2 import Frame
from tests.behaviour.sessions.broken import SAME_ENDS, Ends, line
from tests.interop.session_peers import call, confirmed, hello
from tests.protos.calls_gorums import ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, connected, serving
from tests.support.proxy import TcpProxy
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import turns, until, within


@pytest.mark.parametrize("direction", ["to the server", "to the client"])
@pytest.mark.parametrize(("ends", "apart"), [(("asyncio", "asyncio"), 71), (("grpc", "grpc"), 127)], ids=str)
async def test_breaks_at_every_stage(ends: Ends, apart: int, direction: str) -> None:
    """While it connects, before and after the confirmation, in the middle of an envelope that is sent again."""
    quick = gorums.Backoff(initial=0.002, maximum=0.01)
    async with line(ends=ends, backoff=quick) as one:
        await within(echo(one.node, Text(text="ok")))
        one.proxy.freeze()
        calls = [echo(one.node, Text(text=str(number), data=bytes(10))) for number in range(20)]
        for number in range(20, 40):
            await within(note(one.node, Text(text=str(number))))
        cuts = range(1, 1500, apart)
        one.proxy.cuts.extend((cut, None) if direction == "to the server" else (None, cut) for cut in cuts)
        one.proxy.reset()
        one.proxy.thaw()
        replies = await within(asyncio.gather(*calls))
        assert [reply.text for reply in replies] == [str(number) for number in range(20)]
        await one.service.has_seen_count(41)
        assert one.service.seen == ["ok", *map(str, range(40))]
        assert one.proxy.attempts > 5


@pytest.mark.parametrize("transport", ["asyncio", "grpc"])
async def test_connections_that_are_too_old(transport: TransportName) -> None:
    """The server sends GOAWAY, and ends the connection a moment later, answered or not."""
    service = ScriptedCalls()
    age = [("grpc.max_connection_age_ms", 60), ("grpc.max_connection_age_grace_ms", 60)]
    server = gorums.Server(service, transport="grpc", options=age)
    address = await within(server.start("127.0.0.1:0"))
    try:
        async with (
            TcpProxy(address) as proxy,
            connected([proxy.address], transport=transport, session=gorums.Session(keep=10.0)) as config,
        ):
            slow = echo(config[0], Text(text="hold-free:door"))
            calls = []
            number = 0
            while proxy.attempts < 4:
                for kind in (echo, note):
                    calls.append(kind(config[0], Text(text=str(number))))
                    number += 1
                await asyncio.sleep(0.002)
            service.open_all()
            await within(asyncio.gather(slow, *calls))
            await service.has_seen_count(number + 1)
            assert service.seen == ["hold-free:door", *map(str, range(number))]
    finally:
        await within(server.stop())


async def test_a_connection_that_is_left_open_for_long_after_its_time() -> None:
    """Nothing waits for its end: what is under way is answered over the next one."""
    service = ScriptedCalls()
    age = [("grpc.max_connection_age_ms", 60), ("grpc.max_connection_age_grace_ms", 60_000)]
    async with (
        serving(service, transport="grpc", options=age) as address,
        TcpProxy(address) as proxy,
        connected([proxy.address], transport="asyncio", session=gorums.Session()) as config,
    ):
        held = echo(config[0], Text(text="hold:door"))
        parts = follow(config, Text(text="parts", number=3)).async_all()
        await proxy.forwards(3)
        service.open_all()
        await within(asyncio.gather(held, parts))
        assert service.seen == ["hold:door", "parts"]


async def test_a_stream_that_is_only_slow() -> None:
    """What comes over it when another one has taken its place does not count, and it is ended."""
    service = ScriptedCalls()
    async with (
        serving(service) as address,
        TcpProxy(address) as proxy,
        ScriptedClient(proxy.address, hello(1)) as older,
    ):
        token, _ = await confirmed(older)
        await older.send(encode_ack(0), call(1))
        await older.receive()
        proxy.freeze()
        await older.send(call(2, "late"), Frame(batch=[call(3, "late"), call(4, "late")]), encode_session_end(1))
        async with ScriptedClient(address, hello(2, token, received=1)) as newer:
            assert await confirmed(newer) == (token, 1)
            proxy.thaw()
            assert (await older.ended())[0] is grpc.StatusCode.ABORTED
            await newer.send(encode_ack(1), call(2), Frame(batch=[call(3), call(4)]))
            assert [message.message_seq_no for message in await newer.receive_all(3)] == [2, 3, 4]
    assert service.seen == ["ok"] * 4


async def test_an_envelope_is_taken_as_far_as_it_was_counted() -> None:
    """A stream is replaced in the middle of one that is taken in steps."""
    service = ScriptedCalls()
    count = 1500
    async with serving(service) as address, ScriptedClient(address, hello(1)) as older:
        token, _ = await confirmed(older)
        batch = Frame(batch=[call(number, "hold-free:x") for number in range(1, count)])
        await older.send(encode_ack(0), batch)
        await until(lambda: service.seen)
        async with ScriptedClient(address, hello(2, token)) as newer:
            _, taken = await confirmed(newer)
            service.open_all()
            await newer.send(encode_ack(0), *(call(number, "hold-free:x") for number in range(taken + 1, count)))
            replies = await newer.receive_all(count - 1)
            assert sorted(reply.message_seq_no for reply in replies) == list(range(1, count))
    assert len(service.seen) == count - 1


async def test_late_hellos_of_a_session_that_is_over() -> None:
    async with serving(ScriptedCalls()) as address:
        async with ScriptedClient(address, hello(3)) as client:
            token, _ = await confirmed(client)
            await client.send(encode_ack(0), call(1), encode_session_end(0))
            await client.receive()
            await client.half_close()
            assert (await client.ended())[0] is grpc.StatusCode.OK
            assert encode_ack(1) in client.frames, "it is told at once what was taken"
        for attempt in (1, 3):
            async with ScriptedClient(address, hello(attempt, token)) as late:
                assert (await late.ended())[0] is grpc.StatusCode.ABORTED
        async with ScriptedClient(address, hello(4, token)) as again:
            assert (await confirmed(again))[0] != token


@SAME_ENDS
async def test_the_server_does_not_hear_of_the_break(ends: Ends) -> None:
    async with line(ends=ends) as one:
        held = echo(one.node, Text(text="hold:door"))
        await one.service.gates["door"].arrivals()
        for attempt in range(2, 5):
            one.proxy.reset_clients()
            await one.proxy.forwards(attempt)
            await within(one.config.wait_connected())
        behind = ask(one.config, Text(text="behind")).async_all()
        await turns()
        one.service.open_all()
        await within(asyncio.gather(held, behind))
        assert one.service.seen == ["hold:door", "behind"]


async def test_hellos_of_one_moment(caplog: pytest.LogCaptureFixture) -> None:
    """Two that are judged at the same time: the higher one wins, whichever is done first."""
    gates = [asyncio.Event(), asyncio.Event()]
    claims: list[gorums.Claim] = []

    async def authorize(claim: gorums.Claim) -> None:
        gate = gates[len(claims)]
        claims.append(claim)
        await gate.wait()

    service = ScriptedCalls()
    async with (
        serving(service, authorize=authorize) as address,
        ScriptedClient(address, hello(1)) as first,
    ):
        await until(lambda: len(claims) == 1)
        async with ScriptedClient(address, hello(2)) as second:
            await until(lambda: len(claims) == 2)
            gates[1].set()
            await confirmed(second)
            gates[0].set()
            assert (await first.ended())[0] is grpc.StatusCode.ABORTED
            await second.send(encode_ack(0), call(1))
            assert (await second.receive()).message_seq_no == 1
    assert all("pygorums-session" not in claim.metadata for claim in claims)
    assert hello()[0][1].split()[1] not in caplog.text


async def test_who_ends_each_stream_at_once_is_not_hurried() -> None:
    async with line(backoff=QUICK) as one:
        await within(echo(one.node, Text(text="ok")))
        one.proxy.cuts.extend([(None, 400)] * 6)
        one.proxy.reset()
        before = one.proxy.attempts
        await asyncio.sleep(0.05)
        assert one.proxy.attempts - before < 6
        await within(echo(one.node, Text(text="ok")))
