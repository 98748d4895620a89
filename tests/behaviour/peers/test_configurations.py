"""Who is in `config()` and `client_config()`, and what can be done with them."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

import pygorums as gorums
from pygorums.nodes.peers import FIRST_CLIENT_ID, Peers
from tests.protos.calls_gorums import ask, echo, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.peers import PEERS, clients_are, config_is, dialled, peer, recorder, running
from tests.support.waiting import until, within

BAD_PEERS: Mapping[str, tuple[Any, str]] = {
    "empty mapping": ({}, "missing node addresses"),
    "empty list": ([], "missing node addresses"),
    "ID 0": ({0: "a:1"}, "0 is reserved"),
    "ID too high": ({1 << 32: "a:1"}, "IDs go from 1"),
    "same address twice": (["a:1", "a:1"], "already in use by node 1"),
    "no port": (["a"], "the port is missing"),
    "bad port": ({1: "a:x"}, "the port must be a number"),
    "a string": ("a:1", "single string"),
}


@pytest.mark.parametrize("case", BAD_PEERS)
def test_peers_that_cannot_be(case: str) -> None:
    """Rows: 111."""
    peers, text = BAD_PEERS[case]
    with pytest.raises(gorums.ConfigurationError, match=text):
        gorums.Server(ScriptedCalls(), node_id=1, peers=peers)


@pytest.mark.parametrize(
    ("node_id", "peers", "expected"),
    [
        (1, PEERS, (1,)),
        (2, list(PEERS.values()), (2,)),
        (7, PEERS, (7,)),  # the own node is always there, whether it is listed or not
        (7, None, (7,)),
        (0, PEERS, ()),
        (0, None, ()),
    ],
)
def test_at_first(node_id: int, peers: Mapping[int, str] | Iterable[str] | None, expected: tuple[int, ...]) -> None:
    """Made outside of an event loop, a server has its own node and nobody else.

    Rows: 112, 113, 118.
    """
    server = gorums.Server(node_id=node_id, peers=peers)
    assert server.config().node_ids == expected
    assert server.client_config().node_ids == ()
    assert [node.is_inbound for node in server.config()] == [False] * len(expected)


async def test_peers_come_and_go_and_are_sorted() -> None:
    """Rows: 32, 98, 112, 114, 116."""
    async with running(ScriptedCalls(), node_id=2, peers=PEERS) as server:
        first = server.config()
        async with peer(server, 3):
            second = server.config()
            async with peer(server, 1):
                assert server.config().node_ids == (1, 2, 3)
                assert [node.address for node in server.config()] == list(PEERS.values())
                assert [node.is_inbound for node in server.config()] == [True, False, True]
            await config_is(server, 2, 3)
            assert server.config() == second
        await config_is(server, 2)
        assert (first.node_ids, second.node_ids) == ((2,), (2, 3))


async def test_known_peers_keep_their_nodes_and_clients_do_not() -> None:
    """Rows: 117, 118."""
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server:
        async with peer(server, 2, ScriptedCalls(2)), peer(server):
            known, client = server.config()[1], server.client_config()[0]
            await within(echo(known, Text(text="x")))
            assert known.latency is not None
        await config_is(server, 1)
        await clients_are(server)
        assert not known.connected
        assert not client.connected
        assert server.config().add(2).node_ids == (1, 2)
        with pytest.raises(gorums.ConfigurationError, match=str(client.id)):
            server.config().add(client.id)
        async with peer(server, 2):
            assert server.config()[1] is known
            assert (known.connected, known.last_error, known.latency is None) == (True, None, False)


async def test_mixed() -> None:
    """Peers and clients side by side, in configurations of their own.

    Rows: 31, 120.
    """
    async with (
        running(ScriptedCalls(), node_id=1, peers=PEERS) as server,
        peer(server, 2, ScriptedCalls(2)),
        peer(server, 0, ScriptedCalls(3)),
        dialled(server),
    ):
        assert server.config().node_ids == (1, 2)
        assert server.client_config().node_ids == (FIRST_CLIENT_ID,)
        assert (await within(ask(server.client_config(), Text(text="x")).all())).number == 3
        both = server.config() | server.client_config()
        replies = await within(ask(both, Text(text="x")).collect_all())
        assert {node_id: reply.number for node_id, reply in replies.items()} == {1: 1, 2: 2, FIRST_CLIENT_ID: 3}


async def test_calls_from_outside_of_handlers() -> None:
    """`config()` and `client_config()` can be called by whoever holds the server.

    Rows: 125, 126, 130.
    """
    service = ScriptedCalls(1)
    async with running(service, node_id=1, peers=PEERS) as server, peer(server, 2, ScriptedCalls(2)) as config:
        reply = await within(ask(server.config(), Text(text="x")).collect_all())
        assert sorted(reply) == [1, 2]
        await within(echo(config[0], Text(text="y")))
        assert service.contexts[-1].config() == server.config()
        assert service.contexts[-1].client_config() == server.client_config()


async def test_empty_ones() -> None:
    """An empty configuration is a configuration; calls to it fail by themselves.

    Rows: 113, 127, 128.
    """
    async with running(ScriptedCalls()) as server:
        for config in (server.config(), server.client_config()):
            assert (len(config), config.node_ids, bool(config)) == (0, (), False)
            with pytest.raises(gorums.IncompleteError):
                await within(ask(config, Text(text="x")).majority())
            await within(spread(config, Text(text="x")))
            assert await within(ask(config, Text(text="x")).collect_all()) == {}


async def test_algebra() -> None:
    """What makes sense works, and what does not says so.

    Rows: 129.
    """
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server, peer(server, 2), peer(server, 3) as outside:
        config = server.config()
        assert config.remove(1).node_ids == (2, 3)
        assert config[:1].add(3).node_ids == (1, 3)
        assert (config[:1] | config[2:]).node_ids == (1, 3)
        assert (config - config[:1]).node_ids == (2, 3)
        assert config.sort_by(lambda node: -node.id).node_ids == (3, 2, 1)
        with pytest.raises(gorums.ConfigurationError, match="connect to the server"):
            config.extend(["127.0.0.1:1"])
        with pytest.raises(gorums.ConfigurationError, match="no node 9"):
            config.add(9)
        with pytest.raises(gorums.ConfigurationError, match="different calls of connect"):
            config.union(outside)


async def test_one_cannot_be_closed() -> None:
    """The streams belong to the server, or to those who opened them."""
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server, peer(server, 2, ScriptedCalls(2)):
        config = server.config()
        with pytest.raises(gorums.ConfigurationError, match="stop the server instead"):
            await config.close()
        assert sorted(await within(ask(config, Text(text="x")).collect_all())) == [1, 2]


async def test_waiting_for_nodes_and_watching() -> None:
    """What works on any configuration works on a server's, until the server stops."""
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server:
        watch = server.config().watch(60, lambda config: server.config())
        assert (await within(anext(watch))).node_ids == (1,)
        next_one = asyncio.ensure_future(anext(watch, None))
        async with peer(server, 2):
            both = server.config()
        await config_is(server, 1)
        waiting = asyncio.create_task(both.wait_connected())
        async with peer(server, 2):
            await within(waiting)
        await config_is(server, 1)
        waiting = asyncio.create_task(both.wait_connected())
        await within(server.stop())
        with pytest.raises(gorums.NodeClosedError):
            await within(waiting)
        assert await within(next_one) is None


