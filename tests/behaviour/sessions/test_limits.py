"""Sessions at the limits of a server, and peers that never acknowledge anything."""

import asyncio
import math
import resource
from typing import Any

import grpc
import pytest

import pygorums as gorums
from pygorums.transports.choosing import TransportName
from pygorums.wire.framing import encode_ack
from tests.behaviour.sessions.broken import SAME_ENDS, Ends, failure, line
from tests.interop.session_peers import KEY, TOKEN, call, confirmed, hello
from tests.protos.calls_gorums import echo, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, connected, serving
from tests.support.frames import messages_in, reply
from tests.support.proxy import TcpProxy
from tests.support.scripted_client import ScriptedClient
from tests.support.scripted_server import ScriptedServer, ServerStream
from tests.support.waiting import until, within

MIB = 1 << 20


def halves(server: gorums.Server) -> list[Any]:
    return list(server._sessions._halves._halves.values())


@SAME_ENDS
@pytest.mark.parametrize("limit", ["pygorums.max_streams", "pygorums.max_streams_by_address"])
async def test_a_stream_that_takes_the_place_of_another_is_not_one_too_many(ends: Ends, limit: str) -> None:
    """The server has not heard that the other one is gone. Somebody else is turned away."""
    async with line(ends=ends, keep=0, server={"options": [(limit, 1)]}) as one:
        held = echo(one.node, Text(text="hold:door"))
        await one.service.gates["door"].arrivals()
        one.proxy.reset_clients()
        await one.proxy.attempted(2)
        await within(one.config.wait_connected())
        one.service.open_all()
        assert (await within(held)).text == "hold:door"
        other = gorums.connect([one.proxy.target], session=gorums.Session(), backoff=QUICK)
        error = await failure(echo(other[0], Text(text="other")))
        assert isinstance(error, gorums.StatusError)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await within(other.close())
        assert one.service.seen == ["hold:door"]


async def test_who_makes_a_server_hold_too_much_loses_the_session() -> None:
    async with line(keep=0, server={"options": [("pygorums.max_held_bytes", 200_000)]}) as one:
        held = echo(one.node, Text(text="hold:door"))
        await one.service.gates["door"].arrivals()
        with pytest.raises(gorums.StatusError) as caught:
            await within(asyncio.gather(*(echo(one.node, Text(text="much", data=bytes(50_000))) for _ in range(8))))
        assert caught.value.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)
        error = await failure(held)
        assert isinstance(error, gorums.OutcomeUnknownError)
        one.service.open_all()
        await within(one.config.wait_connected())
        assert (await within(echo(one.node, Text(text="ok")))).text == "ok"
        assert one.service.seen.count("hold:door") == 1


async def test_who_is_away_and_makes_it_hold_too_much_loses_the_session_too() -> None:
    service = ScriptedCalls()
    options = [("pygorums.max_held_bytes", 300_000)]
    async with (
        serving(service, options=options) as address,
        TcpProxy(address) as proxy,
        connected([proxy.address], session=gorums.Session()) as away,
        connected([address], session=gorums.Session()) as there,
    ):
        held = echo(away[0], Text(text="hold:door", data=bytes(200_000)))
        await service.gates["door"].arrivals()
        proxy.stop_listening()
        proxy.reset()
        assert isinstance(await failure(held), gorums.OutcomeUnknownError)
        assert not service.contexts[0].cancelled
        others = [echo(there[0], Text(text="hold-free:door", data=bytes(40_000))) for _ in range(4)]
        await until(lambda: service.contexts[0].cancelled)
        service.open_all()
        await within(asyncio.gather(*others))


async def test_handlers_beyond_the_limit_wait_though_their_client_is_away() -> None:
    async with line(server={"options": [("pygorums.max_released_handlers", 2)]}) as one:
        calls = [echo(one.node, Text(text="hold-free:door", data=bytes([number]))) for number in range(6)]
        await one.service.gates["door"].arrivals(2)
        one.proxy.reset()
        await one.proxy.attempted(2)
        assert len(one.service.seen) == 2
        one.service.open_all()
        replies = await within(asyncio.gather(*calls))
        assert [reply.data for reply in replies] == [bytes([number]) for number in range(6)]
        assert len(one.service.seen) == 6


class Forgetful(ScriptedClient):
    """Counts what comes, and forgets it."""

    taken = 0

    async def _read(self) -> None:
        try:
            while (raw := await self._call.read()) is not grpc.aio.EOF:
                if len(raw) > 100:
                    self.taken += len(raw)
        except (grpc.aio.AioRpcError, asyncio.CancelledError):
            pass


