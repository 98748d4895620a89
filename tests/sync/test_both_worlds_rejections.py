"""Replies that the caller rejects: one count and one text for all ways to end a call, in both worlds."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import pygorums as gorums
from tests.protos import calls_gorums
from tests.protos.calls_pb2 import Text
from tests.support.worlds import World
from tests.sync.plain_cluster import PlainCluster

ask: Any = calls_gorums.ask
follow: Any = calls_gorums.follow


class StaleError(Exception):
    """A reply that tells of a higher round."""


def even_only(reply: Text, node: Any) -> Text:
    """Refuses the replies of the nodes 1 and 3."""
    if reply.number % 2:
        raise StaleError(f"round {reply.number}")
    return reply


def iterated(world: World, responses: Any) -> Any:
    """An aggregation of one's own that has not got what it wanted."""
    for _ in world.steps(lambda: responses):
        pass
    raise gorums.IncompleteError.of(responses)


def correctable(world: World, responses: Any) -> Any:
    watched = world.do(lambda: responses.correctable(2))
    error = world.do(watched.wait)[2]
    assert isinstance(error, Exception)
    raise error


ENDS: dict[str, Callable[[World, Any], Any]] = {
    "majority": lambda world, responses: world.do(responses.majority),
    "async_majority": lambda world, responses: world.do(responses.async_majority),
    "collect_quorum": lambda world, responses: world.do(responses.collect_quorum),
    "iteration": iterated,
    "correctable": correctable,
    "aggregate": lambda world, responses: world.do(lambda: responses.aggregate(lambda replies: None)),
}


def drop_odd(call: Any, response: gorums.NodeResponse[Text]) -> gorums.NodeResponse[Text] | None:
    return None if response.value.number % 2 else response


@pytest.mark.parametrize("end", ENDS)
def test_rejections_of_map_response(world: World, three: PlainCluster, end: str) -> None:
    responses = world.do(lambda: ask(three.config, Text(text="x"), interceptors=[gorums.map_response(even_only)]))
    with pytest.raises(gorums.IncompleteError) as raised:
        ENDS[end](world, responses)
    error = raised.value
    assert {node_id: type(each) for node_id, each in error.node_errors.items()} == {1: StaleError, 3: StaleError}
    assert error.caused_by(StaleError)
    # Those that end early need not have read the reply that counts.
    ends_early = end in ("majority", "async_majority", "collect_quorum")
    assert error.replies in ((0, 1) if ends_early else (1,))
    text = f"calls.Calls.Ask: incomplete call (2 errors, {'1 reply' if error.replies else '0 replies'} by then)"
    assert str(error) == f"{text}\n  node 1: round 1\n  node 3: round 3"
    three.nothing_is_pending()


@pytest.mark.parametrize("end", ENDS)
def test_replies_that_an_interceptor_drops(world: World, three: PlainCluster, end: str) -> None:
    responses = world.do(lambda: ask(three.config, Text(text="x"), interceptors=[world.interceptor(drop_odd)]))
    with pytest.raises(gorums.IncompleteError) as raised:
        ENDS[end](world, responses)
    error = raised.value
    assert {node_id: type(each) for node_id, each in error.node_errors.items()} == dict.fromkeys(
        (1, 3), gorums.RejectedError
    )
    assert "node 1: its reply was dropped by an interceptor" in str(error)
    assert error.replies == 1


@pytest.mark.parametrize("streaming", [False, True], ids=["once", "streaming"])
def test_replies_that_a_filter_drops(world: World, three: PlainCluster, streaming: bool) -> None:
    call = follow if streaming else ask

    def two_only(response: gorums.NodeResponse[Text]) -> bool:
        return response.node_id == 2

    responses = world.do(lambda: call(three.config, Text(text="x", number=2)))
    sequence = world.do(lambda: responses.ignore_errors().filter(two_only))
    assert [each.node_id for each in world.steps(lambda: sequence)] == [2] * (1 + streaming)
    error = gorums.IncompleteError.of(responses)
    assert (sorted(error.node_errors), error.replies) == ([1, 3], 1)
    assert "node 3: its reply was rejected by a filter" in str(error)


