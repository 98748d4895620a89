"""What the logs say of connections: each change once, at both ends."""

import logging
import re

import grpc
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.peers import PEERS, peer, running
from tests.support.proxy import TcpProxy
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import until, within


@pytest.fixture(autouse=True)
def _every_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pygorums")


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines of connections with their levels, ports left out."""
    return [
        f"{record.levelname} {re.sub(r':[0-9]{4,5}', ':PORT', record.getMessage())}"
        for record in caplog.records
        if record.name == "pygorums.connections"
    ]


async def test_a_connection_that_breaks_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    """However often it is tried in between."""
    async with running(ScriptedCalls()) as server, TcpProxy(str(server.address)) as proxy:
        config = gorums.connect([proxy.address], backoff=QUICK)
        await within(echo(config[0], Text()))
        proxy.stop_listening()
        proxy.reset()
        await until(lambda: "cannot be reached" in caplog.text)
        attempts = sum("Node" in line for line in told(caplog))
        for _ in range(20):  # as many attempts, at least, as take that long
            await until(lambda: not config[0].connected)
        await proxy.listen()
        await config.wait_connected(timeout=10)
        await within(echo(config[0], Text()))
        await config.close()
        await until(lambda: not server._acceptor.streams)
    lines = [line for line in told(caplog) if "Node" in line]
    assert lines[0] == "INFO Node 1 (127.0.0.1:PORT) is connected"
    assert lines[1].startswith("WARNING Node 1 (127.0.0.1:PORT) is lost: UNAVAILABLE: ")
    assert lines[2].startswith("WARNING Node 1 (127.0.0.1:PORT) cannot be reached, and is tried again: UNAVAILABLE: ")
    assert lines[2].count("PORT") == 1
    assert lines[-2:] == [
        "INFO Node 1 (127.0.0.1:PORT) is connected",
        "INFO Node 1 (127.0.0.1:PORT) is closed",
    ]
    assert len(lines) <= attempts + 3, "the attempts in between say nothing new"
    served = [line for line in told(caplog) if "client" in line]
    assert served[0] == served[2] == "INFO a client at 127.0.0.1:PORT has connected"
    # On a busy machine gRPC sometimes tells a reset as if the client had ended the stream.
    assert served[1].startswith("INFO The stream of a client at 127.0.0.1:PORT broke: ") or served[1] == served[3]
    assert served[3] == "INFO a client at 127.0.0.1:PORT has disconnected"


async def test_a_peer(caplog: pytest.LogCaptureFixture) -> None:
    """One that is lost without a good-bye is a warning."""
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server:
        async with peer(server, 2):
            pass
        await until(lambda: "has disconnected" in caplog.text)
        async with TcpProxy(str(server.address)) as proxy:
            own = gorums.Server(node_id=3)
            config = gorums.connect({1: proxy.address}, server=own, backoff=QUICK)
            await until(lambda: 3 in server.config())
            proxy.stop_listening()
            proxy.reset()
            await until(lambda: 3 not in server.config())
            await config.close()
            await own.stop()
    lines = [line for line in told(caplog) if "node" in line]
    assert lines[:3] == [
        "INFO node 2 at 127.0.0.1:PORT has connected",
        "INFO node 2 at 127.0.0.1:PORT has disconnected",
        "INFO node 3 at 127.0.0.1:PORT has connected",
    ]
    assert lines[3].startswith("WARNING The stream of node 3 at 127.0.0.1:PORT broke: ")


async def test_who_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """Once, however often it tries."""

    def refuse(claim: gorums.Claim) -> None:
        raise gorums.StatusError(grpc.StatusCode.PERMISSION_DENIED, "not you\x1b[2J")

    async with running(ScriptedCalls(), authorize=refuse) as server:
        assert server.address is not None
        for _ in range(5):
            async with ScriptedClient(server.address, [("gorums-node-id", "2")]) as client:
                await client.ended()
    assert told(caplog) == [
        "WARNING A stream of node 2 at 127.0.0.1:PORT was refused: PERMISSION_DENIED: not you\\x1b[2J"
    ]
