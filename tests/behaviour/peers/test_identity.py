"""Who the opener of a stream says it is, and what the server makes of that."""

from collections.abc import Mapping

import pytest

import pygorums as gorums
from pygorums.nodes.peers import FIRST_CLIENT_ID
from pygorums.wire.handshake import MAX_NODE_ID, claimed_node_id
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected
from tests.support.frames import request
from tests.support.peers import PEERS, clients_are, config_is, dialled, peer, running
from tests.support.scripted_client import ScriptedClient
from tests.support.scripted_server import ScriptedServer, swallow
from tests.support.waiting import turns, until, within

KEY = "gorums-node-id"

CLAIMS: Mapping[str, int] = {
    "1": 1,
    "42": 42,
    "0042": 42,
    "00000000000000000000000000000042": 42,
    "1048576": 1 << 20,
    "4294967295": MAX_NODE_ID,
    "4294967296": 0,
    "18446744073709551617": 0,
    "9" * 5000: 0,
    "0": 0,
    "00": 0,
    "": 0,
    "-1": 0,
    "+1": 0,
    "1.0": 0,
    "1e3": 0,
    "0x10": 0,
    "1_000": 0,
    " 1": 0,
    "1 ": 0,
    "abc": 0,
    "٣": 0,
    "²": 0,
}


@pytest.mark.parametrize("value", CLAIMS, ids=lambda value: repr(value)[:24])
def test_parsing(value: str) -> None:
    """What a value of the key means.

    Rows: 28, 29.
    """
    assert claimed_node_id([("user-agent", "x"), (KEY, value)]) == CLAIMS[value]


def test_no_claim_is_not_the_same_as_zero() -> None:
    """Rows: 29, 30."""
    assert claimed_node_id([]) is None
    assert claimed_node_id([("gorums-node-ids", "1"), ("user-agent", "x")]) is None


def test_the_first_value_counts() -> None:
    """Rows: 36."""
    assert claimed_node_id([(KEY, "2"), (KEY, "0")]) == 2
    assert claimed_node_id([(KEY, "x"), (KEY, "2")]) == 0


@pytest.mark.parametrize(
    ("metadata", "known", "clients"),
    [
        pytest.param([], (1,), (), id="absent"),
        pytest.param([(KEY, "0")], (1,), (FIRST_CLIENT_ID,), id="zero"),
        pytest.param([(KEY, "abc")], (1,), (FIRST_CLIENT_ID,), id="garbage"),
        pytest.param([(KEY, "")], (1,), (FIRST_CLIENT_ID,), id="empty"),
        pytest.param([(KEY, "-1")], (1,), (FIRST_CLIENT_ID,), id="negative"),
        pytest.param([(KEY, "4294967296")], (1,), (FIRST_CLIENT_ID,), id="overflow"),
        pytest.param([(KEY, "2")], (1, 2), (), id="a known peer"),
        pytest.param([(KEY, "7")], (1,), (), id="nobody known"),
        pytest.param([(KEY, str(FIRST_CLIENT_ID))], (1,), (), id="an ID of clients"),
        pytest.param([(KEY, "2"), (KEY, "0")], (1, 2), (), id="twice"),
        pytest.param([(KEY, "1")], (1,), (), id="the server's own ID"),
    ],
)
async def test_who_is_where(metadata: list[tuple[str, str]], known: tuple[int, ...], clients: tuple[int, ...]) -> None:
    """Everybody is served; only known peers and those that serve calls are called back.

    Rows: 30, 31, 32, 33, 34, 36, 46.
    """
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server:
        assert server.address is not None
        async with ScriptedClient(server.address, metadata) as client:
            await client.send(request(5, "calls.Calls.Echo", Text(text="hello").SerializeToString()))
            answer = await client.receive()
            assert (answer.message_seq_no, Text.FromString(answer.payload).text) == (5, "hello")
            assert (server.config().node_ids, server.client_config().node_ids) == (known, clients)
            assert not server.config()[0].is_inbound, "the own node is still called in the process"
        await config_is(server, 1)
        await clients_are(server)


async def test_bit_63_means_nothing_from_an_ordinary_client() -> None:
    """Rows: 13."""
    async with running(ScriptedCalls()) as server:
        assert server.address is not None
        async with ScriptedClient(server.address) as client:
            await client.send(request(1 << 63 | 9, "calls.Calls.Echo", Text(text="x").SerializeToString()))
            assert (await client.receive()).message_seq_no == 1 << 63 | 9


async def test_clients_get_ids_that_are_never_used_again() -> None:
    """Rows: 34, 117."""
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server:
        async with peer(server), peer(server):
            assert server.client_config().node_ids == (FIRST_CLIENT_ID, FIRST_CLIENT_ID + 1)
            last = server.client_config()[1]
            assert last.address.startswith("127.0.0.1:")
            assert (last.host, last.port > 0) == ("127.0.0.1", True)
        await clients_are(server)
        async with peer(server):
            assert server.client_config().node_ids == (FIRST_CLIENT_ID + 2,)