def test_a_filter_that_drops_some_replies_of_a_node(world: World, three: PlainCluster) -> None:
    """The node has succeeded: one of its replies counts."""
    responses = world.do(lambda: follow(three.config, Text(text="x", number=3)))
    sequence = world.do(lambda: responses.filter(lambda response: response.value.number == 2))
    assert len(list(world.steps(lambda: sequence))) == 3
    assert (dict(responses.node_errors), responses.replies) == ({}, 3)


def test_none_is_no_reply(world: World, three: PlainCluster) -> None:
    def forgetful(reply: Text, node: Any) -> None:
        reply.number += 1

    responses = world.do(lambda: ask(three.config, Text(text="x"), interceptors=[gorums.map_response(forgetful)]))  # type: ignore[arg-type]
    with pytest.raises(gorums.IncompleteError) as error:
        world.do(responses.first)
    assert [type(each) for each in error.value.node_errors.values()] == [TypeError] * 3
    assert "forgetful returned None for the reply of node 2" in str(error.value)


class TestCollectingAQuorum:
    def test_a_majority(self, world: World, three: PlainCluster) -> None:
        replies = world.do(lambda: ask(three.config, Text(text="ok silent ok")).collect_quorum())
        assert {node_id: reply.number for node_id, reply in replies.items()} == {1: 1, 3: 3}
        three.nothing_is_pending()

    def test_so_many(self, world: World, three: PlainCluster) -> None:
        assert len(world.do(lambda: ask(three.config, Text(text="x")).collect_quorum(1))) == 1
        assert sorted(world.do(lambda: ask(three.config, Text(text="x")).results().collect_quorum(3))) == [1, 2, 3]

    def test_it_does_not_wait_for_who_cannot_help(self, world: World, three: PlainCluster) -> None:
        """Node 3 is silent for ever."""
        for text, chain, keep, check in (
            ("fail fail silent", [], None, None),
            ("ok ok silent", [gorums.map_response(lambda reply, node: none_below(reply, 3))], None, None),
            ("ok ok silent", [], lambda response: response.value.number > 2, None),
            ("ok fail silent", [], None, lambda reply, node: node.id > 1),
        ):
            responses = world.do(lambda t=text, c=chain: ask(three.config, Text(text=t), interceptors=c))
            sequence = world.do(responses.results)
            if keep is not None:
                sequence = world.do(lambda s=sequence, k=keep: s.filter(k))
            with pytest.raises(gorums.IncompleteError) as error:
                world.do(lambda s=sequence, c=check: s.collect_quorum(2, c))
            assert sorted(error.value.node_errors) == [1, 2]
            assert not isinstance(error.value, TimeoutError)
            three.nothing_is_pending()

    def test_a_check(self, world: World, three: PlainCluster) -> None:
        nodes: list[tuple[int, int]] = []

        def not_two(reply: Text, node: Any) -> bool:
            nodes.append((reply.number, node.id))
            if reply.number == 2:
                raise StaleError("round 2")
            return reply.number != 4

        assert sorted(world.do(lambda: ask(three.config, Text(text="x")).collect_quorum(2, check=not_two))) == [1, 3]
        assert all(number == node_id for number, node_id in nodes)
        with pytest.raises(gorums.IncompleteError) as error:
            world.do(lambda: ask(three.config, Text(text="x")).collect_quorum(3, check=not_two))
        assert {node_id: type(each) for node_id, each in error.value.node_errors.items()} == {2: StaleError}

    def test_a_check_says_true_or_false(self, world: World, three: PlainCluster) -> None:
        with pytest.raises(gorums.IncompleteError) as error:
            world.do(lambda: ask(three.config, Text(text="x")).collect_quorum(3, check=lambda reply, node: None))
        assert "returned None" in str(error.value)
        assert isinstance(next(iter(error.value.node_errors.values())), TypeError)
        with pytest.raises(gorums.IncompleteError) as error:
            world.do(lambda: ask(three.config, Text(text="x")).collect_quorum(3, check=lambda reply, node: False))
        assert isinstance(next(iter(error.value.node_errors.values())), gorums.RejectedError)

    def test_in_a_streaming_call_a_later_reply_may_count(self, world: World, three: PlainCluster) -> None:
        replies = world.do(
            lambda: follow(three.config, Text(text="x", number=3)).collect_quorum(
                3, check=lambda reply, node: reply.number == 3
            )
        )
        assert {node_id: reply.number for node_id, reply in replies.items()} == {1: 3, 2: 3, 3: 3}

    def test_when_the_time_is_up(self, world: World, three: PlainCluster) -> None:
        with pytest.raises(gorums.QuorumTimeoutError) as error:
            world.do(lambda: ask(three.config, Text(text="ok silent fail"), timeout=0.1).collect_quorum(2))
        assert isinstance(error.value.node_errors[2], gorums.CallTimeoutError)
        three.nothing_is_pending()

    def test_numbers_that_cannot_be(self, world: World, three: PlainCluster) -> None:
        with pytest.raises(ValueError, match="at least one reply, not 0"):
            world.do(lambda: ask(three.config, Text(text="x")).collect_quorum(0))
        with pytest.raises(gorums.IncompleteError, match="4 replies are needed and the configuration has 3 nodes"):
            world.do(lambda: ask(three.config, Text(text="x")).collect_quorum(4))
        skip = gorums.map_request(lambda request, node: request if node.id == 1 else None)
        with pytest.raises(gorums.IncompleteError, match="2 replies and only 1 of 3 nodes was asked"):
            world.do(lambda: ask(three.config, Text(text="x"), interceptors=[skip]).collect_quorum())


