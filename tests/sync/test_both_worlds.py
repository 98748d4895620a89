"""Calls, and what is made of their replies: the same in both worlds."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest

import pygorums as gorums
from tests.protos import calls_gorums
from tests.protos.calls_pb2 import Text
from tests.support.worlds import World
from tests.sync.plain_cluster import PlainCluster

# Their static types are the business of tests/compiler/typing; here they are called with either kind of node.
ask: Any = calls_gorums.ask
echo: Any = calls_gorums.echo
follow: Any = calls_gorums.follow
note: Any = calls_gorums.note
spread: Any = calls_gorums.spread

TERMINALS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "first": (lambda r: r.first(), 1),
    "majority": (lambda r: r.majority(), 2),
    "all": (lambda r: r.all(), 3),
    "threshold": (lambda r: r.threshold(2), 2),
    "async_first": (lambda r: r.async_first(), 1),
    "async_majority": (lambda r: r.async_majority(), 2),
    "async_all": (lambda r: r.async_all(), 3),
    "async_threshold": (lambda r: r.async_threshold(3), 3),
}
every_terminal = pytest.mark.parametrize("name", TERMINALS)
# With an interceptor, calls go another way.
both_ways = pytest.mark.parametrize("intercepted", [False, True], ids=["plain", "intercepted"])


def chain(world: World, *, intercepted: bool) -> list[Any]:
    return [world.interceptor(lambda call, response: response)] if intercepted else []


@both_ways
def test_an_rpc(world: World, three: PlainCluster, intercepted: bool) -> None:
    interceptors = chain(world, intercepted=intercepted)
    for node in three.config:
        reply = world.do(lambda n=node: echo(n, Text(text="x", data=b"d"), interceptors=interceptors))
        assert reply == Text(text="x", number=node.id, data=b"d")
    with pytest.raises(gorums.StatusError) as error:
        world.do(lambda: echo(three.config[0], Text(text="fail"), interceptors=interceptors))
    assert (error.value.code(), error.value.node_id) == (grpc.StatusCode.FAILED_PRECONDITION, 1)
    assert error.value.message == "server 1 refuses"


@both_ways
def test_one_way_calls(world: World, three: PlainCluster, intercepted: bool) -> None:
    interceptors = chain(world, intercepted=intercepted)
    for ignore in (False, True):
        options = {"interceptors": interceptors, "ignore_errors": ignore}
        assert world.do(lambda o=options: note(three.config[0], Text(text="unicast"), **o)) is None
        assert world.do(lambda o=options: spread(three.config, Text(text="multicast"), **o)) is None
    world.do(lambda: ask(three.config, Text(text="fence")).all())
    assert three.services[0].seen == ["unicast", "multicast"] * 2 + ["fence"]
    assert three.services[2].seen == ["multicast"] * 2 + ["fence"]


@every_terminal
def test_what_each_terminal_method_needs(world: World, three: PlainCluster, name: str) -> None:
    terminal, needed = TERMINALS[name]
    enough = " ".join(["fail"] * (3 - needed) + ["ok"] * needed)
    too_few = " ".join(["fail"] * (4 - needed) + ["ok"] * (needed - 1))
    for intercepted in (False, True):
        interceptors = chain(world, intercepted=intercepted)

        def call(text: str, interceptors: list[Any] = interceptors) -> Any:
            return world.do(lambda: terminal(ask(three.config, Text(text=text), interceptors=interceptors)))

        assert call(enough).text == enough
        with pytest.raises(gorums.IncompleteError) as error:
            call(too_few)
        assert set(error.value.node_errors) <= set(range(1, 5 - needed))
        assert error.value.caused_by(grpc.StatusCode.FAILED_PRECONDITION)
    three.nothing_is_pending()


@every_terminal
def test_those_that_are_not_needed_and_those_that_are(world: World, three: PlainCluster, name: str) -> None:
    """It ends without the former, and at its timeout without the latter."""
    terminal, needed = TERMINALS[name]
    enough = " ".join(["ok"] * needed + ["silent"] * (3 - needed))
    too_few = " ".join(["ok"] * (needed - 1) + ["silent"] * (4 - needed))
    for intercepted in (False, True):
        interceptors = chain(world, intercepted=intercepted)

        def call(text: str, timeout: float | None, interceptors: list[Any] = interceptors) -> Any:
            request = Text(text=text)
            return world.do(lambda: terminal(ask(three.config, request, timeout=timeout, interceptors=interceptors)))

        assert call(enough, None).number <= needed
        three.nothing_is_pending()
        with pytest.raises(gorums.QuorumTimeoutError, match=r"within 0\.05 s") as error:
            call(too_few, 0.05)
        assert isinstance(error.value, TimeoutError)
        assert set(error.value.node_errors) >= set(range(needed, 4))
        three.nothing_is_pending()


@both_ways
def test_a_timeout_of_an_rpc(world: World, three: PlainCluster, intercepted: bool) -> None:
    interceptors = chain(world, intercepted=intercepted)
    with pytest.raises(gorums.StatusError, match=r"within 0\.05 s") as error:
        world.do(lambda: echo(three.config[0], Text(text="silent"), timeout=0.05, interceptors=interceptors))
    assert isinstance(error.value, TimeoutError)
    assert error.value.code == grpc.StatusCode.DEADLINE_EXCEEDED
    three.nothing_is_pending()


@both_ways
def test_thresholds_that_cannot_be(world: World, three: PlainCluster, intercepted: bool) -> None:
    def call() -> Any:
        return ask(three.config, Text(text="x"), interceptors=chain(world, intercepted=intercepted))

    for wrong in (0, -1):
        for method in ("threshold", "async_threshold", "correctable"):
            with pytest.raises(ValueError, match=str(wrong)):
                world.do(lambda m=method, n=wrong: getattr(call(), m)(n))
    for method in ("threshold", "async_threshold"):
        with pytest.raises(gorums.IncompleteError) as error:
            world.do(lambda m=method: getattr(call(), m)(4))
        assert error.value.node_errors == {}
    with pytest.raises(gorums.IncompleteError):
        world.do(lambda: ask(three.config[:0], Text(text="x")).first())
    world.do(lambda: ask(three.config, Text(text="fence")).all())
    assert [service.seen for service in three.services] == [["fence"]] * 3, "nothing was sent"


def test_quorum_calls_are_lazy_and_used_once(world: World, three: PlainCluster) -> None:
    responses = world.do(lambda: ask(three.config, Text(text="x")))
    assert responses.size == 3
    world.do(lambda: ask(three.config, Text(text="before")).all())
    assert three.services[0].seen == ["before"]
    world.do(lambda: responses.all())
    with pytest.raises(RuntimeError, match="used already"):
        world.do(lambda: responses.first())


@both_ways
@pytest.mark.parametrize("name", [name for name in TERMINALS if name.startswith("async")])
def test_async_forms_send_at_once_and_can_be_cancelled(
    world: World, three: PlainCluster, name: str, intercepted: bool
) -> None:
    terminal, _ = TERMINALS[name]
    interceptors = chain(world, intercepted=intercepted)
    future = world.start(lambda: terminal(ask(three.config, Text(text="silent"), interceptors=interceptors)))
    three.all_have_seen("silent")
    assert not future.done()
    assert future.cancel()
    assert future.cancelled()
    three.nothing_is_pending()
    later = world.start(lambda: terminal(ask(three.config, Text(text="x"), interceptors=interceptors)))
    assert later.result(10).text == "x"
    assert not later.cancel()


@both_ways
def test_iterating(world: World, three: PlainCluster, intercepted: bool) -> None:
    def call(text: str = "ok fail ok", **options: Any) -> Any:
        return ask(three.config, Text(text=text), interceptors=chain(world, intercepted=intercepted), **options)

    def of(*node_ids: int) -> Callable[[gorums.NodeResponse[Text]], bool]:
        return lambda response: response.node_id in node_ids

    responses = {r.node_id: r for r in world.steps(call)}
    assert sorted(responses) == [1, 2, 3]
    assert [node_id for node_id, r in responses.items() if r.error is not None] == [2]
    assert responses[3].value.number == 3
    assert len(list(world.steps(lambda: call().results()))) == 3
    assert sorted(r.node_id for r in world.steps(lambda: call().ignore_errors())) == [1, 3]
    assert [r.node_id for r in world.steps(lambda: call().filter(of(3)))] == [3]
    both = world.steps(lambda: call().ignore_errors().filter(of(1, 2)))
    assert [r.value.number for r in both] == [1]
    assert sorted(world.do(lambda: call().collect_all())) == [1, 3]
    assert sorted(world.do(lambda: call().filter(of(1, 2)).collect_all())) == [1]
    assert len(world.do(lambda: call("x").collect_n(2))) == 2
    assert world.do(lambda: call().collect_n(0)) == {}
    with pytest.raises(ValueError, match="-1"):
        world.do(lambda: call().collect_n(-1))
    assert sorted(world.do(lambda: call("ok silent ok", timeout=0.05).collect_all())) == [1, 3]
    three.nothing_is_pending()


@both_ways
def test_leaving_an_iteration_early(world: World, three: PlainCluster, intercepted: bool) -> None:
    interceptors = chain(world, intercepted=intercepted)
    for call in (ask, follow):
        request = Text(text="ok silent silent", number=1)
        steps = world.steps(lambda c=call, r=request: c(three.config, r, interceptors=interceptors))
        assert next(iter(steps)).node_id == 1
        steps.close()
        three.nothing_is_pending()
        assert list(steps) == []
    assert len(world.do(lambda: ask(three.config, request, interceptors=interceptors).collect_n(1))) == 1
    three.nothing_is_pending()


@both_ways
def test_streaming_calls(world: World, three: PlainCluster, intercepted: bool) -> None:
    def call(text: str = "x") -> Any:
        return follow(three.config, Text(text=text, number=3), interceptors=chain(world, intercepted=intercepted))

    numbers: dict[int, list[int]] = {1: [], 2: [], 3: []}
    for r in world.steps(call):
        numbers[r.node_id].append(r.value.number)
    assert numbers == {n: [1, 2, 3] for n in (1, 2, 3)}
    assert {n: r.number for n, r in world.do(lambda: call().collect_all()).items()} == {1: 3, 2: 3, 3: 3}
    assert world.do(lambda: call("fail ok ok").majority()).number == 1
    three.nothing_is_pending()


@both_ways
def test_correctables(world: World, three: PlainCluster, intercepted: bool) -> None:
    def call(text: str, level: int, **options: Any) -> Any:
        interceptors = chain(world, intercepted=intercepted)
        request = Text(text=text)
        return world.do(lambda: ask(three.config, request, interceptors=interceptors, **options).correctable(level))

    correctable = call("hold-free:x", 3)
    assert world.do(correctable.get) == (None, gorums.LEVEL_NOT_SET, None)
    assert not correctable.done
    for level, service in enumerate(three.services, start=1):
        service.gates["x"].set()
        reply, reached, error = world.do(lambda n=level: correctable.watch(n))
        assert (reply.number, reached, error) == (service.number, level, None)
    assert world.do(correctable.wait) == (reply, 3, None)
    assert correctable.done
    assert [(level, reply.number) for reply, level in world.steps(lambda: correctable)] == [(1, 1), (2, 2), (3, 3)]

    failing = call("ok fail fail", 2)
    with pytest.raises(gorums.IncompleteError):
        list(world.steps(lambda: failing))
    assert isinstance(world.do(failing.wait)[2], gorums.IncompleteError)

    late = call("ok silent silent", 2, timeout=0.05)
    assert isinstance(world.do(late.wait)[2], gorums.QuorumTimeoutError)

    cancelled = call("ok silent silent", 2)
    assert world.do(lambda: cancelled.watch(1))[1] == 1
    world.do(cancelled.cancel)
    assert world.do(cancelled.wait)[1] == 1
    three.nothing_is_pending()


@both_ways
def test_a_correctable_of_a_streaming_call(world: World, three: PlainCluster, intercepted: bool) -> None:
    interceptors = chain(world, intercepted=intercepted)
    request = Text(text="x", number=3)
    correctable = world.do(lambda: follow(three.config, request, interceptors=interceptors).correctable(9))
    assert world.do(correctable.wait)[1:] == (9, None)
    steps = world.steps(lambda: follow(three.config, request, interceptors=interceptors))
    assert len(list(steps)) == 9
