"""Refusing streams, and the example that binds node IDs to certificates."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest

import pygorums as gorums
from examples.identity.binding import bound_to_certificates, certificate_names
from examples.identity.member import secure_client, secure_system
from tests.behaviour.peers.certificates import identity
from tests.protos.calls_gorums import ask, echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.peers import CALLED, PEERS, clients_are, config_is, dialled, peer, running
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import until, within

DENIED = gorums.StatusError(grpc.StatusCode.PERMISSION_DENIED, "not you")


async def refused(server: gorums.Server, own: gorums.Server | None = None, **options: Any) -> gorums.StatusError:
    """Tries to connect in vain; what calls fail with."""
    config = gorums.connect({CALLED: str(server.address)}, server=own, backoff=QUICK, **options)
    try:
        await until(lambda: config[0].last_error is not None, "an error")
        with pytest.raises(gorums.StatusError) as error:
            await within(echo(config[0], Text(text="x")))
        return error.value
    finally:
        await within(config.close())
        if own is not None:
            await own.stop()


@pytest.mark.parametrize("asynchronous", [True, False])
async def test_what_is_judged(asynchronous: bool) -> None:
    """Claimed ID, metadata and address, before anybody is told of the stream.

    Rows: 28, 30, 31, 33, 40, 44.
    """
    claims: list[gorums.Claim] = []
    changes: list[int] = []

    def note_it(claim: gorums.Claim) -> None:
        claims.append(claim)
        changes.append(len(server.config()) + len(server.client_config()))

    async def note_it_slowly(claim: gorums.Claim) -> None:
        await asyncio.sleep(0)
        note_it(claim)

    authorize = note_it_slowly if asynchronous else note_it
    async with running(ScriptedCalls(), node_id=1, peers=PEERS, authorize=authorize) as server:
        async with peer(server, 2, metadata={"token": "t"}):
            await clients_are(server)
        await config_is(server, 1)
        async with peer(server):
            pass
        await clients_are(server)
        async with dialled(server), dialled(server, gorums.Server(node_id=77)):
            pass
        assert [claim.node_id for claim in claims] == [2, 0, None, 77]
        assert claims[0].metadata["token"] == "t"
        assert all(claim.address.startswith("127.0.0.1:") for claim in claims)
        assert all(claim.auth_context == {} for claim in claims)
        assert changes == [1] * 4


@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.parametrize("node_id", [None, 0, 2])
async def test_refusing(asynchronous: bool, node_id: int | None) -> None:
    """Nothing of the stream is seen but its refusal, which calls fail with.

    Rows: 46.
    """
    connected: list[gorums.StreamContext] = []

    def refuse(claim: gorums.Claim) -> None:
        raise DENIED

    async def refuse_slowly(claim: gorums.Claim) -> None:
        await asyncio.sleep(0)
        raise DENIED

    authorize = refuse_slowly if asynchronous else refuse
    service = ScriptedCalls()
    async with running(service, node_id=1, peers=PEERS, authorize=authorize, on_connect=connected.append) as server:
        own = None if node_id is None else gorums.Server(node_id=node_id)
        error = await refused(server, own)
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED
        assert "not you" in error.message
        assert error.node_id == CALLED
        assert (server.config().node_ids, server.client_config().node_ids) == ((1,), ())
        assert (connected, service.seen) == ([], [])


async def test_authorize_that_fails_refuses(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever cannot be judged is not let in. The operator learns why, and the stranger does not."""

    def broken(claim: gorums.Claim) -> None:
        raise LookupError("no list of members at sql://root:secret@db")

    async with running(ScriptedCalls(), authorize=broken) as server:
        with caplog.at_level(logging.ERROR, "pygorums.server"):
            assert server.address is not None
            async with ScriptedClient(server.address) as client:
                code, text = await client.ended()
        assert code is grpc.StatusCode.UNKNOWN
        assert text == "the claim could not be judged"
        assert "authorize failed for the stream from 127.0.0.1:" in caplog.records[0].message


