"""How calls with client interceptors end: as calls without do, and the interceptors with them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.waiting import turns, until, within

Call = gorums.Call[Text, Text]
Stream = AsyncIterator[gorums.NodeResponse[Text]]


async def passing(call: Call, responses: Stream) -> Stream:
    """Changes nothing."""
    async for response in responses:
        yield response


async def fence(cluster: Cluster[ScriptedCalls]) -> list[list[str]]:
    """What the servers have seen once everything sent so far has arrived."""
    for node in cluster.config:
        await within(echo(node, Text(text="fence")))
    return [[text for text in service.seen if text != "fence"] for service in cluster]


CALLS: dict[str, Callable[[gorums.Configuration, Any], Awaitable[object]]] = {
    "rpc": lambda config, chain: echo(config[0], Text(text="x"), interceptors=chain),
    "unicast": lambda config, chain: note(config[0], Text(text="x"), interceptors=chain),
    "multicast": lambda config, chain: spread(config, Text(text="x"), interceptors=chain),
    "majority": lambda config, chain: ask(config, Text(text="x"), interceptors=chain).majority(),
    "async_all": lambda config, chain: ask(config, Text(text="x"), interceptors=chain).async_all(),
    "collect_all": lambda config, chain: ask(config, Text(text="x"), interceptors=chain).collect_all(),
    "filter": lambda config, chain: ask(config, Text(text="x"), interceptors=chain).ignore_errors().collect_n(1),
    "correctable": lambda config, chain: ask(config, Text(text="x"), interceptors=chain).correctable(2).wait(),
    "streaming": lambda config, chain: follow(config, Text(text="x", number=3), interceptors=chain).first(),
}


@pytest.mark.parametrize("name", CALLS)
async def test_they_end_with_the_call(three: Cluster[ScriptedCalls], name: str) -> None:
    """What an interceptor does at its end is done when the caller has the result, the outermost first."""
    ended: list[str] = []

    def ending(name: str) -> Any:
        async def interceptor(call: Call, responses: Stream) -> Stream:
            try:
                async for response in responses:
                    yield response
            finally:
                await asyncio.sleep(0)
                ended.append(name)

        return interceptor

    await within(CALLS[name](three.config, [ending("inner"), passing, ending("outer")]))
    assert ended in (["outer", "inner"], ["inner", "outer"])
    assert [node.pending for node in three.config] == [0, 0, 0]


@pytest.mark.parametrize("name", CALLS)
async def test_one_that_raises_fails_the_call(three: Cluster[ScriptedCalls], name: str) -> None:
    async def broken(call: Call, responses: Stream) -> Stream:
        async for _ in responses:
            raise ZeroDivisionError("broken")
        yield  # type: ignore[misc]  # makes it a generator

    call: Awaitable[Any] = CALLS[name](three.config, [passing, broken, passing])
    if name == "correctable":
        _, _, error = await within(call)
        assert isinstance(error, gorums.IncompleteError)
        assert "broken" in str(error)
    else:
        with pytest.raises(ZeroDivisionError):
            await within(call)
    await until(lambda: not any(node.pending for node in three.config))


async def test_one_that_makes_responses_up(three: Cluster[ScriptedCalls]) -> None:
    """An interceptor may answer without asking: the call is not sent if nobody reads the responses."""

    async def cached(call: Call, responses: Stream) -> Stream:
        for node in call.config:
            yield gorums.NodeResponse(node.id, Text(text="from the cache"))

    replies = await within(ask(three.config, Text(text="x"), interceptors=[cached]).collect_all())
    assert [reply.text for reply in replies.values()] == ["from the cache"] * 3
    assert await fence(three) == [[], [], []]


async def test_more_replies_than_nodes_are_not_sent_for(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 211."""
    with pytest.raises(gorums.IncompleteError, match="4 replies are needed and the configuration has 3 nodes"):
        await within(ask(three.config, Text(text="x"), interceptors=[passing]).threshold(4))
    with pytest.raises(gorums.IncompleteError):
        await within(ask(three.config, Text(text="x"), interceptors=[passing]).async_threshold(4))
    assert await fence(three) == [[], [], []]


async def test_a_streaming_call_counts_each_node_once(three: Cluster[ScriptedCalls]) -> None:
    request = Text(text="ok silent silent", number=5)
    with pytest.raises(gorums.QuorumTimeoutError) as error:
        await within(follow(three.config, request, timeout=0.2, interceptors=[passing]).majority())
    assert set(error.value.node_errors) == {2, 3}
    assert error.value.replies == 1


@pytest.mark.parametrize("name", ["rpc", "async_all"])
async def test_cancelled_before_it_has_begun(three: Cluster[ScriptedCalls], name: str) -> None:
    """Nobody would forget it otherwise."""
    chain: list[Any] = [passing]
    call = (
        echo(three.node, Text(text="silent"), interceptors=chain)
        if name == "rpc"
        else ask(three.config, Text(text="silent"), interceptors=chain).async_all()
    )
    call.cancel()
    await turns()
    assert [node.pending for node in three.config] == [0, 0, 0]
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_timeouts(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 188."""
    chain: list[Any] = [passing]
    with pytest.raises(gorums.CallTimeoutError):
        await within(echo(three.node, Text(text="silent"), timeout=0.1, interceptors=chain))
    with pytest.raises(gorums.QuorumTimeoutError) as error:
        await within(ask(three.config, Text(text="silent"), timeout=0.1, interceptors=chain).first())
    assert sorted(error.value.node_errors) == [1, 2, 3]
    assert [node.pending for node in three.config] == [0, 0, 0]


class TestIgnoringErrors:
    """One-way calls that nobody waits for."""

    async def test_it_is_done_at_once(self, three: Cluster[ScriptedCalls]) -> None:
        """And the interceptors still see what becomes of the message.

        Rows: 193.
        """
        seen: list[int] = []
        finished = asyncio.Event()

        async def look(call: Call, responses: Stream) -> Stream:
            async for response in responses:
                seen.append(response.node_id)
                yield response
            finished.set()

        await three.servers[1].stop()
        await until(lambda: not three.config[1].connected)
        chain: list[Any] = [look]
        assert spread(three.config, Text(text="x"), interceptors=chain, ignore_errors=True).done()
        await within(finished.wait())
        assert sorted(seen) == [1, 2, 3]
        assert note(three.config[1], Text(text="x"), interceptors=chain, ignore_errors=True).done()
        await three.services[2].has_seen("x")

    async def test_an_interceptor_that_raises_is_logged(
        self, one: Cluster[ScriptedCalls], caplog: pytest.LogCaptureFixture
    ) -> None:
        async def broken(call: Call, responses: Stream) -> Stream:
            async for _ in responses:
                raise ZeroDivisionError("broken")
            yield  # type: ignore[misc]  # makes it a generator

        chain: list[Any] = [broken]
        with caplog.at_level(logging.ERROR, "pygorums"):
            await within(spread(one.config, Text(text="x"), interceptors=chain, ignore_errors=True))
            await until(lambda: caplog.records)
        assert "an interceptor of calls.Calls.Spread failed" in caplog.text
        assert "ZeroDivisionError: broken" in caplog.text
