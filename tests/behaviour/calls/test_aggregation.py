"""Aggregating replies by functions of one's own, which may return whatever they like."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, follow
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.waiting import within

Replies = gorums.Responses[Text]


@dataclass
class Summary:
    """What several replies say together."""

    count: int
    total: int


async def summary(responses: Replies) -> Summary:
    """A type of its own."""
    replies = await responses.ignore_errors().collect_all()
    if not replies:
        raise gorums.IncompleteError.of(responses)
    return Summary(len(replies), sum(reply.number for reply in replies.values()))


async def numbers(responses: Replies) -> list[int]:
    """A list."""
    return sorted([r.value.number async for r in responses.ignore_errors()])


async def second(responses: Replies) -> Text:
    """A reply, as soon as enough have come."""
    count = 0
    async for r in responses.ignore_errors():
        count += 1
        if count == 2:
            return r.value
    raise gorums.IncompleteError.of(responses)


async def checked_majority(responses: Replies) -> int:
    """How many of a majority are odd."""
    needed = responses.size // 2 + 1
    replies = await responses.ignore_errors().collect_n(needed)
    if len(replies) < needed:
        raise gorums.IncompleteError.of(responses)
    return sum(reply.number % 2 for reply in replies.values())


async def from_some(responses: Replies) -> int:
    """How many of the nodes 2 and 3 have replied."""
    return len([r async for r in responses.ignore_errors().filter(lambda r: r.node_id in (2, 3))])


async def all_or_the_first_error(responses: Replies) -> int:
    """An error of a node, raised as it is."""
    count = 0
    async for r in responses:
        if r.error is not None:
            raise r.error
        count += 1
    return count


@pytest.mark.parametrize(
    ("aggregate", "text", "expected"),
    [
        (summary, "ok", Summary(3, 6)),
        (summary, "ok fail ok", Summary(2, 4)),
        (numbers, "fail ok ok", [2, 3]),
        (numbers, "fail", []),
        (checked_majority, "ok fail ok", 2),
        (from_some, "ok ok fail", 1),
        (all_or_the_first_error, "ok", 3),
    ],
)
async def test_results(
    three: Cluster[ScriptedCalls], aggregate: Callable[[Replies], Awaitable[object]], text: str, expected: object
) -> None:
    """Rows: 219."""
    assert await within(aggregate(ask(three.config, Text(text=text)))) == expected


@pytest.mark.parametrize("aggregate", [summary, second, checked_majority])
async def test_too_little(three: Cluster[ScriptedCalls], aggregate: Callable[[Replies], Awaitable[object]]) -> None:
    """Rows: 206, 219."""
    with pytest.raises(gorums.IncompleteError) as error:
        await within(aggregate(ask(three.config, Text(text="fail"))))
    assert sorted(error.value.node_errors) == [1, 2, 3]


async def test_an_error_of_a_node(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 213."""
    with pytest.raises(gorums.StatusError, match="server 2 refuses"):
        await within(all_or_the_first_error(ask(three.config, Text(text="ok fail silent"))))


async def test_stopping_as_soon_as_enough_have_come(three: Cluster[ScriptedCalls]) -> None:
    """Nobody waits for the silent one.

    Rows: 213, 219.
    """
    assert (await within(second(ask(three.config, Text(text="ok silent ok"))))).number in (1, 3)


async def test_collecting_nothing_sends_nothing(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 216."""
    assert await within(ask(three.config, Text(text="x")).collect_n(0)) == {}
    await within(ask(three.config, Text(text="fence")).all())
    assert [service.seen for service in three] == [["fence"]] * 3


async def test_failed_nodes_have_no_entry(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 216, 217."""
    request = Text(text="ok fail ok", number=2)
    assert sorted(await within(ask(three.config, request).collect_n(3))) == [1, 3]
    assert sorted(await within(ask(three.config, request).collect_all())) == [1, 3]
    assert sorted(await within(follow(three.config, request).collect_all())) == [1, 3]