async def test_no_client_gets_the_id_of_a_peer_or_of_the_server() -> None:
    """A peer is a peer, however high its ID.

    Rows: 34, 119.
    """
    taken = {FIRST_CLIENT_ID: "own:1", FIRST_CLIENT_ID + 1: "peer:2"}
    async with (
        running(ScriptedCalls(), node_id=FIRST_CLIENT_ID, peers=taken) as server,
        peer(server),
        peer(server, FIRST_CLIENT_ID + 1),
    ):
        assert server.client_config().node_ids == (FIRST_CLIENT_ID + 2,)
        assert server.config().node_ids == (FIRST_CLIENT_ID, FIRST_CLIENT_ID + 1)
    async with running(ScriptedCalls(), node_id=FIRST_CLIENT_ID) as server, peer(server):
        assert server.client_config().node_ids == (FIRST_CLIENT_ID + 1,)
        assert server.config().node_ids == (FIRST_CLIENT_ID,)


async def test_when_all_ids_of_clients_are_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows: 35."""
    monkeypatch.setattr("pygorums.nodes.peers.FIRST_CLIENT_ID", MAX_NODE_ID)
    async with running(ScriptedCalls()) as server, peer(server):
        assert server.client_config().node_ids == (MAX_NODE_ID,)
        assert server.address is not None
        async with ScriptedClient(server.address, [(KEY, "0")]) as client:
            code, text = await client.ended()
            assert code.name == "RESOURCE_EXHAUSTED"
            assert "used up" in text


@pytest.mark.parametrize(("node_id", "value"), [(0, "0"), (3, "3"), (MAX_NODE_ID, "4294967295")])
async def test_what_is_sent_with_a_server(node_id: int, value: str) -> None:
    """The ID of the server that answers, once a stream.

    Rows: 28, 37, 131.
    """
    own = gorums.Server(ScriptedCalls(), node_id=node_id)
    async with ScriptedServer(swallow) as acceptor, connected([acceptor.address], server=own):
        stream = await within(acceptor.opened(1))
        assert [pair for pair in stream.metadata if pair[0] == KEY] == [(KEY, value)]
    await own.stop()


async def test_what_is_sent_without_a_server() -> None:
    """Nothing; no server is None, the default.

    Rows: 38, 132.
    """
    async with ScriptedServer(swallow) as acceptor, connected([acceptor.address], server=None):
        assert (await within(acceptor.opened(1))).offered(KEY) is None


async def test_metadata_of_ones_own_come_first_and_are_kept() -> None:
    """Rows: 36, 39."""
    own = gorums.Server(ScriptedCalls())
    metadata = [(KEY, "2"), ("tag", "a"), ("tag", "b")]
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server:
        async with dialled(server, own, metadata=metadata) as config:
            await config_is(server, 1, 2)
            await within(echo(config[0], Text(text="x")))
        await config_is(server, 1)
    async with ScriptedServer(swallow) as acceptor, connected([acceptor.address], server=own, metadata=metadata):
        sent = (await within(acceptor.opened(1))).metadata
        # gRPC keeps the order of the values of one key, not that of the keys.
        assert [value for key, value in sent if key == KEY] == ["2", "0"]
        assert [value for key, value in sent if key == "tag"] == ["a", "b"]


async def test_an_unknown_id_is_served_like_an_ordinary_client() -> None:
    """Rows: 33."""
    service = ScriptedCalls()
    async with (
        running(service, node_id=1, peers=PEERS) as server,
        dialled(server, gorums.Server(ScriptedCalls(), node_id=77)) as config,
    ):
        assert (await within(echo(config[0], Text(text="x")))).text == "x"
        assert service.contexts[0].peer_id is None
        assert service.contexts[0].metadata[KEY] == "77"
        assert (server.config().node_ids, server.client_config().node_ids) == ((1,), ())


async def test_who_claims_the_servers_own_id_does_not_take_its_node() -> None:
    """Rows: 46."""
    mine, theirs = ScriptedCalls(1), ScriptedCalls(2)
    async with (
        running(mine, node_id=1, peers=PEERS) as server,
        dialled(server, gorums.Server(theirs, node_id=1)) as config,
    ):
        await within(echo(config[0], Text(text="x")))
        assert mine.contexts[0].peer_id is None
        assert (await within(echo(server.config()[0], Text(text="y")))).number == 1
        assert theirs.seen == []


@pytest.mark.parametrize("node_id", [-1, MAX_NODE_ID + 1, "1", 1.0, True, None])
def test_ids_that_cannot_be(node_id: int) -> None:
    """Rows: 111."""
    with pytest.raises(gorums.ConfigurationError, match="invalid node ID"):
        gorums.Server(node_id=node_id)


async def test_an_opened_stream_is_noticed_without_a_call() -> None:
    """Rows: 47, 261."""
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server:
        assert server.address is not None
        own = gorums.Server(ScriptedCalls(), node_id=3)
        config = gorums.connect([server.address], server=own)
        await config_is(server, 1, 3)
        await config.close()
        await config_is(server, 1)
        await own.stop()


async def test_a_plain_client_of_a_server_with_peers() -> None:
    """Rows: 30."""
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server, dialled(server) as config:
        await within(echo(config[0], Text(text="x")))
        await turns()
        await until(lambda: server.config().node_ids == (1,))
        assert server.client_config().node_ids == ()
