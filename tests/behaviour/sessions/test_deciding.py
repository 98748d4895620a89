"""Who has sessions is asked, and nobody who has none is waited for."""

import asyncio
from collections.abc import Iterator
from itertools import product
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

import pygorums as gorums
from pygorums.streams import opener_session
from pygorums.transports.choosing import TransportName
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, connected
from tests.support.proxy import TcpProxy
from tests.support.scripted_server import ScriptedServer, ServerStream, answering
from tests.support.waiting import until, within

SESSION = gorums.Session()
TRANSPORTS: tuple[TransportName, ...] = ("grpc", "asyncio")

transports = pytest.mark.parametrize("transport", TRANSPORTS)


@pytest.fixture
def _endless_patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """So that whoever waits for metadata that do not come is found out."""
    with monkeypatch.context() as patch:
        patch.setattr(opener_session, "PATIENCE", 1000.0)
        yield


@transports
@pytest.mark.usefixtures("_endless_patience")
async def test_a_peer_that_says_nothing_is_not_waited_for(transport: TransportName) -> None:
    """As Go servers do before their first message. It is not offered a session again until it was down."""
    async with (
        ScriptedServer(answering({"calls.Calls.Echo": lambda payload: payload})) as server,
        TcpProxy(server.address) as proxy,
        connected([proxy.address], transport=transport, session=SESSION) as config,
    ):
        for count in range(1, 4):
            assert (await within(echo(config[0], Text(text="x")))).text == "x"
            assert (server.streams[-1].offered("pygorums-session") is None) == (count > 1)
            proxy.reset()
            await within(server.opened(count + 1))


@pytest.mark.parametrize(("ours", "theirs"), list(product(TRANSPORTS, TRANSPORTS)))
@pytest.mark.usefixtures("_endless_patience")
async def test_a_server_that_takes_its_time_to_let_us_in(ours: TransportName, theirs: TransportName) -> None:
    """It answers anything else meanwhile, by which it is known."""
    gate = asyncio.Event()

    async def authorize(claim: gorums.Claim) -> None:
        await gate.wait()

    service = ScriptedCalls()
    async with (
        gorums.Server(service, address="127.0.0.1:0", transport=theirs, authorize=authorize) as server,
        connected([server.address], transport=ours, session=SESSION) as config,
    ):
        call = echo(config[0], Text(text="x"))
        await asyncio.sleep(0)
        assert service.seen == []
        gate.set()
        await within(call)
        assert service.contexts[0].session_id is not None


@transports
@pytest.mark.parametrize("served", ["plain", "in threads", "by coroutines"])
@pytest.mark.usefixtures("_endless_patience")
async def test_a_server_that_has_a_health_service_too(transport: TransportName, served: str) -> None:
    gate = asyncio.Event()

    async def authorize(claim: gorums.Claim) -> None:
        await gate.wait()

    service = ScriptedCalls()
    server = gorums.Server(service, transport="grpc", authorize=authorize, plain=served == "plain")
    add: Any = health_pb2_grpc.add_HealthServicer_to_server
    if served != "plain":
        add(health.HealthServicer() if served == "in threads" else health.aio.HealthServicer(), server.grpc_server)
    address = await within(server.start("127.0.0.1:0"))
    try:
        async with connected([address], transport=transport, session=SESSION) as config:
            call = echo(config[0], Text(text="x"))
            gate.set()
            await within(call)
            assert service.contexts[0].session_id is not None
            async with grpc.aio.insecure_channel(address) as channel:
                stub: Any = health_pb2_grpc.HealthStub(channel)
                assert (await within(stub.Check(health_pb2.HealthCheckRequest()))).status == 1
    finally:
        await within(server.stop())


@transports
@pytest.mark.usefixtures("_endless_patience")
async def test_a_peer_without_sessions_that_is_replaced_by_one_that_has_them(transport: TransportName) -> None:
    service = ScriptedCalls()
    async with ScriptedServer(answering({"calls.Calls.Echo": lambda payload: payload})) as server:
        config = gorums.connect([server.address], transport=transport, session=SESSION, backoff=QUICK)
        await config.wait_connected(timeout=10)
        await within(echo(config[0], Text(text="x")))
    try:
        await until(lambda: not config[0].connected)
        with pytest.raises(gorums.StreamDownError):
            await within(echo(config[0], Text(text="nobody")))
        async with gorums.Server(service, address=server.address, transport="grpc"):
            await config.wait_connected(timeout=10)
            await within(echo(config[0], Text(text="x")))
            assert service.contexts[0].session_id is not None
    finally:
        await within(config.close())


@transports
async def test_nobody_says_what_a_peer_without_sessions_has_handled(transport: TransportName) -> None:
    """The calls have left, wait to be sent again on a stream that is not read, and then there is no other one."""
    over = asyncio.Event()

    async def script(stream: ServerStream) -> None:
        await stream.confirm()
        while len(server.streams) == 1 and len(stream.messages) < 10:
            await stream.receive()
        await over.wait()

    async with (
        ScriptedServer(script) as server,
        TcpProxy(server.address) as proxy,
        connected([proxy.address], transport=transport, session=SESSION) as config,
    ):
        calls = [echo(config[0], Text(data=bytes(300_000))) for _ in range(10)]
        await until(lambda: server.streams and len(server.streams[0].messages) == 10)
        proxy.reset()
        await within(server.opened(2))
        await within(config.wait_connected())
        channel: Any = config[0].channel
        await until(lambda: channel.queued_bytes)
        proxy.stop_listening()
        proxy.reset()
        errors = await within(asyncio.gather(*calls, return_exceptions=True))
        assert [type(error) for error in errors] == [gorums.StreamDownError] * 10
        assert not any(error.certain for error in errors if isinstance(error, gorums.StreamDownError))
        over.set()
