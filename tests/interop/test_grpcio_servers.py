"""Our client over asyncio's sockets, and servers of grpc.aio in other processes."""

from __future__ import annotations

import asyncio
import re
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

import pygorums as gorums
from tests.interop.grpcio_processes import Peer, folder_of, grpcio_server
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.cluster import QUICK
from tests.support.waiting import until, within

LARGE = 4 << 20
METADATA: dict[str, str | bytes] = {"key": "value", "key-bin": b"\x00\x01\xff"}


@asynccontextmanager
async def connected(peer: Peer, **options: Any) -> AsyncIterator[gorums.Configuration]:
    options = {"transport": "asyncio", "backoff": QUICK, "metadata": METADATA, **options}
    async with gorums.connect([peer.address], **options) as config:
        await config.wait_connected(timeout=10)
        yield config


async def test_calls_of_every_kind_and_the_ends_of_streams() -> None:
    async with grpcio_server("max_send_message_length=-1") as peer:
        async with connected(peer) as config:
            await calls_of_every_kind(config)
            await sizes(config[0])
            await ends(config)
        larger = [("grpc.max_receive_message_length", 2 * LARGE)]
        async with connected(peer, channel_options=larger) as config:
            reply = await within(echo(config[0], Text(text="large", number=LARGE + 1000)))
            assert len(reply.data) == LARGE + 1000


async def calls_of_every_kind(config: gorums.Configuration) -> None:
    [node] = config
    assert (await within(echo(node, Text(text="metadata")))).text == "key=value key-bin=0001ff"
    await within(note(node, Text(text="one")))
    await within(spread(config, Text(text="two")))
    assert (await within(ask(config, Text(text="three")).all())).number == 2
    numbers: list[int] = []
    async for response in follow(config, Text(text="four", number=3), timeout=10).ignore_errors():
        numbers.append(response.value.number)
        if len(numbers) == 3:
            break
    assert numbers == [1, 2, 3]
    with pytest.raises(gorums.StatusError, match="refused: é%") as refused:
        await within(echo(node, Text(text="fail")))
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    # One that is given up, and its answer, which comes before the next one's.
    silent = echo(node, Text(text="silent"))
    silent.cancel()
    assert (await within(echo(node, Text(text="answer")))).text == "answer"
    assert node.connected


async def sizes(node: gorums.Node) -> None:
    """Of what gRPC takes by default."""
    room = LARGE - 60
    assert len((await within(echo(node, Text(data=bytes(room))))).data) == room
    assert len((await within(echo(node, Text(text="large", number=room)))).data) == room
    with pytest.raises(gorums.StatusError, match="more than the limit of 4194304") as refused:
        await within(echo(node, Text(data=bytes(LARGE))))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert node.connected


async def ends(config: gorums.Configuration) -> None:
    """Streams that the server ends, and calls on the next one."""
    [node] = config
    for text, ended in (("abort", "ABORTED: .* ended the stream: enough"), ("end", "ended the stream")):
        with pytest.raises(gorums.StatusError, match=r"DEADLINE|ended the stream"):
            await within(echo(node, Text(text=text), timeout=0.2))
        assert re.search(ended, str(node.last_error))
        await config.wait_connected(timeout=10)
        assert (await within(echo(node, Text(text="back")))).text == "back"


async def test_a_server_that_goes_away() -> None:
    """What it still answers arrives, and what is new goes to its successor at the same port, after that."""
    async with grpcio_server() as old, connected(old) as config:
        [node] = config
        silent = echo(node, Text(text="silent"))
        async with grpcio_server(address=old.address) as new:
            assert new.address == old.address
            old.say("stop 10")
            assert (await within(silent)).text == "at the end"
            assert await old.line() == "stopped"
            await within(echo(node, Text(text="ok")))  # be it that the old one had taken another connection
            await within(note(node, Text(text="new")))
            assert (await within(echo(node, Text(text="ok")))).number == 1


async def test_connections_of_a_maximum_age(caplog: pytest.LogCaptureFixture) -> None:
    """The server ends them one after the other; no call notices, and no message is lost."""
    caplog.set_level("INFO", "pygorums.connections")
    age = ("max_connection_age_ms=150", "max_connection_age_grace_ms=5000")
    async with grpcio_server(*age) as peer, connected(peer) as config:
        [node] = config
        number = 0
        while caplog.text.count("is connected") < 4:
            number += 1
            await within(note(node, Text()))
            assert (await within(echo(node, Text(text="ok")))).number == number


async def test_pings() -> None:
    """They are answered, and ours are; a server that is frozen is noticed by that alone, for it knows no heartbeats."""
    at_server = ("keepalive_time_ms=20", "http2.max_pings_without_data=0", "http2.min_ping_interval_without_data_ms=1")
    ours = [("grpc.keepalive_time_ms", 200), ("grpc.http2.ping_timeout_ms", 1000)]
    async with grpcio_server(*at_server) as peer, connected(peer, channel_options=ours) as config:
        [node] = config
        for _ in range(30):
            await within(echo(node, Text(text="ok")))
            await asyncio.sleep(0.02)
        assert node.last_error is None
        peer.signal(signal.SIGSTOP)
        try:
            await until(lambda: "nothing has come for" in str(node.last_error))
        finally:
            peer.signal(signal.SIGCONT)
        await config.wait_connected(timeout=10)
        assert (await within(echo(node, Text(text="ok")))).text == "ok"


def context(folder: str, *, certified: bool) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=f"{folder}/root.pem")
    if certified:
        made.load_cert_chain(f"{folder}/chain.pem", f"{folder}/key.pem")
    return made


async def test_tls_both_ways(tmp_path: Path) -> None:
    servers, clients = folder_of(tmp_path / "server", "127.0.0.1"), folder_of(tmp_path / "client", "client.test")
    async with grpcio_server(servers, "mutual") as peer:
        async with connected(peer, credentials=context(clients, certified=True)) as config:
            reply = await within(echo(config[0], Text(text="metadata")))
            assert reply.text.startswith("key=value key-bin=0001ff")
            assert len((await within(echo(config[0], Text(data=bytes(1 << 20))))).data) == 1 << 20
        async with gorums.connect(
            [peer.address], credentials=context(clients, certified=False), transport="asyncio", backoff=QUICK
        ) as config:
            await until(lambda: "certificate" in str(config[0].last_error))
            assert not config[0].connected
