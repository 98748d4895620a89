"""Iterating over the replies of a quorum call as they arrive."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import FrozenInstanceError
from typing import Any

import grpc
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.waiting import until, within

Response = gorums.NodeResponse[Text]


async def all_of(responses: AsyncIterator[Response] | gorums.Responses[Text]) -> list[Response]:
    async with asyncio.timeout(10):
        return [response async for response in responses]


async def test_each_node_answers_once(three: Cluster[ScriptedCalls]) -> None:
    responses = await all_of(ask(three.config, Text(text="x")))
    assert sorted(r.node_id for r in responses) == [1, 2, 3]
    for r in responses:
        assert r.value == Text(text="x", number=r.node_id)
        assert r.error is None


async def test_results_is_the_same(three: Cluster[ScriptedCalls]) -> None:
    assert len(await all_of(ask(three.config, Text(text="x")).results())) == 3


async def test_failures_are_responses_too(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 213."""
    by_id = {r.node_id: r for r in await all_of(ask(three.config, Text(text="ok fail ok")))}
    assert by_id[1].error is by_id[3].error is None
    failed = by_id[2]
    assert failed.value is None
    assert isinstance(failed.error, gorums.StatusError)
    assert failed.error.code == grpc.StatusCode.FAILED_PRECONDITION
    assert failed.error.node_id == 2


