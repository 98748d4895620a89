"""Hosts, what hinders them, and what must hold."""

import asyncio
import math
from typing import Any

import pytest

import pygorums as gorums
from pygorums import testing
from tests.protos.calls_gorums import note
from tests.protos.calls_pb2 import Text
from tests.simulation.support import Echo, run, say


async def cluster(world: testing.World, n: int = 3) -> tuple[list[testing.Replica], gorums.Configuration]:
    replicas = await world.servers(n, lambda _: Echo())
    config = world.connect(replicas, host="client")
    await config.wait_connected(timeout=1)
    return replicas, config


def test_a_call_takes_the_way_there_and_back() -> None:
    async def scenario(world: testing.World) -> None:
        _, config = await cluster(world)
        began = world.time
        assert await say(config, "hello", nodes=3) == "hello"
        assert world.time - began == pytest.approx(0.02)
        world.delay("client", ["s1", "s2"], 0.1)
        began = world.time
        await say(config, "hello", nodes=2)
        assert world.time - began == pytest.approx(0.2)

    run(scenario)


def test_systems_know_each_other() -> None:
    async def scenario(world: testing.World) -> None:
        replicas = await world.systems(3, lambda node_id: Echo())
        for replica in replicas:
            await replica.wait_for_config(lambda config: len(config) == 3, timeout=1)
        assert await say(replicas[0].outbound, "hello", nodes=3) == "hello"
        assert [replica.seen for replica in replicas] == [["hello"]] * 3
        assert replicas[0].host.name == "s1"
        with pytest.raises(AttributeError):
            replicas[0].nonsense  # noqa: B018 - the point

    run(scenario)


def test_what_a_scenario_makes_itself_is_simulated_too() -> None:
    async def scenario(world: testing.World) -> None:
        async with gorums.Server(Echo(), address="scenario:9000"), gorums.connect(["scenario:9000"]) as config:
            assert await say(config, "hello") == "hello"
        async with gorums.local_systems(2, lambda _: Echo()) as systems:
            await systems[0].wait_for_config(lambda config: len(config) == 2, timeout=1)
        refused = gorums.connect(["scenario:9000"])
        with pytest.raises(gorums.IncompleteError, match="connection refused"):
            await say(refused, "hello")
        with pytest.raises(gorums.ConfigurationError, match="no gRPC server in a simulation"):
            gorums.Server(Echo()).grpc_server  # noqa: B018 - the point
        async with gorums.Server(Echo(), address="scenario:9001"):
            with pytest.raises(OSError, match="another process of the simulation does"):
                await gorums.Server(Echo()).start("scenario:9001")

    run(scenario)


def test_plain_handlers_run_where_they_are() -> None:
    class Plain(Echo):
        def ask(self, ctx: Any, request: Text) -> Text:  # type: ignore[override]  # a plain one
            return Text(text=request.text.upper())

    async def scenario(world: testing.World) -> None:
        config = world.connect(await world.servers(1, lambda _: Plain()))
        assert await say(config, "hello") == "HELLO"

    run(scenario)


def test_a_partition_holds_up_what_is_on_its_way() -> None:
    async def scenario(world: testing.World) -> None:
        replicas, config = await cluster(world)
        one = config[:1]
        world.partition("client", replicas[0])
        asking = [asyncio.create_task(say(one, f"{number}", timeout=None)) for number in range(3)]
        with pytest.raises(TimeoutError):
            await say(one, "late", timeout=2)
        assert await say(config, "others", nodes=2) == "others"
        world.heal()
        assert await asyncio.gather(*asking) == ["0", "1", "2"]
        assert [text for text in replicas[0].seen if text.isdigit()] == ["0", "1", "2"]
        world.isolate(["s1", "s2"])
        with pytest.raises(TimeoutError):
            await say(config, "majority", timeout=1, nodes=2)
        assert await say(config, "one", nodes=1) == "one"

    run(scenario)


def test_a_partition_that_lasts_is_noticed() -> None:
    async def scenario(world: testing.World) -> None:
        _, config = await cluster(world, 1)
        world.isolate("s1")
        await world.sleep(60)
        assert not config[0].connected
        with pytest.raises(gorums.IncompleteError):
            await say(config, "hello")
        world.heal()
        await config.wait_connected(timeout=10)
        assert await say(config, "hello") == "hello"

    run(scenario)


def test_a_crash_lets_nothing_clean_up() -> None:
    ended: list[str] = []

    class Careful(Echo):
        async def ask(self, ctx: Any, request: Text) -> Text:
            try:
                await asyncio.sleep(5)
            except BaseException:
                ended.append("except")
                raise
            finally:
                ended.append("finally")
            return request

    async def scenario(world: testing.World) -> None:
        replicas = await world.servers(1, lambda _: Careful())
        config = world.connect(replicas, host="client")
        asking = asyncio.create_task(say(config, "hello", timeout=None))
        await world.sleep(1)
        first = replicas[0].service
        world.crash(replicas[0])
        assert not replicas[0].up
        await world.sleep(100)
        assert ended == []
        with pytest.raises(gorums.IncompleteError):
            await asking
        await world.restart("s1")
        assert replicas[0].service is not first
        await config.wait_connected(timeout=10)
        assert await say(config, "again", timeout=10) == "again"
        assert ended == ["finally"]
        ended.clear()
        with pytest.raises(ValueError, match="s1 is up"):
            await world.restart("s1")

    run(scenario)


