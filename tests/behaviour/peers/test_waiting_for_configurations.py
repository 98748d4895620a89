"""`wait_for_config` and `wait_for_client_config`."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

import pygorums as gorums
from tests.support.calls import ScriptedCalls
from tests.support.cluster import serving
from tests.support.peers import PEERS, peer
from tests.support.waiting import turns, within


@pytest.fixture
async def system() -> AsyncIterator[gorums.System]:
    """Number 1 of three, the others of which are played by the tests."""
    system = gorums.System("127.0.0.1:0", ScriptedCalls(), node_id=1, peers=PEERS)
    await system.start()
    yield system
    await within(system.stop())


async def test_a_condition_that_holds_already(system: gorums.System) -> None:
    """It is not waited for, not even for one turn of the loop, and a timeout of 0 is enough.

    Rows: 133.
    """
    assert (await within(system.wait_for_config(lambda config: 1 in config))).node_ids == (1,)
    assert (await within(system.wait_for_config(lambda config: True, timeout=0))) == system.config()
    assert len(await within(system.wait_for_client_config(lambda config: len(config) == 0, timeout=1))) == 0


async def test_a_condition_that_comes_true_later(system: gorums.System) -> None:
    """Rows: 134."""
    known = asyncio.create_task(system.wait_for_config(lambda config: 2 in config))
    clients = asyncio.create_task(system.wait_for_client_config(lambda config: len(config) == 2))
    async with peer(system.server, 3), peer(system.server):
        await turns(20)
        assert not known.done()
        async with peer(system.server, 2), peer(system.server):
            assert (await within(known)).node_ids == (1, 2, 3)
            assert len(await within(clients)) == 2
        gone = await system.wait_for_config(lambda config: 2 not in config, timeout=10)
        assert gone.node_ids == (1, 3)


async def test_when_the_time_is_up(system: gorums.System) -> None:
    """It says what is missing.

    Rows: 135.
    """
    async with peer(system.server, 3), peer(system.server):
        with pytest.raises(TimeoutError, match=r"after 0\.02 s .* not connected to this system:\n  node 2 ") as error:
            await system.wait_for_config(lambda config: len(config) == 3, timeout=0.02)
        assert "(peer-2:2) cannot be reached either: " in str(error.value)
        assert "node 3" not in str(error.value)
        with pytest.raises(TimeoutError, match=r"after 0\.02 s .* clients that are connected: 1$"):
            await system.wait_for_client_config(lambda config: len(config) == 3, timeout=0.02)


async def test_it_says_which_direction_is_missing() -> None:
    """A peer that we reach and that does not connect to us has another list than we have."""
    async with serving(ScriptedCalls()) as address:
        system = gorums.System("127.0.0.1:0", node_id=1, peers={1: "127.0.0.1:1", 2: address})
        await system.start()
        await system.outbound.wait_connected(2, timeout=10)
        with pytest.raises(TimeoutError) as error:
            await system.wait_for_config(lambda config: 2 in config, timeout=0.02)
        expected = f"node 2 ({address}) can be reached, but does not connect here: is this system node 1 in its list?"
        assert expected in str(error.value)
        await system.stop()


async def test_when_it_is_cancelled(system: gorums.System) -> None:
    """Rows: 135."""
    waiting = asyncio.create_task(system.wait_for_config(lambda config: len(config) == 3))
    await turns()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within(waiting)
    async with peer(system.server, 2):
        await system.wait_for_config(lambda config: len(config) == 2, timeout=10)


async def test_when_the_system_stops(system: gorums.System) -> None:
    """All who wait learn it, and who comes later too, unless the condition holds.

    Rows: 136, 137.
    """
    waiting = [
        *(asyncio.create_task(system.wait_for_config(lambda config: len(config) == 3)) for _ in range(10)),
        *(
            asyncio.create_task(system.wait_for_client_config(lambda config: len(config) > 0, timeout=60))
            for _ in range(10)
        ),
    ]
    await turns()
    await within(system.stop())
    for task in waiting:
        with pytest.raises(gorums.StoppedError):
            await within(task)
    with pytest.raises(gorums.StoppedError):
        await within(system.wait_for_config(lambda config: len(config) == 3))
    assert (await system.wait_for_config(lambda config: len(config) == 1)).node_ids == (1,)


async def test_many_who_wait_for_different_things(system: gorums.System) -> None:
    """Rows: 137."""

    def at_least(count: int) -> Callable[[gorums.Configuration], bool]:
        return lambda config: len(config) >= count

    waiting = {n: [asyncio.create_task(system.wait_for_config(at_least(n))) for _ in range(50)] for n in (1, 2, 3)}
    await turns()
    async with peer(system.server, 2):
        await within(asyncio.gather(*waiting[1], *waiting[2]))
        assert not any(task.done() for task in waiting[3])
        async with peer(system.server, 3):
            for config in await within(asyncio.gather(*waiting[3])):
                assert config.node_ids == (1, 2, 3)


async def test_conditions_may_use_the_system_and_may_raise(system: gorums.System) -> None:
    """Rows: 138."""
    assert await within(system.wait_for_config(lambda config: config == system.config()))

    def raising(config: gorums.Configuration) -> bool:
        raise LookupError("no")

    with pytest.raises(LookupError):
        await within(system.wait_for_config(raising))


async def test_before_the_start() -> None:
    """Rows: 133, 136."""
    system = gorums.System("127.0.0.1:0", ScriptedCalls(), node_id=1, peers=PEERS)
    assert (await system.wait_for_config(lambda config: len(config) == 1)).node_ids == (1,)
    waiting = asyncio.create_task(system.wait_for_config(lambda config: len(config) == 2))
    await turns()
    await within(system.stop())
    with pytest.raises(gorums.StoppedError):
        await within(waiting)
