"""Who may go on with a session: whoever knows its secret, and where there are certificates has the same one."""

import ssl
from collections.abc import Callable, Mapping
from typing import Any

import grpc
import pytest
import trustme

import pygorums as gorums
from pygorums.transports.choosing import TransportName
from tests.behaviour.sessions.broken import SAME_ENDS, Ends
from tests.interop.session_peers import KEY, confirmed
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, connected, serving
from tests.support.proxy import TcpProxy
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import until, within

HOST = "127.0.0.1"
CA = trustme.CA()
CERTIFICATES = {name: CA.issue_cert(name) for name in (HOST, "owner", "thief")}


def chain_and_key(name: str) -> tuple[bytes, bytes]:
    certificate = CERTIFICATES[name]
    return b"".join(each.bytes() for each in certificate.cert_chain_pems), certificate.private_key_pem.bytes()


def of_server(transport: TransportName) -> ssl.SSLContext | grpc.ServerCredentials:
    if transport == "grpc":
        chain, key = chain_and_key(HOST)
        return grpc.ssl_server_credentials([(key, chain)], CA.cert_pem.bytes(), require_client_auth=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CERTIFICATES[HOST].configure_cert(context)
    CA.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def of_client(transport: TransportName, name: str) -> ssl.SSLContext | grpc.ChannelCredentials:
    if transport == "grpc":
        chain, key = chain_and_key(name)
        return grpc.ssl_channel_credentials(CA.cert_pem.bytes(), key, chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    CA.configure_trust(context)
    CERTIFICATES[name].configure_cert(context)
    return context


def steal(session: Any, config: gorums.Configuration) -> None:
    """Have a configuration, which has not connected yet, claim a session of another one."""
    own: Any = config[0].channel
    own._session._half._id = session._id
    own._session._half._token = session._token
    own._session._half._attempts = session._attempts + 5
    own._session._half.taken = session.taken


def session_of(config: gorums.Configuration) -> Any:
    channel: Any = config[0].channel
    return channel._session._half


def secured(ends: Ends, name: str) -> Mapping[str, Any]:
    return {"credentials": of_client(ends[0], name), "transport": ends[0], "session": gorums.Session(keep=10.0)}


@SAME_ENDS
async def test_the_same_certificate_goes_on(ends: Ends) -> None:
    service = ScriptedCalls()
    async with (
        serving(service, credentials=of_server(ends[1]), transport=ends[1]) as address,
        TcpProxy(address) as proxy,
        connected([proxy.address], **secured(ends, "owner")) as config,
    ):
        held = echo(config[0], Text(text="hold:door"))
        await service.gates["door"].arrivals()
        for attempt in (2, 3):
            proxy.reset()
            await proxy.forwards(attempt)
            await within(config.wait_connected())
        service.open_all()
        assert (await within(held)).text == "hold:door"
        assert service.seen == ["hold:door"]


@SAME_ENDS
async def test_another_certificate_gets_a_session_of_its_own(ends: Ends) -> None:
    service = ScriptedCalls()
    async with (
        serving(service, credentials=of_server(ends[1]), transport=ends[1]) as address,
        TcpProxy(address) as proxy,
        connected([proxy.address], **secured(ends, "owner")) as owner,
    ):
        held = echo(owner[0], Text(text="hold-free:door"))
        await service.gates["door"].arrivals()
        thief = gorums.connect([address], backoff=QUICK, **secured(ends, "thief"))
        steal(session_of(owner), thief)
        assert (await within(echo(thief[0], Text(text="thief")))).text == "thief"
        await within(thief.close())
        first, second = service.contexts
        assert first.session_id != second.session_id
        assert not first.cancelled
        proxy.reset()
        service.open_all()
        assert (await within(held)).text == "hold-free:door"
        await within(echo(owner[0], Text(text="ok")))
        assert service.contexts[2].session_id == first.session_id
        assert service.seen == ["hold-free:door", "thief", "ok"]


async def test_without_certificates_the_secret_is_all() -> None:
    async with (
        serving(ScriptedCalls()) as address,
        connected([address], session=gorums.Session()) as owner,
    ):
        await within(echo(owner[0], Text(text="ok")))
        half = session_of(owner)
        said = f"1 {half._id} {half._attempts + 5} {half._token} {half.taken}"
        async with ScriptedClient(address, [(KEY, said)]) as other:
            assert await confirmed(other) == (half._token, 1)
            await until(lambda: owner[0].last_error is not None)


async def test_who_claims_another_node_id_gets_a_session_of_its_own() -> None:
    """Or who is not let in as that node any more could go on as it, let in as somebody else."""

    def authorize(claim: gorums.Claim) -> None:
        if claim.node_id == 2 and not welcome:
            raise gorums.StatusError(grpc.StatusCode.PERMISSION_DENIED, "not any more")

    welcome = True
    async with gorums.Server(ScriptedCalls(), node_id=1, peers={2: f"{HOST}:2"}, authorize=authorize) as server:
        address = await within(server.start(f"{HOST}:0"))
        session = "f" * 32
        async with ScriptedClient(address, [(KEY, f"1 {session} 1 - 0"), ("gorums-node-id", "2")]) as node:
            token, _ = await confirmed(node)
            assert [each.id for each in server.config()] == [1, 2]
        welcome = False
        async with ScriptedClient(address, [(KEY, f"1 {session} 2 {token} 0")]) as other:
            assert (await confirmed(other))[0] != token
        async with ScriptedClient(address, [(KEY, f"1 {session} 3 {token} 0"), ("gorums-node-id", "2")]) as refused:
            assert await refused.ended() == (grpc.StatusCode.PERMISSION_DENIED, "not any more")


SHOWN: list[Callable[[gorums.Configuration, gorums.Server], object]] = [
    lambda config, _: [repr(config), repr(config[0]), str(config[0])],
    lambda _, server: repr(server),
    lambda config, _: config.stats(),
    lambda _, server: server.stats(),
]


@pytest.mark.parametrize("shown", SHOWN, ids=["config", "server", "stats of calls", "stats of the server"])
async def test_the_secret_is_not_shown(shown: Callable[[gorums.Configuration, gorums.Server], object]) -> None:
    service = ScriptedCalls()
    server = gorums.Server(service)
    address = await within(server.start(f"{HOST}:0"))
    async with connected([address], session=gorums.Session()) as config:
        await within(echo(config[0], Text(text="ok")))
        context = service.contexts[0]
        for text in (str(shown(config, server)), repr(context), str(dict(context.metadata)), str(context.session_id)):
            assert session_of(config)._id not in text
            assert session_of(config)._token not in text
    await within(server.stop())