def none_below(reply: Text, round_number: int) -> Text:
    if reply.number < round_number:
        raise StaleError(f"round {reply.number}")
    return reply


class TestAggregating:
    """One function of the replies, for programs of both worlds."""

    @staticmethod
    def newest_of_two(replies: Any) -> Text | None:
        return max(replies.values(), key=lambda reply: reply.number) if len(replies) >= 2 else None

    def test_it_ends_as_soon_as_there_is_a_result(self, world: World, three: PlainCluster) -> None:
        reply = world.do(lambda: ask(three.config, Text(text="ok silent ok")).aggregate(self.newest_of_two))
        assert reply.number == 3
        three.nothing_is_pending()

    def test_on_a_sequence(self, world: World, three: PlainCluster) -> None:
        sequence = world.do(lambda: ask(three.config, Text(text="x")).filter(lambda r: r.node_id < 3))
        assert world.do(lambda: sequence.aggregate(self.newest_of_two)).number == 2

    def test_too_little(self, world: World, three: PlainCluster) -> None:
        with pytest.raises(gorums.IncompleteError) as error:
            world.do(lambda: ask(three.config, Text(text="ok fail fail")).aggregate(self.newest_of_two))
        assert (sorted(error.value.node_errors), error.value.replies) == ([2, 3], 1)
        with pytest.raises(gorums.QuorumTimeoutError):
            world.do(lambda: ask(three.config, Text(text="silent"), timeout=0.05).aggregate(self.newest_of_two))

    def test_a_function_that_raises(self, world: World, three: PlainCluster) -> None:
        def broken(replies: Any) -> None:
            raise StaleError

        with pytest.raises(StaleError):
            world.do(lambda: ask(three.config, Text(text="ok silent silent")).aggregate(broken))
        three.nothing_is_pending()


async def verified(reply: Text, node: Any) -> Text:
    await asyncio.sleep(0)
    if node.id == 2:
        raise StaleError("round 2")
    return Text(text="verified", number=reply.number)


async def is_third(reply: Text, node: Any) -> bool:
    await asyncio.sleep(0)
    return reply.number == 3


async def never(reply: Text, node: Any) -> bool:
    return bool(await asyncio.get_running_loop().create_future())


class TestAsynchronousFunctions:
    def test_they_are_awaited(self, world: World, three: PlainCluster) -> None:
        chain = [gorums.map_response(verified)]
        reply = world.do(lambda: ask(three.config, Text(text="x"), interceptors=chain).majority())
        assert reply.text == "verified"
        assert world.do(lambda: ask(three.config, Text(text="x"), interceptors=chain).async_first()).text == "verified"
        with pytest.raises(gorums.IncompleteError) as error:
            world.do(lambda: ask(three.config, Text(text="x"), interceptors=chain).all())
        assert error.value.caused_by(StaleError)
        assert list(world.do(lambda: ask(three.config, Text(text="x")).collect_quorum(1, is_third))) == [3]

    def test_until_the_time_is_up(self, world: World, three: PlainCluster) -> None:
        with pytest.raises(gorums.QuorumTimeoutError) as error:
            world.do(lambda: ask(three.config, Text(text="x"), timeout=0.1).collect_quorum(2, never))
        assert error.value.caused_by(gorums.CallTimeoutError)