def test_what_is_on_disk_survives() -> None:
    async def scenario(world: testing.World) -> None:
        disks: list[list[str]] = []

        def boot(_: int) -> Echo:
            disk = world.here.disk
            disks.append(list(disk))
            disk.write(f"{len(disks)}", b"x")
            disk.sync()
            return Echo()

        (replica,) = await world.servers(1, boot)
        for _ in range(2):
            world.crash(replica)
            await world.restart(replica)
        assert disks == [[], ["1"], ["1", "2"]]

    run(scenario)


def test_a_host_that_stands_still() -> None:
    async def scenario(world: testing.World) -> None:
        replicas, config = await cluster(world, 1)
        world.pause(replicas[0])
        asking = asyncio.create_task(say(config, "hello", timeout=None))
        await world.sleep(3)
        assert not asking.done()
        assert replicas[0].seen == []
        assert replicas[0].host.paused
        world.resume(replicas[0])
        began = world.time
        assert await asking == "hello"
        assert world.time - began < 0.1

    run(scenario)


@pytest.mark.parametrize(("session", "seen"), [(None, ["twice"] * 2), (gorums.Session(), ["twice"])])
def test_a_connection_that_is_reset(session: gorums.Session | None, seen: list[str]) -> None:
    async def scenario(world: testing.World) -> None:
        replicas, _ = await cluster(world, 1)
        config = world.connect(replicas, host="client", session=session)
        await config.wait_connected()
        await note(config[0], Text(text="lost"))
        world.reset("client", "s1")
        await world.sleep(1)
        asking = asyncio.create_task(say(config, "twice", timeout=None))
        await world.sleep(0.015)
        world.reset("client", replicas[0])
        assert await asking == "twice"  # it was sent again, or its reply was kept
        assert [text for text in replicas[0].seen if text != "lost"] == seen

    run(scenario)


def test_clocks_on_the_wall() -> None:
    import time

    seen: dict[int, float] = {}

    class Clock(Echo):
        def __init__(self, node_id: int) -> None:
            super().__init__()
            self._node_id = node_id

        async def ask(self, ctx: Any, request: Text) -> Text:
            seen[self._node_id] = time.time()
            return request

    async def scenario(world: testing.World) -> None:
        replicas = await world.servers(2, Clock)
        config = world.connect(replicas)
        world.skew(replicas[1], 100)
        await say(config, "hello", nodes=2)
        assert seen[2] - seen[1] == pytest.approx(100)

    run(scenario)


def test_conditions_that_must_always_hold() -> None:
    async def scenario(world: testing.World) -> None:
        replicas, config = await cluster(world)
        world.always(lambda: all(len(replica.seen) < 2 for replica in replicas), "asked once")
        await say(config, "hello")
        await say(config, "hello")
        await world.sleep(10)
        pytest.fail("the run goes on")

    with pytest.raises(testing.ConditionError, match=r"asked once: does not hold at 0\.0\d+ s"):
        run(scenario)


def test_conditions_that_must_hold_eventually() -> None:
    async def scenario(world: testing.World) -> None:
        done = asyncio.Event()
        asyncio.get_running_loop().call_later(3, done.set)
        world.eventually(lambda: world.time > 5, "five seconds", within=10)
        await world.eventually(done.is_set, "it is set", within=10)
        assert world.time == 3

    assert run(scenario).seconds == 10

    async def hopeless(world: testing.World) -> None:
        world.eventually(lambda: False, "never", within=7)

    with pytest.raises(testing.ConditionError, match="never: not within 7 s"):
        run(hopeless)


def test_faults_end_with_their_block() -> None:
    async def scenario(world: testing.World) -> None:
        replicas, config = await cluster(world)
        async with world.faults(partitions=3, crashes=3, pauses=3, resets=3, skews=3, over=0.5) as faults:
            await world.sleep(0.4)
        assert len(faults) == 15
        assert all(replica.up and not replica.host.paused and not replica.host.skew for replica in replicas)
        await config.wait_connected(timeout=20)
        assert await say(config, "hello", nodes=3) == "hello"

    texts = [str(fault) for seed in range(20) for fault in run(scenario, seed).faults]
    for text in ("cut off from", "crashes, and restarts", "stands still", "is reset", "the clock of s"):
        assert any(text in each for each in texts)


def test_a_day_of_heartbeats() -> None:
    async def scenario(world: testing.World) -> None:
        _, config = await cluster(world)
        await world.sleep(3600)
        assert await say(config, "hello", nodes=3) == "hello"

    assert run(scenario, longest=math.inf).seconds > 3600