async def test_who_is_refused_now_may_come_later() -> None:
    """The client keeps trying."""
    open_now = False

    def when_open(claim: gorums.Claim) -> None:
        if not open_now:
            raise DENIED

    async with running(ScriptedCalls(), node_id=1, peers=PEERS, authorize=when_open) as server:
        own = gorums.Server(node_id=2)
        config = gorums.connect({CALLED: str(server.address)}, server=own, backoff=QUICK)
        await until(lambda: config[0].last_error is not None)
        open_now = True
        await config_is(server, 1, 2)
        await config.close()
        await own.stop()


# What follows is about examples/identity.

NAMES = {1: "node-1.test", 2: "node-2.test", 3: "node-3.test"}


def claim(node_id: int | None, *names: str) -> gorums.Claim:
    auth_context = {"x509_subject_alternative_name": [name.encode() for name in names]} if names else {}
    return gorums.Claim(node_id, auth_context, gorums.Metadata(), "10.0.0.1:1")


@pytest.mark.parametrize(
    "accepted",
    [claim(None), claim(0), claim(None, "anybody.test"), claim(1, "node-1.test"), claim(2, "a.test", "node-2.test")],
)
def test_binding_accepts(accepted: gorums.Claim) -> None:
    """Rows: 46."""
    bound_to_certificates(NAMES)(accepted)


@pytest.mark.parametrize(
    ("rejected", "text"),
    [
        (claim(1), "node 1 is who shows a certificate for node-1.test; 10.0.0.1:1 showed one for nobody"),
        (claim(1, "node-2.test"), "10.0.0.1:1 showed one for node-2.test"),
        (claim(1, "node-1.test.evil.test"), "showed one for node-1.test.evil.test"),
        (claim(9, "node-9.test"), "there is no node 9 here"),
    ],
)
def test_binding_refuses(rejected: gorums.Claim, text: str) -> None:
    """Rows: 46."""
    with pytest.raises(gorums.StatusError, match=text) as error:
        bound_to_certificates(NAMES)(rejected)
    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_names_of_certificates() -> None:
    assert certificate_names({}) == frozenset()
    assert certificate_names({"x509_subject_alternative_name": [b"a", b"10.0.0.1"]}) == {"a", "10.0.0.1"}


@pytest.fixture
async def cluster() -> AsyncIterator[list[gorums.System]]:
    """Three members of a cluster in which everybody proves who they are."""
    async with AsyncExitStack() as stack:
        systems = []
        # Ports are known once somebody listens on them: each is taken, and then listened on in earnest.
        addresses = {}
        for node_id in NAMES:
            async with running() as probe:
                addresses[node_id] = str(probe.address)
        for node_id, name in NAMES.items():
            proof = identity("127.0.0.1", name)
            service = ScriptedCalls(node_id)
            system = secure_system(addresses[node_id], service, node_id, addresses, NAMES, proof, backoff=QUICK)
            await within(system.start())
            stack.push_async_callback(system.stop)
            systems.append(system)
        yield systems


async def test_members_know_each_other(cluster: list[gorums.System]) -> None:
    """Rows: 45, 46, 261."""
    for system in cluster:
        await system.wait_for_config(lambda config: len(config) == 3, timeout=10)
        assert len(await within(ask(system.config(), Text(text="x")).collect_all())) == 3
    nodes = {node.id: node.address for node in cluster[0].outbound}
    async with secure_client(nodes, identity("client.test"), backoff=QUICK) as config:
        await config.wait_connected(timeout=10)
        assert (await within(ask(config, Text(text="x")).all())).text == "x"


async def test_an_impostor(cluster: list[gorums.System]) -> None:
    """It cannot take the place of a node, connected or not, with the certificate of another.

    Rows: 46.
    """
    server = cluster[0].server
    await within(cluster[1].stop())
    await config_is(server, 1, 3)
    for proof in (identity("127.0.0.1", "node-3.test"), identity("evil.test")):
        error = await refused(server, gorums.Server(ScriptedCalls(66), node_id=2), credentials=proof.for_client())
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED
        assert "node 2 is who shows a certificate for node-2.test" in error.message
        assert server.config().node_ids == (1, 3)
