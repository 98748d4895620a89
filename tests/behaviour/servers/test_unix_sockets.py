"""Servers and clients on the sockets of this machine itself, over any transport."""

import asyncio
import socket
import sys
from pathlib import Path
from typing import Literal

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.waiting import within

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no unix sockets here")

Transport = Literal["asyncio", "grpc"]
BOTH: list[Transport] = ["asyncio", "grpc"]


@pytest.mark.parametrize("server", BOTH)
@pytest.mark.parametrize("client", BOTH)
@pytest.mark.parametrize("kind", ["a path", "an abstract name"])
async def test_calls(tmp_path: Path, kind: str, client: Transport, server: Transport) -> None:
    if kind == "a path":
        address = f"unix:{tmp_path / 'node'}"
    elif sys.platform == "linux":
        address = f"unix:@{tmp_path}"
    else:
        pytest.skip("abstract names are Linux's")
    service = ScriptedCalls(1)
    async with gorums.Server(service, address=address, transport=server) as started:
        assert started.address == address
        async with gorums.connect([address], transport=client, backoff=QUICK) as config:
            assert (await within(echo(config[0], Text(text="ok")))).number == 1
    assert service.contexts[0].peer.startswith("unix")
    assert not (tmp_path / "node").exists()


@pytest.mark.parametrize("transport", BOTH)
async def test_a_path_where_somebody_listens_is_taken(tmp_path: Path, transport: Transport) -> None:
    address = f"unix:{tmp_path / 'node'}"
    async with gorums.Server(ScriptedCalls(1), address=address, transport=transport):
        second = gorums.Server(ScriptedCalls(2), transport=transport)
        with pytest.raises(OSError, match=f"cannot listen on {address}: Address already in use"):
            await second.start(address)
        await second.stop()
        async with gorums.connect([address], backoff=QUICK) as config:
            assert (await within(echo(config[0], Text(text="ok")))).number == 1


@pytest.mark.parametrize("transport", BOTH)
async def test_a_file_that_was_left_makes_way(tmp_path: Path, transport: Transport) -> None:
    path = tmp_path / "node"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))
    assert path.exists()
    async with (
        gorums.Server(ScriptedCalls(1), address=f"unix:{path}", transport=transport),
        gorums.connect([f"unix:{path}"], backoff=QUICK) as config,
    ):
        assert (await within(echo(config[0], Text(text="ok")))).number == 1


@pytest.mark.parametrize("transport", BOTH)
async def test_what_is_no_socket_stays(tmp_path: Path, transport: Transport) -> None:
    path = tmp_path / "node"
    path.write_text("precious")
    server = gorums.Server(ScriptedCalls(1), transport=transport)
    with pytest.raises(OSError, match="Address already in use"):
        await server.start(f"unix:{path}")
    await server.stop()
    assert path.read_text() == "precious"


@pytest.mark.parametrize("address", ["unix:", "unix:@", "unix:a\0b"])
async def test_an_address_without_a_path(address: str) -> None:
    with pytest.raises(gorums.ConfigurationError, match="it needs the path of a socket"):
        gorums.connect([address])
    with pytest.raises(gorums.ConfigurationError, match="it needs the path of a socket"):
        gorums.Server(ScriptedCalls(1), address=address)


async def test_a_system_of_unix_sockets(tmp_path: Path) -> None:
    peers = {number: f"unix:{tmp_path / str(number)}" for number in (1, 2)}
    systems = [
        gorums.System(peers[number], ScriptedCalls(number), node_id=number, peers=peers, transport="asyncio")
        for number in peers
    ]
    for system in systems:
        await system.start()
    for system in systems:
        await within(system.wait_for_config(lambda config: len(config) == 2))
    replies = [await within(echo(systems[0].config()[n], Text(text="ok"))) for n in range(2)]
    assert sorted(reply.number for reply in replies) == [1, 2]
    await within(asyncio.gather(*(system.stop() for system in systems)))
