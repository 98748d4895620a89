"""Streams over asyncio's sockets through proxies that understand HTTP/2, whose farewells and errors are their own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import pygorums as gorums
from tests.interop.proxies import KINDS, Proxy, path_of, running_proxy
from tests.protos.calls_gorums import ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.process import ServerProcess
from tests.support.waiting import until, within

LARGE = bytes(3_900_000)


@pytest.fixture(params=KINDS)
async def proxy(request: pytest.FixtureRequest) -> AsyncIterator[Proxy]:
    if path_of(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    with tempfile.TemporaryDirectory(prefix="proxy") as folder:  # a short path, for unix sockets
        async with running_proxy(request.param, Path(folder)) as running:
            yield running


@asynccontextmanager
async def serving(service: ScriptedCalls, address: str) -> AsyncIterator[gorums.Server]:
    server = gorums.Server(service, transport="asyncio")
    await server.start(address)
    try:
        yield server
    finally:
        service.open_all()
        await within(server.stop())


async def test_calls_through_a_proxy(proxy: Proxy) -> None:
    """Before there is a server behind it, with one, and after that has stopped."""
    service, called_back = ScriptedCalls(1), ScriptedCalls(2)
    metadata: dict[str, str | bytes] = {"key": "value", "key-bin": b"\x00\xff"}
    client = gorums.Server(called_back)
    async with gorums.connect(
        [proxy.front], transport="asyncio", metadata=metadata, server=client, backoff=QUICK
    ) as config:
        [node] = config
        await until(lambda: "HTTP status 50" in str(node.last_error))
        async with serving(service, proxy.back) as server:
            await config.wait_connected(timeout=10)
            assert (await within(echo(node, Text(text="ok")))).number == 1
            seen = service.contexts[-1].metadata
            assert (seen.get("key"), seen.get("key-bin")) == ("value", b"\x00\xff")
            await within(note(node, Text(text="noted")))
            assert (await within(ask(config, Text(text="ok", data=LARGE)).all())).data == LARGE
            assert service.seen == ["ok", "noted", "ok"]
            replies = [each.value.number async for each in follow(config, Text(text="ok", number=3), timeout=10)]
            assert replies == [1, 2, 3]
            for reply in await asyncio.gather(*(within(ask(config, Text(text="ok")).first()) for _ in range(500))):
                assert reply.number == 1
            back = server.client_config()
            assert (await within(ask(back, Text(text="ok", data=LARGE)).all())).number == 2
            # It stops, and answers what it has received: half-closes and trailers pass.
            hanging = echo(node, Text(text="hold:gate"))
            await service.has_seen("hold:gate")
            stopping = asyncio.ensure_future(server.stop(10))
            await asyncio.sleep(0)
            service.gates["gate"].open()
            assert (await within(hanging)).text == "hold:gate"
            await within(stopping)
            await until(lambda: not node.connected)
    await within(client.stop())


async def test_a_proxy_that_says_farewell(proxy: Proxy) -> None:
    """What is under way is still answered over the old connection, and what is new goes over another one."""
    service = ScriptedCalls()
    async with (
        serving(service, proxy.back),
        gorums.connect([proxy.front], transport="asyncio", backoff=QUICK) as config,
    ):
        [node] = config
        await config.wait_connected(timeout=10)
        under_way = [echo(node, Text(text="hold:gate")), echo(node, Text(text="second"))]
        await service.has_seen("hold:gate")
        await proxy.replace()
        new = echo(node, Text(text="new"))
        service.gates["gate"].open()
        assert [reply.text for reply in await within(asyncio.gather(*under_way, new))] == ["hold:gate", "second", "new"]
        assert service.seen == ["hold:gate", "second", "new"]
        assert (await within(echo(node, Text(text="next")))).text == "next"


async def test_a_frozen_server_behind_a_proxy_is_noticed(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy answers pings, whatever becomes of the server. Heartbeats are messages, and go through."""
    monkeypatch.setenv("PYGORUMS_TRANSPORT", "asyncio")
    quick = [("grpc.keepalive_time_ms", 300), ("pygorums.shortest_heartbeat_ms", 100)]
    async with (
        ServerProcess(address=proxy.back) as process,
        gorums.connect([proxy.front], transport="asyncio", backoff=QUICK, channel_options=quick) as config,
    ):
        [node] = config
        await config.wait_connected(timeout=10)
        await within(echo(node, Text(text="ok")))
        process.freeze()
        try:
            await until(lambda: "sign of life" in str(node.last_error))
        finally:
            process.thaw()
        assert (await within(echo(node, Text(text="ok")))).text == "ok"
