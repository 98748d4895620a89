"""Messages to methods that nobody serves: told at both ends, once for each method."""

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import echo, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected
from tests.support.frames import request
from tests.support.peers import PEERS, peer, running
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import until, within

NOTE, SPREAD = "calls.Calls.Note", "calls.Calls.Spread"


def heard(caplog: pytest.LogCaptureFixture, logger: str) -> list[str]:
    """The warnings of a logger."""
    return [record.getMessage() for record in caplog.records if record.name == logger]


async def both_have_told(caplog: pytest.LogCaptureFixture, node_id: int) -> None:
    """Waits for the lines of both ends, one for each of the two methods at each."""
    expected = [
        f"Node {node_id} does not serve {name}: what was sent to it is lost: no handler registered for method {name}"
        for name in (NOTE, SPREAD)
    ]
    await until(lambda: heard(caplog, "pygorums.streams") == expected, f"{caplog.text}")
    assert heard(caplog, "pygorums.server") == [
        f"{name} was called, and no service here has it: was the service registered?" for name in (NOTE, SPREAD)
    ]


async def test_from_a_client(caplog: pytest.LogCaptureFixture) -> None:
    server = gorums.Server()
    address = await server.start("127.0.0.1:0")
    async with connected([address]) as config:
        for _ in range(5):
            await within(note(config[0], Text()))
        await within(spread(config, Text()))
        await both_have_told(caplog, 1)
        with pytest.raises(gorums.StatusError, match="no handler registered"):
            await within(echo(config[0], Text()))
        assert len(heard(caplog, "pygorums.streams")) == 2, "who waits for the answer has been told"
    await server.stop()


async def test_from_a_server_to_a_peer(caplog: pytest.LogCaptureFixture) -> None:
    """Over the stream that the peer has opened."""
    async with running(node_id=1, peers=PEERS) as server, peer(server, 2):
        node = server.config()[1]
        for _ in range(5):
            await within(note(node, Text()))
        await within(spread(server.config().remove(1), Text()))
        await both_have_told(caplog, 2)


async def test_to_the_own_node(caplog: pytest.LogCaptureFixture) -> None:
    async with running(node_id=1, peers=PEERS) as server:
        for _ in range(5):
            await within(note(server.config()[0], Text()))
        await within(spread(server.config(), Text()))
        await both_have_told(caplog, 1)


async def test_methods_that_a_stranger_makes_up(caplog: pytest.LogCaptureFixture) -> None:
    """Many of them share a line, and none can write more than one."""
    async with running() as server:
        assert server.address is not None
        async with ScriptedClient(server.address) as client:
            await client.send(*(request(n, f"no.Such/{n}\n\x1b[2J") for n in range(1, 1001)))
            await client.receive_all(1000)
    lines = heard(caplog, "pygorums.server")
    assert len(lines) <= 300
    assert all(line.isprintable() for line in lines)
