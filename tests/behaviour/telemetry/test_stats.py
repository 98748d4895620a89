"""Configurations and servers in figures, in both worlds."""

import dataclasses
import pickle
import threading
from collections.abc import Iterator

import pytest

import pygorums as gorums
from pygorums.calls.rpc import rpc
from tests.protos.calls_gorums import ask, echo, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, scripted, serving
from tests.support.waiting import until, within
from tests.support.worlds import WORLDS, World


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with WORLDS[request.param]() as world:
        yield world


def test_calls_and_requests_by_method_and_status(world: World) -> None:
    server = world.do(lambda: world.api.Server(ScriptedCalls()))
    address = world.do(lambda: server.start("127.0.0.1:0"))
    with world.using(lambda: world.api.connect([address])) as config:
        assert (config.stats().methods, server.stats().methods) == ({}, {})
        for text in ("ok", "ok", "fail"):
            try:
                world.do(lambda text=text: echo(config[0], Text(text=text)))
            except gorums.StatusError:
                assert text == "fail"
        world.do(lambda: ask(config, Text(text="ok")).majority())
        calls, requests = config.stats().methods, server.stats().methods
        for methods in (calls, requests):
            assert methods["calls.Calls.Echo"].by_status == {"OK": 2, "FAILED_PRECONDITION": 1}
            assert methods["calls.Calls.Echo"].count == 3
            assert methods["calls.Calls.Ask"].by_status == {"OK": 1}
            durations = methods["calls.Calls.Echo"].durations
            assert durations.count == 3
            assert 0 < durations.p50 <= durations.p90 <= durations.p99 < 10
    world.do(server.stop)


def test_the_state_of_a_node(world: World) -> None:
    server = world.do(lambda: world.api.Server(ScriptedCalls()))
    address = world.do(lambda: server.start("127.0.0.1:0"))
    with world.using(lambda: world.api.connect([address])) as config:
        world.do(config.wait_connected)
        before = config.stats().nodes[1]
        assert dataclasses.astuple(before) == (1, address, "connected", 0, 0, None, None, 0, None)
        world.do(lambda: echo(config[0], Text(text="ok")))
        after = config.stats().nodes[1]
        assert after.latencies is not None
        assert after.latencies.count == 1
        assert after.latencies.p50 == after.latency == config[0].latency
    assert config.stats().nodes[1].state == "closed"
    world.do(server.stop)


async def test_a_node_that_goes_and_comes_back() -> None:
    async with serving(ScriptedCalls()) as address:
        config = gorums.connect([address], backoff=QUICK)
        await within(config.wait_connected())
    await until(lambda: config.stats().nodes[1].state == "not connected")
    lost = config.stats().nodes[1]
    assert lost.last_error is not None
    assert lost.reconnects == 0
    async with serving(ScriptedCalls(), address):
        await within(config.wait_connected())
        found = config.stats().nodes[1]
        assert (found.state, found.reconnects) == ("connected", 1)
        assert found.last_error is not None, "what it was last remains to be seen"
        await config.close()


async def test_what_waits() -> None:
    async with scripted(1) as cluster:
        server, service = cluster.servers[0], cluster.service
        future = ask(cluster.config, Text(text="hold:here")).async_all()
        other = ask(cluster.config, Text(text="ok", data=bytes(1000))).async_all()
        await service.gates["here"].arrivals()
        await until(lambda: server.stats().held_bytes > 1000)
        assert cluster.config.stats().nodes[1].pending == 2
        assert (server.stats().running, server.stats().streams) == (1, 1)
        service.gates["here"].let()
        await within(other)
        await future
        await until(lambda: server.stats().running == 0)
        await until(lambda: server.stats().held_bytes == 0, "nothing is held any more")


async def test_requests_that_no_handler_gets() -> None:
    """Their names are the client's choice, so that they are not told apart."""
    async with scripted(1) as cluster:
        server = cluster.servers[0]
        server.stats()
        unknown = gorums.Method("calls.Calls.Unheard", gorums.CallType.RPC, Text, Text)
        with pytest.raises(gorums.StatusError, match="UNIMPLEMENTED"):
            await within(rpc(unknown, cluster.node, Text()))
        assert {name: stats.by_status for name, stats in server.stats().methods.items()} == {
            "_OTHER": {"UNIMPLEMENTED": 1}
        }


async def test_peers_and_the_calls_to_them() -> None:
    async with gorums.local_systems(2, ScriptedCalls) as systems:
        first = systems[0]
        await first.wait_for_config(lambda config: len(config) == 2, timeout=10)
        first.stats()
        await within(ask(first.config(), Text(text="ok")).all())
        await within(ask(first.outbound, Text(text="ok")).all())
        stats = first.stats()
        assert stats.calls["calls.Calls.Ask"].by_status == {"OK": 2}
        assert list(stats.nodes) == [1, 2]
        assert {node.state for node in stats.nodes.values()} == {"connected"}
        assert stats.nodes[2].latencies is not None
        assert first.outbound.stats().methods == stats.calls
        assert (stats.clients, stats.streams) == (0, 1)


async def test_snapshots_are_plain_data() -> None:
    async with scripted(1) as cluster:
        cluster.config.stats()
        await note(cluster.node, Text(text="ok"))
        for stats in (cluster.config.stats(), cluster.servers[0].stats()):
            assert pickle.loads(pickle.dumps(stats)) == stats
            with pytest.raises(dataclasses.FrozenInstanceError):
                stats.nodes = {}  # type: ignore[misc] # which is what is tested


async def test_figures_are_taken_in_any_thread() -> None:
    async with scripted(1) as cluster:
        config, server, found = cluster.config, cluster.servers[0], []
        config.stats()
        over = threading.Event()

        def look() -> None:
            while not over.is_set():
                found.append((config.stats(), server.stats()))
                over.wait(0.001)

        thread = threading.Thread(target=look)
        thread.start()
        try:
            for _ in range(20):
                await echo(cluster.node, Text(text="ok"))
        finally:
            over.set()
            thread.join()
    assert found
    assert found[-1][0].nodes[1].id == 1


async def test_figures_of_a_part() -> None:
    """The nodes are those of the configuration, the calls all of its connections."""
    async with scripted(3) as cluster:
        part = cluster.config[:2]
        part.stats()
        await ask(cluster.config, Text(text="ok")).all()
        assert list(part.stats().nodes) == [1, 2]
        assert part.stats().methods["calls.Calls.Ask"].count == 1