async def test_in_the_order_of_arrival(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 213."""
    order = []
    sent = Text(text="hold-free:x")
    responses = ask(three.config, sent).results()
    iterator = aiter(responses)
    for number in (2, 3, 1):
        next_one = asyncio.ensure_future(anext(iterator))
        service = three.services[number - 1]
        await service.gates["x"].arrivals()
        service.gates["x"].open()
        order.append((await within(next_one)).node_id)
    assert order == [2, 3, 1]
    with pytest.raises(StopAsyncIteration):
        await within(anext(iterator))


async def test_a_response_is_frozen(three: Cluster[ScriptedCalls]) -> None:
    async for r in ask(three.config, Text(text="x")):
        changeable: Any = r
        with pytest.raises((FrozenInstanceError, AttributeError)):
            changeable.value = None


async def test_ignoring_errors(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 215, 218."""
    for responses in (
        ask(three.config, Text(text="ok fail ok")).ignore_errors(),
        ask(three.config, Text(text="ok fail ok")).results().ignore_errors(),
    ):
        assert sorted(r.node_id for r in await all_of(responses)) == [1, 3]


async def test_filtering(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 215, 218."""
    sent = Text(text="ok fail ok")
    assert [r.node_id for r in await all_of(ask(three.config, sent).filter(lambda r: r.error is not None))] == [2]
    assert [r.node_id for r in await all_of(ask(three.config, sent).filter(lambda r: r.node_id == 3))] == [3]


async def test_chaining(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 215."""

    def odd(r: Response) -> bool:
        return r.node_id % 2 == 1

    def large(r: Response) -> bool:
        return r.value.number > 1

    sent = Text(text="ok fail ok")
    assert [r.node_id for r in await all_of(ask(three.config, sent).ignore_errors().filter(odd).filter(large))] == [3]
    assert await within(ask(three.config, sent).ignore_errors().filter(odd).collect_all()) == {
        n: Text(text=sent.text, number=n) for n in (1, 3)
    }


async def test_a_filter_that_raises(three: Cluster[ScriptedCalls]) -> None:
    def wrong(r: Response) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await all_of(ask(three.config, Text(text="x")).filter(wrong))
    assert (await within(echo(three.node, Text(text="after")))).text == "after"
    await until(lambda: not any(node.pending for node in three.config))


@pytest.mark.parametrize(
    ("text", "ids"), [("ok", [1, 2, 3]), ("ok fail ok", [1, 3]), ("fail", [])], ids=["all", "some", "none"]
)
async def test_collecting_all(three: Cluster[ScriptedCalls], text: str, ids: list[int]) -> None:
    """Rows: 217, 218."""
    expected = {n: Text(text=text, number=n) for n in ids}
    assert await within(ask(three.config, Text(text=text)).collect_all()) == expected
    assert await within(ask(three.config, Text(text=text)).results().collect_all()) == expected


async def test_collecting_some(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 216."""
    replies = await within(ask(three.config, Text(text="silent ok ok")).collect_n(2))
    assert replies == {n: Text(text="silent ok ok", number=n) for n in (2, 3)}
    assert [node.pending for node in three.config] == [0, 0, 0]


async def test_collecting_more_than_succeed(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 216."""
    assert sorted(await within(ask(three.config, Text(text="ok fail ok")).collect_n(3))) == [1, 3]
    assert sorted(await within(ask(three.config, Text(text="ok")).collect_n(100))) == [1, 2, 3]


async def test_collecting_fewer_than_none(three: Cluster[ScriptedCalls]) -> None:
    with pytest.raises(ValueError, match="-1"):
        await within(ask(three.config, Text(text="ok")).collect_n(-1))


async def test_collecting_what_the_time_allows(three: Cluster[ScriptedCalls]) -> None:
    replies = await within(ask(three.config, Text(text="ok silent ok"), timeout=0.25).collect_all())
    assert sorted(replies) == [1, 3]
    assert [node.pending for node in three.config] == [0, 0, 0]


async def test_iteration_ends_when_the_time_is_up(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 209."""
    responses = await all_of(ask(three.config, Text(text="ok silent ok"), timeout=0.25))
    assert sorted(r.node_id for r in responses if r.error is None) == [1, 3]
    # A silent node may be told of as timed out, or not at all.
    assert all(isinstance(r.error, TimeoutError) for r in responses if r.node_id == 2)
    assert [node.pending for node in three.config] == [0, 0, 0]


async def test_leaving_early_forgets_the_call(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 213."""
    async for r in ask(three.config, Text(text="ok silent silent")):
        assert r.node_id == 1
        break
    await until(lambda: not any(node.pending for node in three.config), "nothing is pending")
    assert (await within(ask(three.config, Text(text="after")).all())).text == "after"


async def test_leaving_by_an_exception_forgets_the_call(three: Cluster[ScriptedCalls]) -> None:
    async def leave() -> None:
        async for _ in ask(three.config, Text(text="ok silent silent")).ignore_errors():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await within(leave())
    await until(lambda: not any(node.pending for node in three.config), "nothing is pending")


async def test_leaving_a_sequence_that_is_kept(three: Cluster[ScriptedCalls]) -> None:
    """Who keeps the sequence after leaving the loop can close it, as any asynchronous generator."""
    sequence = ask(three.config, Text(text="ok silent silent")).results()
    async for _ in sequence:
        break
    await within(sequence.aclose())
    assert not any(node.pending for node in three.config)
    assert await all_of(sequence) == []


async def test_a_sequence_is_read_once(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 214."""
    sequence = ask(three.config, Text(text="x")).results()
    assert aiter(sequence) is sequence
    assert len(await all_of(sequence)) == 3
    assert await all_of(sequence) == []
    assert await within(sequence.collect_all()) == {}


async def test_a_sequence_may_be_read_slowly(three: Cluster[ScriptedCalls]) -> None:
    """Replies wait for their reader; the stream does not."""
    sequence = aiter(ask(three.config, Text(text="x")).results())
    first = await within(anext(sequence))
    for n in range(100):
        await within(ask(three.config, Text(text=str(n))).all())
    rest = [await within(anext(sequence)) for _ in range(2)]
    assert sorted(r.node_id for r in (first, *rest)) == [1, 2, 3]


async def test_streaming_gives_every_reply_and_ends_when_all_nodes_have(
    three: Cluster[ScriptedCalls],
) -> None:
    """Rows: 235."""
    responses = await all_of(follow(three.config, Text(text="x", number=4)))
    for node_id in (1, 2, 3):
        assert [r.value.number for r in responses if r.node_id == node_id] == [1, 2, 3, 4]
    assert [node.pending for node in three.config] == [0, 0, 0]


async def test_streaming_without_a_reply_ends_too(three: Cluster[ScriptedCalls]) -> None:
    assert await all_of(follow(three.config, Text(text="x", number=0))) == []
    assert [node.pending for node in three.config] == [0, 0, 0]


async def test_a_streaming_node_that_fails(three: Cluster[ScriptedCalls]) -> None:
    responses = await all_of(follow(three.config, Text(text="ok fail ok", number=2)))
    assert [(r.node_id, r.value is None) for r in responses if r.node_id == 2] == [(2, True)]
    assert len(responses) == 5


async def test_streaming_many_replies(one: Cluster[ScriptedCalls]) -> None:
    responses = await all_of(follow(one.config, Text(text="x", number=2000)))
    assert [r.value.number for r in responses] == list(range(1, 2001))


async def test_streaming_replies_that_nobody_reads_do_not_stop_the_stream(
    one: Cluster[ScriptedCalls],
) -> None:
    sequence = follow(one.config, Text(text="x", number=2000)).results()
    await within(anext(sequence))
    for n in range(50):
        assert (await within(echo(one.node, Text(text=str(n))))).text == str(n)
    await within(sequence.aclose())
    assert one.node.pending == 0


async def test_collecting_a_streaming_call_keeps_the_latest_reply(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 217."""
    replies = await within(follow(three.config, Text(text="x", number=3)).collect_all())
    assert {node_id: reply.number for node_id, reply in replies.items()} == {1: 3, 2: 3, 3: 3}