def peak() -> int:
    """Bytes that this process has had at the most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


@pytest.mark.parametrize("transport", ["asyncio", "grpc"])
async def test_a_client_that_never_acknowledges(transport: TransportName) -> None:
    """Nothing waits for it, and memory is bounded; what is gone when the stream breaks is told."""

    class Large(ScriptedCalls):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            return Text(data=bytes(2 * MIB))

    server = gorums.Server(Large(), transport=transport)
    address = await within(server.start("127.0.0.1:0"))
    before = peak()
    async with Forgetful(address, hello()) as client:
        match = await confirmed(client)
        await client.send(encode_ack(0), *(call(number) for number in range(1, 56)))
        most = 0
        while client.taken < 110 * MIB:
            most = max(most, halves(server)[0].kept.size)
            await asyncio.sleep(0.005)
        assert 16 * MIB < most < 67 * MIB
        assert not halves(server)[0].kept.resumable
        assert peak() - before < 160 * MIB
    await until(lambda: not halves(server))
    async with ScriptedClient(address, hello(2, match[0], received=55)) as again:
        assert (await confirmed(again))[0] != match[0]
    await within(server.stop())


async def test_many_that_never_acknowledge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Together they are bounded, too. Calls back to them are as replies."""
    monkeypatch.setattr("pygorums.sessions.acceptor.KEPT", 4 * MIB)
    monkeypatch.setattr("pygorums.sessions.acceptor.KEPT_IN_ALL", 6 * MIB)
    server = gorums.Server(ScriptedCalls())
    address = await within(server.start("127.0.0.1:0"))
    clients = [Forgetful(address, [(KEY, f"1 {number:032x} 1 - 0"), ("gorums-node-id", "0")]) for number in range(4)]
    for client in clients:
        await client.__aenter__()
        await confirmed(client)
        await client.send(encode_ack(0))
    await until(lambda: len(server.client_config()) == 4)
    for _ in range(40):
        await within(asyncio.gather(*(note(node, Text(data=bytes(MIB // 4))) for node in server.client_config())))
        sizes = [half.kept.size for half in halves(server)]
        assert max(sizes) <= 4 * MIB
        assert sum(sizes) <= 6.5 * MIB
    for client in clients:
        await client.__aexit__(None, None, None)
    await until(lambda: not halves(server))
    await within(server.stop())


@pytest.mark.parametrize("transport", ["asyncio", "grpc"])
async def test_a_server_that_never_acknowledges(transport: TransportName, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client keeps no more than it may; when the stream breaks it cannot go on, and says so."""
    monkeypatch.setattr("pygorums.streams.opener_session.LEAST_KEPT", 2 * MIB)
    tokens = iter((TOKEN, TOKEN[::-1], TOKEN[1:] + "0"))
    taken = 0

    async def script(stream: ServerStream) -> None:
        nonlocal taken
        await stream.confirm((KEY, f"1 {next(tokens)} 0"))
        while (frame := await stream.receive()) is not None:
            for message in messages_in(frame):
                if message.method:
                    taken += len(message.payload)
                    await stream.send(reply(message))
            stream.received.clear()

    async with ScriptedServer(script) as server:
        config = gorums.connect(
            [server.address],
            transport=transport,
            session=gorums.Session(keep=5.0),
            backoff=QUICK,
            send_buffer=2 * MIB,
        )
        channel: Any = config[0].channel
        for _ in range(16):
            call = echo(config[0], Text(data=bytes(MIB // 4)), timeout=0.05)
            await asyncio.wait({call})
            call.exception()
            assert channel._session._half.kept.size <= 2.5 * MIB
        assert taken >= MIB
        await within(config.close(), 3)


@pytest.mark.parametrize("limit", ["pygorums.max_streams", "pygorums.max_streams_by_address"])
async def test_only_one_stream_at_a_time_comes_instead_of_another(limit: str) -> None:
    """Or a client that has a session could open any number while they are judged."""
    gate = asyncio.Event()

    async def authorize(claim: gorums.Claim) -> None:
        await gate.wait()

    async with gorums.Server(ScriptedCalls(), options=[(limit, 1)], authorize=authorize) as server:
        address = await within(server.start("127.0.0.1:0"))
        session = "f" * 32
        async with ScriptedClient(address, [(KEY, f"1 {session} 1 - 0")]) as first:
            gate.set()
            token, _ = await confirmed(first)
            gate.clear()
            async with ScriptedClient(address, [(KEY, f"1 {session} 2 {token} 0")]) as second:
                await until(lambda: server._sessions._coming)
                for _ in range(2):
                    async with ScriptedClient(address, [(KEY, f"1 {session} 3 {token} 0")]) as third:
                        code, _ = await third.ended()
                        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
                gate.set()
                assert await confirmed(second) == (token, 0)
                assert (await first.ended())[0] is grpc.StatusCode.ABORTED
                async with ScriptedClient(address, [(KEY, f"1 {session} 4 {token} 0")]) as fourth:
                    assert await confirmed(fourth) == (token, 0)


async def test_what_had_come_of_a_message_is_not_held_without_its_connection() -> None:
    """It comes again, and until then it must not count against others."""
    async with line(ends=("asyncio", "asyncio")) as one:
        await within(echo(one.node, Text(text="ok")))
        (session,) = one.server._acceptor.streams.values()
        one.proxy.turn_away = True
        one.proxy.cut_to_server_after(1_500_000)
        call = echo(one.node, Text(data=bytes(3_000_000)))
        await until(lambda: not one.server._acceptor.streams)
        assert session.requests.holding.held_bytes == 0
        one.proxy.turn_away = False
        assert len((await within(call)).data) == 3_000_000


@pytest.mark.parametrize(
    "given",
    [
        {"session_limit": -1},
        {"session_limit": 1.5},
        {"session_limit": None},
        {"session_keep": -1},
        {"session_keep": None},
        {"session_keep": math.nan},
        {"session_linger": "1"},
    ],
    ids=str,
)
def test_limits_that_cannot_be(given: dict[str, Any]) -> None:
    ((name, value),) = given.items()
    with pytest.raises(gorums.ConfigurationError, match=f"{name} must be a .* from 0, not {value!r}"):
        gorums.Server(**given)
