"""`pygorums.testing`: responses without servers, in both worlds, and aggregations tested by tables."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

import grpc
import pytest

import pygorums as gorums
from pygorums.testing import SILENT
from tests.protos.calls_pb2 import Text
from tests.support.waiting import within

DOWN = gorums.StatusError(grpc.StatusCode.UNAVAILABLE, "down")


def text(number: int) -> Text:
    return Text(number=number)


async def newest(responses: gorums.Responses[Text]) -> int:
    """An aggregation as a user writes it."""
    numbers = []
    async for response in responses.ignore_errors():
        numbers.append(response.value.number)
        if len(numbers) > responses.size // 2:
            return max(numbers)
    raise gorums.IncompleteError.of(responses)


def newest_blocking(responses: gorums.sync.Responses[Text]) -> int:
    """The same without asyncio."""
    numbers = []
    for response in responses.ignore_errors():
        numbers.append(response.value.number)
        if len(numbers) > responses.size // 2:
            return max(numbers)
    raise gorums.IncompleteError.of(responses)


# What the nodes answer, and what comes of it.
TABLE: list[tuple[dict[int, Any], int | type[Exception]]] = [
    ({1: text(1), 2: text(2), 3: text(3)}, 2),
    ({3: text(3), 2: text(2), 1: text(1)}, 3),  # they arrive in this order
    ({1: text(1), 2: DOWN, 3: text(3)}, 3),
    ({1: SILENT, 2: text(2), 3: text(3)}, 3),
    ({1: text(1), 2: DOWN, 3: DOWN}, gorums.IncompleteError),
    ({1: text(1), 2: DOWN, 3: SILENT}, gorums.QuorumTimeoutError),
    ({7: text(5)}, 5),
]


@pytest.mark.parametrize(("answers", "expected"), TABLE)
async def test_an_aggregation_by_a_table(answers: dict[int, Any], expected: int | type[Exception]) -> None:
    responses: gorums.Responses[Text] = gorums.testing.responses(answers)
    if isinstance(expected, int):
        assert await within(newest(responses)) == expected
    else:
        with pytest.raises(expected) as error:
            await within(newest(responses))
        assert type(error.value) is expected


@pytest.mark.parametrize(("answers", "expected"), TABLE)
def test_a_blocking_aggregation_by_a_table(answers: dict[int, Any], expected: int | type[Exception]) -> None:
    responses: gorums.sync.Responses[Text] = gorums.testing.sync.responses(answers)
    if isinstance(expected, int):
        assert newest_blocking(responses) == expected
    else:
        with pytest.raises(expected) as error:
            newest_blocking(responses)
        assert type(error.value) is expected


MIXED: dict[int, Any] = {1: text(1), 2: DOWN, 3: SILENT, 4: text(4)}


async def test_every_way_to_use_responses() -> None:
    def responses() -> gorums.Responses[Text]:
        return gorums.testing.responses(MIXED)

    assert (await within(responses().first())).number == 1
    assert (await within(responses().threshold(2))).number == 1
    with pytest.raises(gorums.QuorumTimeoutError) as error:
        await within(responses().majority())
    assert error.value.node_errors[2] is DOWN
    assert isinstance(error.value.node_errors[3], TimeoutError)
    assert error.value.replies == 2
    assert (await within(responses().async_first())).number == 1
    assert sorted(await within(responses().collect_all())) == [1, 4]
    assert sorted(await within(responses().collect_quorum(2))) == [1, 4]
    reply, level, failed = await within(responses().correctable(2).wait())
    assert (reply, level, failed) == (text(4), 2, None)
    odd = gorums.map_response(lambda reply, node: reply if node.id % 2 else raises(ValueError("even")))
    intercepted = gorums.testing.responses(MIXED, interceptors=[odd])
    assert sorted(await within(intercepted.collect_all())) == [1]


def raises(error: Exception) -> Any:
    raise error


async def test_each_reply_comes_in_a_turn_of_its_own() -> None:
    """So an aggregation that ends early sees no more than it waits for."""
    seen = []
    async for response in gorums.testing.responses({node_id: text(node_id) for node_id in (5, 3, 4)}):
        seen.append(response.node_id)
        if len(seen) == 2:
            break
    assert seen == [5, 3]


async def test_streaming() -> None:
    answers: dict[int, Any] = {1: [text(1), text(2)], 2: [text(3), DOWN], 3: text(4)}
    seen = [(r.node_id, r.value.number if r.value else r.error) async for r in gorums.testing.responses(answers)]
    assert seen == [(1, 1), (1, 2), (2, 3), (2, DOWN), (3, 4)]
    _, level, error = await within(gorums.testing.responses(answers).correctable(9).wait())
    assert level == 4
    assert isinstance(error, gorums.IncompleteError)
    assert not isinstance(error, TimeoutError)
    endless: dict[int, Any] = {1: [text(1), SILENT], 2: []}
    with pytest.raises(gorums.IncompleteError) as ended:
        await within(gorums.testing.responses(endless).all())
    assert sorted(ended.value.node_errors) == [2]


async def test_without_a_timeout_a_silent_node_is_waited_for() -> None:
    with pytest.raises(TimeoutError) as error:
        await within(gorums.testing.responses({1: SILENT, 2: text(2)}, timeout=None).all(), 0.05)
    assert not isinstance(error.value, gorums.GorumsError)


def test_what_cannot_be() -> None:
    wrong: Any
    for wrong in ({}, {0: text(1)}, {"a": text(1)}):
        with pytest.raises(gorums.ConfigurationError):
            gorums.testing.responses(wrong)
    for wrong in ({1: text(1), 2: gorums.testing}, {1: text(1), 2: DOWN.code}, {1: None}):
        with pytest.raises(TypeError, match="answers with a message, an exception or SILENT"):
            gorums.testing.responses(wrong)
    from google.protobuf.empty_pb2 import Empty

    with pytest.raises(TypeError, match=r"of one type, not calls\.Text and google\.protobuf\.Empty"):
        gorums.testing.responses({1: text(1), 2: Empty()})


@pytest.mark.parametrize("wrong", [None, [], [Text()], "1"])
def test_answers_that_are_no_mapping(wrong: Any) -> None:
    for responses in (gorums.testing.responses, gorums.testing.sync.responses):
        with pytest.raises(TypeError, match="answers must be a mapping from node IDs to what each node answers"):
            responses(wrong)


async def test_a_timeout_that_is_none() -> None:
    with pytest.raises(TypeError, match="timeout must be seconds or None, not 'soon'"):
        gorums.testing.responses({1: Text()}, timeout="soon")  # type: ignore[call-overload] # what is tested


def of_two(replies: Mapping[int, Text]) -> int | None:
    """A function of replies alone."""
    return sum(reply.number for reply in replies.values()) if len(replies) > 1 else None


async def test_one_aggregation_for_both_worlds() -> None:
    answers: dict[int, Any] = {1: text(1), 2: text(2), 3: text(3)}
    asynchronous: Awaitable[int] = gorums.testing.responses(answers).aggregate(of_two)
    blocking = await asyncio.to_thread(lambda: gorums.testing.sync.responses(answers).aggregate(of_two))
    assert await within(asynchronous) == blocking == of_two({1: text(1), 2: text(2)}) == 3
