"""Encrypted streams, and what certificates say of those at the ends."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

import pygorums as gorums
from tests.behaviour.peers.certificates import OTHERS, client_credentials, identity, server_credentials
from tests.protos.calls_gorums import ask, echo, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.peers import CALLED, PEERS, clients_are, dialled, peer, running
from tests.support.waiting import until, within

HOST = "127.0.0.1"


@pytest.fixture
async def service() -> ScriptedCalls:
    return ScriptedCalls(1)


@pytest.fixture
async def server(service: ScriptedCalls) -> AsyncIterator[gorums.Server]:
    """A server with a certificate, which wants none."""
    async with running(service, node_id=1, peers=PEERS, credentials=server_credentials(HOST)) as started:
        yield started


async def cannot_connect(server: gorums.Server, **options: Any) -> str:
    """Tries to connect in vain, and returns what the calls say."""
    config = gorums.connect({CALLED: str(server.address)}, backoff=QUICK, **options)
    try:
        await until(lambda: config[0].last_error is not None, "an error")
        with pytest.raises(gorums.IncompleteError) as error:
            await within(ask(config, Text(text="x")).all())
        assert error.value.caused_by(grpc.StatusCode.UNAVAILABLE)
        with pytest.raises(gorums.SendError):
            await within(note(config[0], Text(text="x")))
        return str(error.value)
    finally:
        await within(config.close())


async def test_encrypted_calls(server: gorums.Server, service: ScriptedCalls) -> None:
    """Rows: 44, 45."""
    async with dialled(server, credentials=client_credentials()) as config:
        assert (await within(echo(config[0], Text(text="x")))).number == 1
        assert (await within(ask(config, Text(text="x")).all())).number == 1
        auth_context = service.contexts[0].auth_context
        assert auth_context["transport_security_type"] == [b"ssl"]
        assert "x509_common_name" not in auth_context


async def test_calls_back_are_encrypted_too(server: gorums.Server, service: ScriptedCalls) -> None:
    """Rows: 44, 45, 130."""
    theirs = ScriptedCalls(2)
    async with (
        peer(server, 2, theirs, credentials=client_credentials()),
        peer(server, 0, ScriptedCalls(3), credentials=client_credentials()),
    ):
        assert (await within(ask(server.config().remove(1), Text(text="x")).all())).number == 2
        assert (await within(ask(server.client_config(), Text(text="x")).all())).number == 3
        assert theirs.contexts[0].auth_context == {}


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"credentials": client_credentials(OTHERS)}, id="another authority"),
        pytest.param(
            {
                "credentials": client_credentials(),
                "channel_options": [("grpc.ssl_target_name_override", "somebody.else")],
            },
            id="another name",
        ),
        pytest.param({}, id="no encryption"),
    ],
)
async def test_clients_that_the_server_is_not_for(server: gorums.Server, options: dict[str, Any]) -> None:
    """The error names the node and its address.

    Rows: 45.
    """
    assert str(server.address) in await cannot_connect(server, **options)
    assert len(server.config()) == 1


async def test_a_server_without_encryption() -> None:
    """Rows: 45."""
    async with running(ScriptedCalls()) as server:
        assert str(server.address) in await cannot_connect(server, credentials=client_credentials())


async def test_a_certificate_for_another_host() -> None:
    """Rows: 45."""
    async with running(ScriptedCalls(), credentials=server_credentials("elsewhere.test")) as server:
        assert str(server.address) in await cannot_connect(server, credentials=client_credentials())
        override = [("grpc.ssl_target_name_override", "elsewhere.test")]
        async with dialled(server, credentials=client_credentials(), channel_options=override) as config:
            assert (await within(echo(config[0], Text(text="x")))).text == "x"


async def test_both_ends_show_certificates() -> None:
    """Handlers, `on_connect` and `authorize` see the names of a client's certificate.

    Rows: 44, 45, 99.
    """
    service = ScriptedCalls(1)
    claims: list[gorums.Claim] = []
    connected: list[gorums.StreamContext] = []
    own = identity(HOST)
    client = identity("anna.test", "node-2.test")
    async with running(
        service,
        node_id=1,
        peers=PEERS,
        credentials=own.for_server(),
        authorize=claims.append,
        on_connect=connected.append,
    ) as server:
        async with peer(server, 2, ScriptedCalls(2), credentials=client.for_client()) as config:
            assert (await within(echo(config[0], Text(text="x")))).number == 1
            assert (await within(ask(server.config(), Text(text="x")).collect_all())).keys() == {1, 2}
        contexts = (service.contexts[0].auth_context, connected[0].auth_context, claims[0].auth_context)
        for auth_context in contexts:
            assert auth_context["x509_subject_alternative_name"] == [b"anna.test", b"node-2.test"]
        assert claims[0].node_id == 2
        assert service.contexts[1].auth_context == {}, "of the own node"


@pytest.mark.parametrize(
    "credentials",
    [
        pytest.param(client_credentials(), id="no certificate"),
        pytest.param(identity(HOST, authority=OTHERS).for_client(), id="one of another authority"),
    ],
)
async def test_clients_whose_certificate_is_not_good_enough(credentials: grpc.ChannelCredentials) -> None:
    """Rows: 45."""
    async with running(ScriptedCalls(), credentials=identity(HOST).for_server()) as server:
        assert str(server.address) in await cannot_connect(server, credentials=credentials)
        async with dialled(server, credentials=identity("any.test").for_client()) as config:
            assert (await within(echo(config[0], Text(text="x")))).text == "x"


async def test_encrypted_systems() -> None:
    """Rows: 45, 259, 261."""
    own = identity(HOST)
    options: dict[str, Any] = {"credentials": own.for_server(), "channel_credentials": own.for_client()}
    async with gorums.local_systems(3, ScriptedCalls, **options) as systems:
        for system in systems:
            await system.wait_for_config(lambda config: len(config) == 3, timeout=10)
            for config in (system.config(), system.outbound):
                assert len(await within(ask(config, Text(text="x")).collect_all())) == 3
        await clients_are(systems[0])
