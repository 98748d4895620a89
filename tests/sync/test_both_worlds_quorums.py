"""Calls that wait for a quorum, in both worlds, with interceptors and without."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest

import pygorums as gorums
from pygorums import quorums as q
from tests.protos import calls_gorums
from tests.protos.calls_pb2 import Text
from tests.support.worlds import World
from tests.sync.plain_cluster import PlainCluster

ask: Any = calls_gorums.ask
follow: Any = calls_gorums.follow

ONE_OR_BOTH = q.all_of(1) | q.all_of(2, 3)


def correctable(world: World, responses: Any, quorums: Any) -> Any:
    watched = world.do(lambda: responses.correctable(quorums))
    reply, _, error = world.do(watched.wait)
    if error is not None:
        raise error
    return reply


ENDS: dict[str, Callable[[World, Any, Any], Any]] = {
    "quorum": lambda world, responses, quorums: world.do(lambda: responses.quorum(quorums)),
    "async_quorum": lambda world, responses, quorums: world.do(lambda: responses.async_quorum(quorums)),
    "collect_quorum": lambda world, responses, quorums: world.do(lambda: responses.collect_quorum(quorums)),
    "filtered": lambda world, responses, quorums: world.do(
        lambda: responses.filter(lambda response: True).collect_quorum(quorums, lambda reply, node: True)
    ),
    "correctable": correctable,
}
both_ways = pytest.mark.parametrize("intercepted", [False, True], ids=["plain", "intercepted"])


def chain(world: World, *, intercepted: bool) -> list[Any]:
    return [world.interceptor(lambda call, response: response)] if intercepted else []


@both_ways
def test_who_succeeds_counts_and_not_how_many(world: World, three: PlainCluster, intercepted: bool) -> None:
    interceptors = chain(world, intercepted=intercepted)

    def call(end: Any, text: str, **options: Any) -> Any:
        responses = world.do(lambda: ask(three.config, Text(text=text), interceptors=interceptors, **options))
        return end(world, responses, ONE_OR_BOTH)

    for end in ENDS.values():
        call(end, "ok fail fail")
        call(end, "ok silent silent")
        call(end, "fail ok ok")
        for text in ("fail fail silent", "fail silent fail"):  # and never waits for the silent one
            with pytest.raises(gorums.IncompleteError) as error:
                call(end, text)
            assert not isinstance(error.value, TimeoutError)
            if end is not ENDS["correctable"]:  # which tells of levels
                assert "no quorum is left" in str(error.value)
            assert error.value.caused_by(grpc.StatusCode.FAILED_PRECONDITION)
            assert 1 in error.value.node_errors
        with pytest.raises(gorums.QuorumTimeoutError) as error:
            call(end, "silent ok silent", timeout=0.05)
        assert {1, 3} <= set(error.value.node_errors)


@pytest.mark.parametrize("intercepted", [False, True])
def test_the_replies_of_others_do_not_count(world: World, three: PlainCluster, intercepted: bool) -> None:
    """The node 1 is asked, as all are; but it is in no quorum."""
    chained = chain(world, intercepted=intercepted)

    def call(text: str) -> Any:
        return ask(three.config, Text(text=text), interceptors=chained)

    quorums = q.all_of(2, 3)
    reply = world.do(lambda: call("x").quorum(quorums))
    assert reply.number in (2, 3)
    assert set(world.do(lambda: call("x").collect_quorum(quorums))) == {2, 3}
    with pytest.raises(gorums.IncompleteError):
        world.do(lambda: call("ok ok fail").quorum(quorums))


def test_a_node_that_is_left_out_neither_succeeds_nor_fails(world: World, three: PlainCluster) -> None:
    def call(left_out: int) -> Any:
        skip = gorums.map_request(lambda request, node: None if node.id == left_out else request)
        return ask(three.config, Text(text="x"), interceptors=[skip])

    assert world.do(lambda: call(3).quorum(ONE_OR_BOTH)).number in (1, 2)
    assert world.do(lambda: call(1).quorum(ONE_OR_BOTH)).number in (2, 3)
    with pytest.raises(gorums.IncompleteError) as error:
        world.do(lambda: call(1).quorum(q.all_of(1, 2)))
    assert error.value.node_errors == {}


def test_streaming_calls(world: World, three: PlainCluster) -> None:
    request = Text(text="ok ok fail", number=2)
    assert world.do(lambda: follow(three.config, request).quorum(q.all_of(1, 2))).number == 1
    assert set(world.do(lambda: follow(three.config, request).collect_quorum(q.all_of(1, 2)))) == {1, 2}
    with pytest.raises(gorums.IncompleteError):
        world.do(lambda: follow(three.config, request).quorum(q.all_of(1, 3)))


def test_levels_of_a_correctable_are_numbers_as_ever(world: World, three: PlainCluster) -> None:
    watched = world.do(lambda: ask(three.config, Text(text="hold-free:a ok ok")).correctable(q.all_of(1, 2)))
    assert world.do(lambda: watched.watch(2))[1:] == (2, None)
    assert not watched.done
    three.services[0].gates["a"].set()
    reply, level, error = world.do(watched.wait)
    assert (reply.number, level, error) == (1, 3, None)


@pytest.mark.parametrize("name", ["quorum", "async_quorum", "collect_quorum", "correctable"])
def test_mistakes_are_told_at_once_and_nothing_is_sent(world: World, three: PlainCluster, name: str) -> None:
    def call(quorums: Any) -> Any:
        return world.do(lambda: getattr(ask(three.config[:2], Text(text="x")), name)(quorums))

    with pytest.raises(gorums.ConfigurationError, match=r"the quorums have node 3, and the configuration 1, 2"):
        call(q.majority(three.config).reads)
    with pytest.raises(gorums.ConfigurationError, match=r"nodes 7, 8"):
        call(q.all_of(1, 7, 8))
    with pytest.raises(TypeError, match=r"say whether \.reads or \.writes"):
        call(q.majority(2))
    with pytest.raises(TypeError):
        call("majority")
    world.do(lambda: ask(three.config, Text(text="fence")).all())
    assert [service.seen for service in three.services] == [["fence"]] * 3


def test_a_configuration_that_was_made_smaller(world: World, three: PlainCluster) -> None:
    """Calls fit what they are made to, whatever was made to its relatives before."""
    system = q.majority(three.config)
    world.do(lambda: ask(three.config, Text(text="x")).quorum(system.reads))
    smaller = three.config.remove(2)
    with pytest.raises(gorums.ConfigurationError, match="node 2"):
        world.do(lambda: ask(smaller, Text(text="x")).quorum(system.reads))
    assert world.do(lambda: ask(smaller, Text(text="x")).quorum(q.majority(smaller).reads)).text == "x"
