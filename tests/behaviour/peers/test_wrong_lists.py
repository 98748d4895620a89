"""Lists of peers that are wrong, or differ from member to member: refused where it can be known, else told."""

from contextlib import AsyncExitStack

import pytest

import pygorums as gorums
from pygorums.wire.handshake import PEERS_KEY
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, serving
from tests.support.peers import PEERS, dialled, peer, running
from tests.support.scripted_server import ScriptedServer, swallow
from tests.support.waiting import within


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was warned of, without the ports of clients."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelname == "WARNING" and record.name == "pygorums.server"
    ]


LISTED = {1: "127.0.0.1:20001", 2: "127.0.0.1:20002"}


@pytest.mark.parametrize("address", ["127.0.0.1:20002", "localhost:20002", "0.0.0.0:20002"])
async def test_ones_own_address_under_another_id(address: str) -> None:
    """Known at once: others would take this one for node 2."""
    with pytest.raises(gorums.ConfigurationError, match="it is the address of node 2, and this is node 1"):
        gorums.System(address, ScriptedCalls(), node_id=1, peers=LISTED)
    server = gorums.Server(ScriptedCalls(), node_id=1, peers=LISTED)
    with pytest.raises(gorums.ConfigurationError, match="it is the address of node 2, and this is node 1"):
        await server.start(address)
    nobody = gorums.Server(ScriptedCalls(), peers=LISTED)
    with pytest.raises(gorums.ConfigurationError, match="it is the address of node 2, and this server has no node ID"):
        await nobody.start(address)
    for each in (server, nobody):
        await each.stop()


async def test_an_id_that_nobody_knows(caplog: pytest.LogCaptureFixture) -> None:
    """Told once, however often it comes."""
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server:
        for _ in range(3):
            async with dialled(server, gorums.Server(ScriptedCalls(), node_id=77)) as config:
                await within(echo(config[0], Text(text="x")))
    (text,) = warnings(caplog)
    assert text.startswith("Node 77, which has connected from 127.0.0.1:")
    assert text.endswith(" is not among the peers [1, 2, 3]; it is served as a client, and not in config()")


async def test_a_server_that_was_given_no_peers(caplog: pytest.LogCaptureFixture) -> None:
    async with (
        running(ScriptedCalls()) as server,
        dialled(server, gorums.Server(ScriptedCalls(), node_id=2)) as config,
    ):
        await within(echo(config[0], Text(text="x")))
    assert "this server was given no peers" in "".join(warnings(caplog))


async def test_who_has_the_servers_own_id(caplog: pytest.LogCaptureFixture) -> None:
    """Two members were started as node 1."""
    async with (
        running(ScriptedCalls(), node_id=1, peers=PEERS) as server,
        dialled(server, gorums.Server(ScriptedCalls(), node_id=1)) as config,
    ):
        await within(echo(config[0], Text(text="x")))
    (text,) = warnings(caplog)
    assert text.endswith(" has the ID of this server: it is served as a client, and not in config()")


async def test_lists_in_another_order(caplog: pytest.LogCaptureFixture) -> None:
    """Two members that are told each other's addresses in different orders."""
    async with serving(ScriptedCalls(), node_id=1, peers=PEERS) as address:
        other = gorums.System("127.0.0.1:0", node_id=3, peers={1: "127.0.0.1:1", 2: address, 3: "own:3"}, backoff=QUICK)
        await other.start()
        await within(echo(other.outbound[1], Text(text="x")))
        await other.stop()
    (text,) = warnings(caplog)
    assert text.startswith("Node 3, which has connected from 127.0.0.1:")
    assert text.endswith(" takes this server for node 2, but it is node 1")


async def test_lists_of_another_length(caplog: pytest.LogCaptureFixture) -> None:
    """A member that joined knows one more than the others do."""
    async with serving(ScriptedCalls(), node_id=1, peers=PEERS) as address:
        lists = {1: address, 2: "127.0.0.1:1", 3: "own:3", 4: "127.0.0.1:2"}
        other = gorums.System("127.0.0.1:0", node_id=3, peers=lists, backoff=QUICK)
        await other.start()
        await within(echo(other.outbound[0], Text(text="x")))
        await other.stop()
    (text,) = warnings(caplog)
    assert text.endswith(" knows the nodes 1-4, this server knows 1-3")


async def test_members_that_agree_say_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with gorums.local_systems(3, ScriptedCalls) as systems:
        for system in systems:
            await system.wait_for_config(lambda config: len(config) == 3, timeout=10)
    assert warnings(caplog) == []


async def test_what_is_told_to_whom() -> None:
    """The list goes to those who are on it, not to other servers that a member calls."""
    async with AsyncExitStack() as stack:
        listed, other = [await stack.enter_async_context(ScriptedServer(swallow)) for _ in range(2)]
        own = gorums.Server(ScriptedCalls(), node_id=1, peers={1: "own:1", 2: listed.address})
        config = gorums.connect({2: listed.address, 3: other.address}, server=own)
        assert (await within(listed.opened(1))).offered(PEERS_KEY) == "2 1-2"
        assert (await within(other.opened(1))).offered(PEERS_KEY) is None
        await config.close()
        await own.stop()


async def test_two_that_claim_one_id(caplog: pytest.LogCaptureFixture) -> None:
    async with (
        running(ScriptedCalls(), node_id=1, peers=PEERS) as server,
        peer(server, 2, ScriptedCalls()),
        peer(server, 2, ScriptedCalls()) as second,
    ):
        await within(echo(second[0], Text(text="x")))
    (text,) = warnings(caplog)
    assert text.startswith("Node 2, which has connected from 127.0.0.1:")
    assert "has another stream, from 127.0.0.1:" in text
