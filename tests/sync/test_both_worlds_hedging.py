"""Calls that ask few nodes first, in both worlds, with interceptors and without."""

import math
from collections.abc import Callable
from typing import Any

import pytest

import pygorums as gorums
from examples.storage import storage_gorums
from examples.storage.storage_pb2 import WriteRequest
from pygorums import quorums as q
from tests.protos import calls_gorums
from tests.protos.calls_pb2 import Text
from tests.support.worlds import World
from tests.sync.plain_cluster import PlainCluster

ask: Any = calls_gorums.ask
write_qc: Any = storage_gorums.write_qc


def correctable(world: World, responses: Any, **options: Any) -> Any:
    watched = world.do(lambda: responses.correctable(2, **options))
    _, _, error = world.do(watched.wait)
    if error is not None:
        raise error


def named(name: str, *args: Any) -> Callable[..., Any]:
    return lambda world, responses, **options: world.do(lambda: getattr(responses, name)(*args, **options))


ENDS: dict[str, Callable[..., Any]] = {
    "majority": named("majority"),
    "async_majority": named("async_majority"),
    "threshold": named("threshold", 2),
    "quorum": named("quorum", q.of(2, 1, 2, 3)),
    "async_quorum": named("async_quorum", q.of(2, 1, 2, 3)),
    "collect_n": named("collect_n", 2),
    "collect_quorum": named("collect_quorum", q.of(2, 1, 2, 3)),
    "checked": lambda world, responses, **options: world.do(
        lambda: responses.collect_quorum(2, lambda reply, node: True, **options)
    ),
    "correctable": correctable,
}
both_ways = pytest.mark.parametrize("intercepted", [False, True], ids=["plain", "intercepted"])


def asked(world: World, three: PlainCluster, text: str) -> list[int]:
    """The nodes that were asked, once all has been handled."""
    world.do(lambda: ask(three.config, Text(text="fence")).all())
    return [number for number, service in enumerate(three.services, 1) if text in service.seen]


@both_ways
def test_few_are_asked_and_more_if_need_be(world: World, three: PlainCluster, intercepted: bool) -> None:
    interceptors = [world.interceptor(lambda call, response: response)] if intercepted else []
    for name, end in ENDS.items():

        def call(text: str, end: Any = end, **options: Any) -> list[int]:
            for service in three.services:
                service.seen.clear()
            responses = world.do(lambda: ask(three.config, Text(text=text), interceptors=interceptors))
            end(world, responses, **options)
            return asked(world, three, text)

        assert len(call("ok", hedge=math.inf)) == 2, name
        assert call("ok ok ok", hedge=math.inf, first=[2, 3]) == [2, 3], name
        assert call("fail ok ok", hedge=math.inf, first=[1, 2]) == [1, 2, 3], name
        assert call("silent ok ok", hedge=0.005, first=[1, 2]) == [1, 2, 3], name


def test_replies_that_the_caller_rejects_are_replaced(world: World, three: PlainCluster) -> None:
    responses = world.do(lambda: ask(three.config, Text(text="x")))

    def check(reply: Text, node: Any) -> bool:
        return reply.number != 1

    assert set(world.do(lambda: responses.collect_quorum(2, check, hedge=math.inf, first=[1, 2]))) == {2, 3}
    dropping = world.interceptor(lambda call, response: response if response.node_id != 1 else None)
    responses = world.do(lambda: ask(three.config, Text(text="y"), interceptors=[dropping]))
    assert world.do(lambda: responses.majority(hedge=math.inf, first=[1, 2])).number != 1


def test_percentiles(world: World, three: PlainCluster) -> None:
    for _ in range(8):
        world.do(lambda: ask(three.config, Text(text="warm")).all())
    assert world.do(lambda: three.config[0].quantile(0.5)) > 0
    for node in three.config:
        getattr(node, "asynchronous", node).channel.pending.recent.extend([60.0] * 300)
    world.do(lambda: ask(three.config, Text(text="x")).majority(hedge="p95"))
    assert len(asked(world, three, "x")) in (2, 3)  # what was worked out of the first samples may be given still


def test_methods_that_are_not_idempotent_are_refused(world: World, three: PlainCluster) -> None:
    with pytest.raises(gorums.ConfigurationError, match="cannot be hedged"):
        world.do(lambda: write_qc(three.config, WriteRequest(key="k")).majority(hedge=1))
