"""Many calls to the own node and to others at once, and one after the other without a pause."""

import asyncio
from collections.abc import AsyncIterator

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.peers import running
from tests.support.waiting import within


@pytest.fixture
async def services() -> list[ScriptedCalls]:
    return [ScriptedCalls(number) for number in (1, 2, 3)]


@pytest.fixture
async def config(services: list[ScriptedCalls]) -> AsyncIterator[gorums.Configuration]:
    """The own node, which is number 1, and two others."""
    own, second, third = services
    async with running(own, node_id=1) as first, running(second) as other, running(third) as last:
        addresses = {1: "unreachable.invalid:1", 2: str(other.address), 3: str(last.address)}
        config = gorums.connect(addresses, server=first, backoff=QUICK)
        await config.wait_connected(timeout=10)
        yield config
        await within(config.close())


@pytest.mark.parametrize("first", ["majority", "first"])
async def test_back_to_back(config: gorums.Configuration, services: list[ScriptedCalls], first: str) -> None:
    """Two quorum calls, the first of which leaves late replies behind, never get in each other's way.

    Rows: 141, 143.
    """
    for n in range(200):
        early = ask(config, Text(text=f"{n} early"))
        await within(early.majority() if first == "majority" else early.first())
        assert len(await within(ask(config, Text(text=f"{n} all")).collect_all())) == 3
    for service in services:
        assert service.seen == [f"{n} {which}" for n in range(200) for which in ("early", "all")]


async def test_many_at_once(config: gorums.Configuration, services: list[ScriptedCalls]) -> None:
    """Rows: 141, 142, 143."""

    async def caller(number: int) -> None:
        for n in range(25):
            text = Text(text=f"{number}/{n}")
            assert (await ask(config, text).majority()).text == text.text
            assert (await ask(config, text).all()).text == text.text
            assert (await echo(config[n % 3], text)).number == n % 3 + 1
            await spread(config, text)

    await within(asyncio.gather(*(caller(number) for number in range(20))), 30)
    # A reply to the last call of each has come after all that was sent before.
    assert (await within(ask(config, Text(text="end")).all())).text == "end"
    for service in services:
        for number in range(20):
            mine = [text for text in service.seen if text.startswith(f"{number}/")]
            assert mine == sorted(mine, key=lambda text: int(text.partition("/")[2]))
            assert len(mine) >= 25 * 3
    assert [node.pending for node in config] == [0, 0, 0]
