"""TLS by `ssl.SSLContext`: what it proves, under the names of gRPC, and what is said where it fails."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

import grpc
import pytest
import trustme

import pygorums as gorums
from pygorums.base.errors import ConfigurationError, StatusError
from pygorums.transports.sockets.client import SocketConnector
from pygorums.transports.sockets.options import SocketOptions
from pygorums.transports.sockets.tls import checked_context
from tests.behaviour.transports.ends import Acceptor, listening, opened
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.waiting import within

HOST = "127.0.0.1"
CA = trustme.CA()
OTHER_CA = trustme.CA()
SERVER = CA.issue_cert(HOST, "localhost", "node1.example")
CLIENT = CA.issue_cert("node2.example", "10.0.0.2", "someone@example.com", common_name="node two")


def server_context(*, mutual: bool = False, certificate: trustme.LeafCert = SERVER) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if mutual:
        CA.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(*, own: trustme.LeafCert | None = None, trusts: trustme.CA = CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusts.configure_trust(context)
    if own is not None:
        own.configure_cert(context)
    return context


def checked(context: ssl.SSLContext, *, server: bool = False) -> ssl.SSLContext:
    made = checked_context(context, server=server)
    assert made is not None
    return made


async def proved(client: ssl.SSLContext, server: ssl.SSLContext) -> Mapping[str, list[bytes]]:
    """What a server is told of a client that has exchanged a message with it."""
    acceptor = Acceptor()
    acceptor.on_received = lambda user, messages: user.transport.write(messages)
    async with (
        listening(acceptor, tls=checked(server, server=True)) as (address, _),
        opened(address, tls=checked(client)) as (user, _),
    ):
        user.transport.write((b"secret" * 10_000,))
        assert await user.get(1) == [b"secret" * 10_000]
        acceptor.release()
        assert await user.end() is None
    return acceptor.proved[0]


async def test_a_client_without_a_certificate_proves_nothing() -> None:
    told = await proved(client_context(), server_context())
    assert told["transport_security_type"] == [b"ssl"]
    assert not [key for key in told if key.startswith("x509")]


async def test_a_certificate_proves_what_it_does_to_grpc() -> None:
    """A server of grpcio's is asked by a client with the same certificate."""
    told = await proved(client_context(own=CLIENT), server_context(mutual=True))
    theirs: list[Mapping[str, list[bytes]]] = []

    async def answer(request: bytes, context: Any) -> bytes:
        theirs.append(context.auth_context())
        return request

    server = grpc.aio.server()
    handler = grpc.method_handlers_generic_handler("a.B", {"C": grpc.unary_unary_rpc_method_handler(answer)})
    server.add_generic_rpc_handlers([handler])
    key, chain = SERVER.private_key_pem.bytes(), b"".join(pem.bytes() for pem in SERVER.cert_chain_pems)
    root = CA.cert_pem.bytes()
    port = server.add_secure_port(f"{HOST}:0", grpc.ssl_server_credentials([(key, chain)], root, True))
    await server.start()
    own_key, own_chain = CLIENT.private_key_pem.bytes(), b"".join(pem.bytes() for pem in CLIENT.cert_chain_pems)
    async with grpc.aio.secure_channel(
        f"{HOST}:{port}", grpc.ssl_channel_credentials(root, own_key, own_chain)
    ) as channel:
        ask: Any = channel.unary_unary("/a.B/C")
        await within(ask(b"x"))
    await server.stop(None)
    for name in ("transport_security_type", "x509_common_name", "x509_pem_cert", "security_level"):
        assert told[name] == theirs[0][name], name
    name = "x509_subject_alternative_name"
    assert sorted(told[name]) == sorted(theirs[0][name])
    assert told["x509_common_name"] == [b"node two"]


async def why_not(client: ssl.SSLContext | None, server: ssl.SSLContext | None) -> str:
    acceptor = Acceptor()
    async with listening(acceptor, tls=None if server is None else checked(server, server=True)) as (address, _):
        transport = SocketConnector(address, None if client is None else checked(client), SocketOptions())(())
        try:
            with pytest.raises(StatusError) as raised:
                await within(transport.opened())
        finally:
            await within(transport.close())
        return raised.value.message.removeprefix(f"{address}: ")


async def test_a_certificate_of_somebody_else() -> None:
    text = await why_not(client_context(trusts=OTHER_CA), server_context())
    assert text.startswith("TLS: the server's certificate is not accepted: ")


async def test_a_certificate_for_another_name() -> None:
    text = await why_not(client_context(), server_context(certificate=CA.issue_cert("other.example")))
    assert "IP address mismatch, certificate is not valid for '127.0.0.1'" in text


async def test_a_server_without_tls() -> None:
    assert await why_not(client_context(), None) == "TLS: the other side does not speak TLS"


async def test_a_client_without_tls(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert await why_not(None, server_context()) == "the connection was closed"
    assert "could not shake hands: TLS: the other side does not speak TLS" in caplog.text


async def test_a_client_without_the_certificate_that_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    text = await why_not(client_context(), server_context(mutual=True))
    assert "certificate" in text
    assert "could not shake hands: TLS: peer did not return a certificate" in caplog.text


async def test_a_server_that_does_not_offer_http2() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), HOST, 0, ssl=server_context())
    try:
        address = f"{HOST}:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(StatusError, match=r"TLS: the other side does not offer HTTP/2 \(by ALPN\)"):
            async with opened(address, tls=checked(client_context())):
                pass
    finally:
        server.close()
        await within(server.wait_closed())


async def test_the_name_of_the_server_can_be_given() -> None:
    acceptor = Acceptor()
    certificate = CA.issue_cert("node1.example")
    options = SocketOptions(server_name="node1.example")
    async with (
        listening(acceptor, tls=checked(server_context(certificate=certificate), server=True)) as (address, _),
        opened(address, tls=checked(client_context()), options=options),
    ):
        await acceptor.user()
        acceptor.release()


@pytest.mark.parametrize("server", [True, False])
def test_a_context_for_the_other_end_is_refused(server: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if server else ssl.PROTOCOL_TLS_SERVER)
    with pytest.raises(ConfigurationError, match=r"make it with ssl\.PROTOCOL_TLS"):
        checked_context(context, server=server)


async def test_calls() -> None:
    claims: list[gorums.Claim] = []
    service = ScriptedCalls(1)
    server = gorums.Server(service, credentials=server_context(mutual=True), authorize=claims.append)
    address = await server.start(f"{HOST}:0")
    async with gorums.connect([address], credentials=client_context(own=CLIENT), backoff=QUICK) as config:
        assert (await within(echo(config[0], Text(text="ok")))).number == 1
    assert claims[0].auth_context["x509_common_name"] == [b"node two"]
    await within(server.stop())
