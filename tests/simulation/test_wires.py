"""Streams of messages by themselves, and streams of HTTP/2 on simulated connections: the engine sees no difference."""

import asyncio
import itertools

import pytest

import pygorums as gorums
from pygorums import testing
from pygorums.testing.simulation.running import Event, Runner, Settings
from pygorums.testing.simulation.wires import WIRES
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.simulation.promises import calls_back, order
from tests.simulation.protocols import RIGHT, Scenario
from tests.simulation.support import Echo, run, say

both = pytest.mark.parametrize("wire", WIRES)


@both
def test_large_messages_in_both_directions_at_once(wire: str) -> None:
    async def scenario(world: testing.World) -> None:
        (server,) = await world.servers(1, lambda _: Echo())
        config = world.connect([server], host="client")
        texts = [f"{number}" * 700_000 for number in range(6)]
        replies = await asyncio.gather(*(echo(config[0], Text(text=text), timeout=30) for text in texts))
        assert [reply.text for reply in replies] == texts
        assert server.seen == []  # it is `echo` that was called

    run(scenario, wire=wire)


@both
def test_refused_reset_crashed_and_stopped(wire: str) -> None:
    async def scenario(world: testing.World) -> None:
        servers = await world.servers(2, lambda _: Echo())
        config = world.connect(servers, host="client")
        assert await say(config, "one", nodes=2) == "one"
        world.reset("client", "s1")
        assert await say(config, "two", nodes=2, timeout=5) == "two"
        world.crash("s2")
        with pytest.raises(gorums.IncompleteError):
            await say(config, "three", nodes=2, timeout=0.5)
        await world.restart("s2")
        await config.wait_connected(timeout=20)
        assert await say(config, "four", nodes=2) == "four"
        await servers[0].system.stop()
        refused = world.connect(["s1:7000"], host="client")
        with pytest.raises(gorums.IncompleteError, match=r"[Cc]onnection refused"):
            await say(refused, "five", timeout=1)
        await refused.close()
        assert servers[1].seen == ["four"]
        assert servers[0].seen[:2] == ["one", "two"]

    run(scenario, wire=wire)


@both
def test_a_partition_holds_up_what_is_sent(wire: str) -> None:
    async def scenario(world: testing.World) -> None:
        (server,) = await world.servers(1, lambda _: Echo())
        config = world.connect([server], host="client")
        await config.wait_connected(timeout=1)
        world.partition("client", "s1")
        asking = asyncio.ensure_future(say(config, "late", timeout=None))
        await world.sleep(3)
        assert server.seen == []
        world.heal()
        assert await asking == "late"
        assert 3 < world.time < 4

    run(scenario, wire=wire)


@both
def test_servers_see_who_connects(wire: str) -> None:
    async def scenario(world: testing.World) -> None:
        peers: list[str] = []
        options = {"on_connect": lambda context: peers.append(context.peer)}
        servers = await world.servers(1, lambda _: Echo(), **options)
        await say(world.connect(servers, host="anna"), "hello")
        assert len(peers) == 1
        assert "anna:3" in peers[0]

    run(scenario, wire=wire)


@both
def test_a_simulation_has_no_tls(wire: str) -> None:
    async def scenario(world: testing.World) -> None:
        with pytest.raises(gorums.ConfigurationError, match="a simulation has no TLS"):
            world.connect(["s1:7000"], credentials=object())
        with pytest.raises(OSError, match="a simulation has no TLS"):
            await world.servers(1, lambda _: Echo(), credentials=object())

    run(scenario, wire=wire)


def test_bytes_arrive_in_parts() -> None:
    async def scenario(world: testing.World) -> None:
        (server,) = await world.servers(1, lambda _: Echo())
        config = world.connect([server], host="client")
        for number in range(30):
            assert await say(config, f"{number}") == f"{number}"

    sent = [event for event in run(scenario, wire="http2").events if event.kind == "send"]
    assert all(isinstance(event.what, bytes | str) for event in sent)
    assert any(_splits(one, other) for one, other in itertools.pairwise(sent))


def _splits(one: Event, other: Event) -> bool:
    return (one.time, one.stream) == (other.time, other.stream) and isinstance(other.what, bytes)


@pytest.mark.parametrize("scenario", [order(crashes=1), calls_back, RIGHT["durable register"]])
def test_what_is_promised_is_so_on_http2(scenario: Scenario) -> None:
    testing.check(scenario, 10, wire="http2")


def test_the_same_happens_again_on_http2() -> None:
    with Runner(RIGHT["register"], Settings(wire="http2")).ready() as runner:
        assert runner.run(5, steps=True).digest == runner.run(5, steps=True).digest


def test_there_is_no_other_wire() -> None:
    with pytest.raises(ValueError, match="there is no wire 'tcp': there are 'messages' and 'http2'"):
        testing.check(calls_back, 1, wire="tcp")  # type: ignore[arg-type]  # the point
