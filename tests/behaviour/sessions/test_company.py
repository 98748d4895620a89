"""Sessions together with what else there is: streams that do not batch, signs of life, figures, the blocking facade."""

import asyncio
from typing import Any

import pytest

import pygorums as gorums
import pygorums.sync
from tests.behaviour.sessions.broken import SAME_ENDS, Ends, line
from tests.protos import calls_gorums
from tests.protos.calls_gorums import ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import serving
from tests.support.plain_calls import PlainCalls
from tests.support.proxy import TcpProxy
from tests.support.waiting import until, within

NO_BATCHING = [("pygorums.batching", 0)]


@pytest.mark.parametrize("where", ["client", "server", "both"])
@SAME_ENDS
async def test_without_envelopes(ends: Ends, where: str) -> None:
    client: dict[str, Any] = {} if where == "server" else {"channel_options": NO_BATCHING}
    server: dict[str, Any] = {} if where == "client" else {"options": NO_BATCHING}
    async with line(ends=ends, server=server, **client) as one:
        held = echo(one.node, Text(text="hold:door"))
        await one.service.gates["door"].arrivals()
        one.proxy.freeze()
        calls = [ask(one.config, Text(text=str(number))).async_all() for number in range(20)]
        parts = follow(one.config, Text(text="part", number=3)).async_all()
        await within(note(one.node, Text(text="note")))
        one.proxy.reset()
        one.proxy.thaw()
        one.service.open_all()
        await within(asyncio.gather(held, *calls, parts))
        await one.service.has_seen("note")
        assert one.service.seen == ["hold:door", *map(str, range(20)), "part", "note"]


@SAME_ENDS
async def test_a_connection_that_falls_silent(ends: Ends) -> None:
    """It is noticed by the absence of signs of life, and what waited goes on over the next."""
    often = [("grpc.keepalive_time_ms", 150)]
    server = {"options": [("pygorums.shortest_heartbeat_ms", 50)]}
    async with line(ends=ends, server=server, channel_options=often, suspect_after=5.0) as one:
        await within(echo(one.node, Text(text="ok")))
        one.proxy.freeze()
        calls = [echo(one.node, Text(text=str(number))) for number in range(5)]
        await one.proxy.attempted(2)
        one.proxy.thaw()
        await within(asyncio.gather(*calls))
        assert one.service.seen == ["ok", *map(str, range(5))]
        assert not one.node.suspected


async def test_figures_while_a_client_is_away() -> None:
    async with line(server={"introspection": True}) as one:
        one.config.stats()
        held = echo(one.node, Text(text="hold:door"))
        await one.service.gates["door"].arrivals()
        one.proxy.turn_away = True
        one.proxy.reset()
        await until(lambda: not one.server._acceptor.streams and not one.node.connected)
        assert one.node.pending == 1
        assert one.server.stats() is not None
        assert one.config.stats() is not None
        one.proxy.turn_away = False
        one.service.open_all()
        await within(held)
        await within(one.config.wait_connected())
        assert one.node.pending == 0


async def test_the_blocking_facade() -> None:
    """Its calls block through a break, and its close waits as the other's does."""
    blocking: Any = calls_gorums
    service = ScriptedCalls()
    async with serving(service) as address, TcpProxy(address) as proxy:

        def program() -> list[str]:
            with pygorums.sync.connect([proxy.address], session=gorums.Session(keep=10.0)) as config:
                texts = [blocking.echo(config[0], Text(text=str(number)), timeout=10).text for number in range(5)]
                texts.append(blocking.ask(config, Text(text="hold:door"), timeout=10).all().text)
                texts += [str(part.value.number) for part in blocking.follow(config, Text(text="part", number=3))]
                blocking.spread(config, Text(text="last"))
            return texts

        running = asyncio.create_task(asyncio.to_thread(program))
        await service.gates["door"].arrivals()
        for attempt in (2, 3):
            proxy.reset()
            await proxy.forwards(attempt)
        service.open_all()
        assert await within(running) == ["0", "1", "2", "3", "4", "hold:door", "1", "2", "3"]
        assert service.seen == ["0", "1", "2", "3", "4", "hold:door", "part", "last"]


async def test_a_blocking_server() -> None:
    service = PlainCalls(1)
    server = await asyncio.to_thread(pygorums.sync.Server, service)
    address = await asyncio.to_thread(server.start, "127.0.0.1:0")
    try:
        async with TcpProxy(address) as proxy:
            config = gorums.connect([proxy.address], session=gorums.Session(keep=10.0))
            held = echo(config[0], Text(text="hold:door"))
            await until(lambda: service.seen)
            proxy.reset()
            await proxy.attempted(2)
            service.gates["door"].set()
            assert (await within(held)).text == "hold:door"
            await within(config.close())
            assert service.seen == ["hold:door"]
    finally:
        await asyncio.to_thread(server.stop)


async def test_members_of_a_system_that_is_changed() -> None:
    """A peer that is removed has had what was sent to it."""
    services = {number: ScriptedCalls(number) for number in (1, 2)}
    async with gorums.local_systems(2, services.__getitem__, session=gorums.Session()) as systems:
        for system in systems:
            await within(system.wait_for_config(lambda config: len(config) == 2))
        for number in range(10):
            await within(note(systems[0].outbound[1], Text(text=str(number))))
        peers = {1: systems[0].address}
        await within(systems[0].reconfigure(peers, epoch=2))
        await services[2].has_seen_count(10)
        assert services[2].seen == [str(number) for number in range(10)]