async def test_when_the_server_has_stopped() -> None:
    """Its configurations become empty of others, and calls fail at once."""
    changes: list[tuple[int, ...]] = []
    async with (
        running(ScriptedCalls(), node_id=1, peers=PEERS, on_config_change=recorder(changes)) as server,
        peer(server, 2, ScriptedCalls(2)),
        peer(server, 0, ScriptedCalls(3)),
    ):
        config, clients = server.config(), server.client_config()
        await within(server.stop())
        await config_is(server, 1)
        await clients_are(server)
        assert changes == [(1,), (1, 2), (1,)]
        for node in (*config, *clients):
            with pytest.raises(gorums.StatusError) as error:
                await within(echo(node, Text(text="x")))
            assert isinstance(error.value, gorums.NodeClosedError | gorums.StreamDownError)
            with pytest.raises(gorums.SendError):
                await within(note(node, Text(text="x")))
        await until(lambda: not any(node.connected for node in (*config, *clients)))


async def test_clients_that_come_and_go_cost_nothing_until_somebody_asks_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each changes the configuration: to make it anew of all would take the more time the more there are."""
    made = 0
    make = Peers._configuration

    def counting(peers: Peers, nodes: Mapping[int, gorums.Node]) -> gorums.Configuration:
        nonlocal made
        made += 1
        return make(peers, nodes)

    one, two, three = gorums.Server(), gorums.Server(), gorums.Server()
    async with running(ScriptedCalls()) as server:
        monkeypatch.setattr(Peers, "_configuration", counting)
        async with dialled(server, one), dialled(server, two), dialled(server, three):
            await until(lambda: len(server._acceptor.streams) == 3)
            assert made == 0
            assert len(server.client_config()) == 3
            assert server.client_config() is server.client_config()
            assert made == 1
        await clients_are(server)


def test_a_server_whose_address_is_known_as_another_nodes() -> None:
    with pytest.raises(gorums.ConfigurationError, match="it is the address of node 2, and this is node 1"):
        gorums.Server(address="127.0.0.1:7001", node_id=1, peers={1: "127.0.0.1:7002", 2: "localhost:7001"})
