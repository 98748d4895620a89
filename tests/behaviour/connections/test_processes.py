"""Servers in processes of their own: killed, frozen, started again."""

import asyncio

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, Cluster
from tests.support.process import ServerProcess
from tests.support.waiting import until, within


async def test_killed_and_started_again(three: Cluster[ScriptedCalls]) -> None:
    """Quorum calls never fail and never hang; the node is used again when it is back."""
    async with (
        ServerProcess(number=3) as process,
        gorums.connect([*three.addresses[:2], process.address], backoff=QUICK) as config,
    ):
        await config.wait_connected(timeout=10)

        async def call(times: int) -> None:
            for n in range(times):
                assert (await within(ask(config, Text(text=str(n))).majority())).text == str(n)

        await call(10)
        calling = asyncio.create_task(call(300))
        await asyncio.sleep(0)
        await process.kill()
        await within(calling)
        await until(lambda: not config[2].connected)
        with pytest.raises(gorums.StatusError) as error:
            await within(echo(config[2], Text()))
        assert process.address in str(error.value)
        await process.start()
        await config.wait_connected(timeout=10)
        assert (await within(echo(config[2], Text()))).number == 3
        await call(10)


async def test_frozen_and_thawed_and_ended() -> None:
    async with ServerProcess(number=1) as process, gorums.connect([process.address], backoff=QUICK) as config:
        await within(echo(config[0], Text(text="before")))
        process.freeze()
        waiting = echo(config[0], Text(text="waits"))
        with pytest.raises(TimeoutError):
            await within(echo(config[0], Text(text="gives up"), timeout=0.1))
        assert config[0].pending == 1
        process.thaw()
        assert (await within(waiting)).text == "waits"
        assert await process.terminate() == 0


async def test_frozen_and_suspected() -> None:
    """Before its stream is given up, and not any more when it goes on."""
    async with (
        ServerProcess(number=1) as process,
        gorums.connect(
            [process.address], backoff=QUICK, suspect_after=4, channel_options=[("grpc.keepalive_time_ms", 1000)]
        ) as config,
    ):
        await config.wait_connected(timeout=10)
        changes = config.changes()
        process.freeze()
        assert await within(anext(changes)) == gorums.NodeSuspected(config[0])
        assert (config[0].connected, config[0].suspected) == (True, True)
        process.thaw()
        while await within(anext(changes)) != gorums.NodeUp(config[0]):
            pass  # on a very busy machine its stream may be given up meanwhile
        assert not config[0].suspected
