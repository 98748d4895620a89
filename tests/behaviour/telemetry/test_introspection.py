"""What servers say of themselves to those who ask over the network, and the program that shows it."""

import argparse
import asyncio
from collections.abc import Iterator

import pytest

import pygorums as gorums
from pygorums.introspection.introspection_gorums import stats
from pygorums.introspection.introspection_pb2 import ServerStats, StatsRequest
from pygorums.top.__main__ import UNSERVED, _watch, main, read
from tests.protos.calls_gorums import ask
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected, serving
from tests.support.waiting import until, within
from tests.support.worlds import WORLDS, World


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with WORLDS[request.param]() as world:
        yield world


def test_a_server_that_tells(world: World) -> None:
    server = world.do(lambda: world.api.Server(ScriptedCalls(), introspection=True))
    address = world.do(lambda: server.start("127.0.0.1:0"))
    with world.using(lambda: world.api.connect([address])) as config:
        for text in ("ok", "ok", "fail"):
            world.do(lambda text=text: ask(config, Text(text=text)).collect_all())
        told: ServerStats = world.do(lambda: stats(config, StatsRequest()).first())
        assert world.do(lambda: stats(config, StatsRequest()).first()).methods == told.methods, "these do not count"
    world.do(server.stop)
    (method,) = told.methods
    assert (method.name, dict(method.by_status)) == ("calls.Calls.Ask", {"OK": 2, "FAILED_PRECONDITION": 1})
    assert (method.durations.count, told.version, told.node_id) == (3, gorums.__version__, 0)
    assert 0 < method.durations.p50 <= method.durations.p99
    assert told.streams == 1
    assert not told.nodes


async def test_a_system_tells_of_its_peers() -> None:
    async with gorums.local_systems(2, ScriptedCalls, introspection=True) as systems:
        await systems[0].wait_for_config(lambda config: len(config) == 2, timeout=10)
        await systems[0].outbound.wait_connected(timeout=10)
        await within(ask(systems[0].outbound, Text(text="ok")).all())
        told = await within(stats(systems[0].outbound[:1], StatsRequest()).first())
        assert [(node.id, node.inbound, node.state) for node in told.nodes] == [
            (1, False, "connected"),
            (2, False, "connected"),
            (2, True, "connected"),
        ]
        assert told.nodes[1].latencies.count == 1
        assert [(call.name, dict(call.by_status)) for call in told.calls] == [("calls.Calls.Ask", {"OK": 1})]


async def test_a_server_that_was_not_asked_to_tell() -> None:
    async with serving(ScriptedCalls()) as address, connected([address]) as config:
        reading = await within(read(config, 5.0))
    assert not reading.stats
    assert reading.errors == {address: UNSERVED}


async def test_interceptors_may_refuse() -> None:
    async def refuse(ctx: gorums.ServerContext, request: object, call_next: object) -> None:
        raise gorums.StatusError(gorums.StatusCode.PERMISSION_DENIED, "not for you")

    async with (
        serving(ScriptedCalls(), introspection=True, interceptors=[refuse]) as address,
        connected([address]) as config,
    ):
        assert (await within(read(config, 5.0))).errors == {address: "PERMISSION_DENIED: not for you"}


async def test_the_program_asks_again_and_again(capsys: pytest.CaptureFixture[str]) -> None:
    server = gorums.Server(ScriptedCalls(), introspection=True)
    address = await server.start("127.0.0.1:0")
    options = argparse.Namespace(addresses=[address], interval=0.05, once=False, ca=None, cert=None)
    watching = asyncio.create_task(_watch(options))
    await until(lambda: sum(each.count for each in server.stats().methods.values()) > 2)
    assert address in capsys.readouterr().out, "it does not wait until it ends"
    watching.cancel()
    await asyncio.wait({watching})
    await server.stop()


def test_the_program_once(capsys: pytest.CaptureFixture[str]) -> None:
    with gorums.sync.Server(ScriptedCalls(), address="127.0.0.1:0", introspection=True) as server:
        assert main(["--once", "--interval", "0.1", server.address, "127.0.0.1:9"]) == 0
    shown = capsys.readouterr().out
    assert server.address in shown
    assert "127.0.0.1:9: UNAVAILABLE" in shown
    assert main(["--once", "127.0.0.1:9"]) == 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nonsense"], "nonsense"),
        (["--ca", "/nowhere/ca.pem", "127.0.0.1:9"], "No such file"),
    ],
)
def test_what_it_cannot_do(arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--once", *arguments]) == 1
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--interval", "0", "127.0.0.1:9"]])
def test_wrong_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert "usage: python -m pygorums.top" in capsys.readouterr().err
