"""What `async_*` methods give: futures as asyncio has them."""

import asyncio

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.waiting import turns, until, within

NAMES = ["async_first", "async_majority", "async_all"]


@pytest.mark.parametrize("name", NAMES)
async def test_they_can_be_looked_at_and_awaited_again(three: Cluster[ScriptedCalls], name: str) -> None:
    """Rows: 225."""
    future: asyncio.Future[Text] = getattr(ask(three.config, Text(text="hold-free:x")), name)()
    await turns()
    assert not future.done()
    for service in three:
        service.gates["x"].open()
    first = await within(future)
    assert future.done()
    assert await future is first
    assert future.result() is first
    assert list(await asyncio.gather(future, future)) == [first, first]


@pytest.mark.parametrize("name", NAMES)
async def test_errors_too(three: Cluster[ScriptedCalls], name: str) -> None:
    """Rows: 225."""
    future: asyncio.Future[Text] = getattr(ask(three.config, Text(text="fail")), name)()
    for _ in range(2):
        with pytest.raises(gorums.IncompleteError):
            await within(future)
    assert isinstance(future.exception(), gorums.IncompleteError)


@pytest.mark.parametrize("name", NAMES)
async def test_without_any_time(three: Cluster[ScriptedCalls], name: str) -> None:
    """Rows: 226."""
    future: asyncio.Future[Text] = getattr(ask(three.config, Text(text="silent"), timeout=0), name)()
    with pytest.raises(gorums.QuorumTimeoutError) as error:
        await within(future)
    assert sorted(error.value.node_errors) == [1, 2, 3]
    assert [node.pending for node in three.config] == [0, 0, 0]


async def test_several_are_under_way_at_once(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 224."""
    a = ask(three.config, Text(text="hold-free:a")).async_majority()
    b = ask(three.config, Text(text="b")).async_majority()
    assert (await within(b)).text == "b"
    assert not a.done()
    for service in three:
        await until(lambda service=service: service.seen == ["hold-free:a", "b"])  # type: ignore[misc] # its default
        service.gates["a"].open()
    assert (await within(a)).text == "hold-free:a"
