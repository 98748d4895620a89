"""What goes with calls: metadata, interceptors, defaults, errors, configurations. The same in both worlds."""

from typing import Any

import grpc
import pytest

import pygorums as gorums
from tests.protos import calls_gorums
from tests.protos.calls_pb2 import Text
from tests.support.plain_calls import until
from tests.support.worlds import World
from tests.sync.plain_cluster import PlainCluster

ask: Any = calls_gorums.ask
echo: Any = calls_gorums.echo
follow: Any = calls_gorums.follow
note: Any = calls_gorums.note
spread: Any = calls_gorums.spread


def test_metadata_of_every_call_type(world: World, three: PlainCluster) -> None:
    config = three.connect(metadata={"tenant": "acme"})
    metadata = {"user": "anna"}
    calls: list[Any] = [
        lambda: echo(config[0], Text(text="x"), metadata=metadata),
        lambda: note(config[0], Text(text="x"), metadata=metadata),
        lambda: spread(config[:1], Text(text="x"), metadata=metadata),
        lambda: ask(config[:1], Text(text="x"), metadata=metadata).all(),
        lambda: follow(config[:1], Text(text="x", number=1), metadata=metadata).collect_all(),
    ]
    for call in calls:
        world.do(call)
    world.do(lambda: echo(config[0], Text(text="without")))
    *with_it, without = three.services[0].contexts
    assert [(ctx.metadata["tenant"], ctx.metadata["user"]) for ctx in with_it] == [("acme", "anna")] * 5
    assert "user" not in without.metadata
    for wrong in ({"k": 1}, {"k-bin": "x"}, 7):
        for call in (echo, note):
            with pytest.raises((TypeError, ValueError)):
                world.do(lambda c=call, m=wrong: c(config[0], Text(), metadata=m))
        for call in (spread, ask):
            with pytest.raises((TypeError, ValueError)):
                world.do(lambda c=call, m=wrong: c(config, Text(), metadata=m))


def test_interceptors_of_every_call_type(world: World, three: PlainCluster) -> None:
    mark = gorums.map_request(lambda request, node: Text(text=f"{request.text} {node.id}", number=request.number))
    seen: list[tuple[str, int, bool]] = []

    def watch(call: Any, response: gorums.NodeResponse[Any]) -> gorums.NodeResponse[Any]:
        seen.append((call.method, call.node(response.node_id).id, response.error is None))
        return response

    options: Any = {"interceptors": [mark, world.interceptor(watch)]}
    assert world.do(lambda: echo(three.config[1], Text(text="rpc"), **options)).text == "rpc 2"
    world.do(lambda: note(three.config[1], Text(text="unicast"), **options))
    world.do(lambda: spread(three.config[1:], Text(text="multicast"), **options))
    assert world.do(lambda: ask(three.config[1:2], Text(text="qc"), **options).all()).text == "qc 2"
    assert world.do(lambda: ask(three.config[1:2], Text(text="async"), **options).async_all()).text == "async 2"
    stream = world.do(lambda: follow(three.config[1:2], Text(text="s", number=1), **options).collect_all())
    assert stream[2].text == "s 2"
    assert three.services[1].seen == ["rpc 2", "unicast 2", "multicast 2", "qc 2", "async 2", "s 2"]
    methods = ["Echo", "Note", "Spread", "Ask", "Ask", "Follow"]
    assert [entry for entry in seen if entry[1] == 2] == [(f"calls.Calls.{name}", 2, True) for name in methods]


def test_the_first_interceptor_is_the_innermost(world: World, three: PlainCluster) -> None:
    def append(letter: str) -> Any:
        return gorums.map_response(lambda value, node: Text(text=value.text + letter))

    def prepend(letter: str) -> Any:
        return gorums.map_request(lambda request, node: Text(text=request.text + letter))

    options: Any = {"interceptors": [append("a"), prepend("1"), append("b"), prepend("2")]}
    assert world.do(lambda: ask(three.config, Text(text="x"), **options).all()).text == "x12ab"
    assert world.do(lambda: ask(three.config, Text(text="x"), **options).async_all()).text == "x12ab"
    assert {r.value.text for r in world.steps(lambda: ask(three.config, Text(text="x"), **options))} == {"x12ab"}


def test_interceptors_leave_nodes_out_and_drop_responses(world: World, three: PlainCluster) -> None:
    without_2 = gorums.map_request(lambda request, node: None if node.id == 2 else request)
    drop_1 = world.interceptor(lambda call, response: None if response.node_id == 1 else response)

    def call(*interceptors: Any) -> Any:
        return ask(three.config, Text(text="x"), interceptors=interceptors)

    assert sorted(world.do(lambda: call(without_2).collect_all())) == [1, 3]
    assert world.do(lambda: call(without_2).all()).number in (1, 3)
    assert world.do(lambda: call(without_2, drop_1).first()).number == 3
    for method in ("threshold", "async_threshold"):
        with pytest.raises(gorums.IncompleteError):
            world.do(lambda m=method: getattr(call(without_2), m)(3))
    with pytest.raises(gorums.StatusError) as error:
        world.do(lambda: echo(three.config[1], Text(text="x"), interceptors=[without_2]))
    assert error.value.code == grpc.StatusCode.CANCELLED


def test_an_interceptor_that_fails_fails_that_call(world: World, three: PlainCluster) -> None:
    def fail(call: Any, response: gorums.NodeResponse[Any]) -> gorums.NodeResponse[Any]:
        raise ZeroDivisionError("by nothing")

    options: Any = {"interceptors": [world.interceptor(fail)]}
    for terminal in ("majority", "async_majority", "collect_all"):
        with pytest.raises(ZeroDivisionError):
            world.do(lambda t=terminal: getattr(ask(three.config, Text(text="silent ok ok"), **options), t)())
    with pytest.raises(ZeroDivisionError):
        world.do(lambda: echo(three.config[0], Text(text="x"), **options))
    failed = world.do(lambda: ask(three.config, Text(text="silent ok ok"), **options).correctable(2))
    assert "by nothing" in str(world.do(failed.wait)[2])
    three.nothing_is_pending()
    with pytest.raises(TypeError, match="iterator"):
        world.do(lambda: ask(three.config, Text(text="x"), interceptors=[lambda call, responses: 7]))


def test_defaults(world: World, three: PlainCluster) -> None:
    mark = gorums.map_request(lambda request, node: Text(text=request.text + "!"))
    config = three.config.with_defaults(timeout=60, metadata={"user": "anna"}, interceptors=[mark])
    assert world.do(lambda: ask(config, Text(text="x")).all()).text == "x!"
    assert three.services[0].contexts[0].metadata["user"] == "anna"
    with pytest.raises(gorums.QuorumTimeoutError):
        world.do(lambda: ask(three.config.with_defaults(timeout=0.05), Text(text="silent")).all())
    pooled = three.connect(interceptors=[mark])
    assert world.do(lambda: echo(pooled[0], Text(text="y"))).text == "y!"


def test_errors_of_a_node_that_is_down(world: World, three: PlainCluster) -> None:
    world.do(three.servers[1].stop)
    until(lambda: not three.config[1].connected)
    for call in (echo, note):
        with pytest.raises(gorums.GorumsError, match=three.addresses[1]):
            world.do(lambda c=call: c(three.config[1], Text(text="x")))
    with pytest.raises(gorums.SendError) as unsent:
        world.do(lambda: spread(three.config, Text(text="x")))
    assert list(unsent.value.node_errors) == [2]
    world.do(lambda: spread(three.config, Text(text="x"), ignore_errors=True))
    with pytest.raises(gorums.IncompleteError) as incomplete:
        world.do(lambda: ask(three.config, Text(text="x")).all())
    left = three.config.without_errors(incomplete.value, grpc.StatusCode.UNAVAILABLE)
    assert left.node_ids == (1, 3)
    assert world.do(lambda: ask(left, Text(text="x")).all()).text == "x"
    assert isinstance(three.config[1].last_error, gorums.StatusError)


def test_a_message_that_is_too_large_fails_its_call_alone(world: World, three: PlainCluster) -> None:
    large = Text(data=bytes(5 << 20))
    with pytest.raises(gorums.StatusError) as error:
        world.do(lambda: echo(three.config[0], large))
    assert error.value.code == grpc.StatusCode.RESOURCE_EXHAUSTED
    with pytest.raises(gorums.SendError):
        world.do(lambda: spread(three.config, large))
    with pytest.raises(gorums.IncompleteError) as incomplete:
        world.do(lambda: ask(three.config, large).first())
    assert sorted(incomplete.value.node_errors) == [1, 2, 3]
    assert world.do(lambda: ask(three.config, Text(text="after")).all()).text == "after"


def test_wrong_arguments(world: World, three: PlainCluster) -> None:
    config = three.config
    wrong: list[tuple[Any, str]] = [
        (lambda: echo(config, Text()), r"takes a Node, not Configuration; .*config\[0\]"),
        (lambda: note(config, Text()), "takes a Node, not Configuration"),
        (lambda: spread(config[0], Text()), "takes a Configuration, not Node; .*single node"),
        (lambda: ask(config[0], Text()), "takes a Configuration, not Node"),
        (lambda: echo(config[0], gorums), "takes a request of type"),
        (lambda: ask(config, gorums), "takes a request of type"),
        (lambda: spread(config, gorums), "takes a request of type"),
        (lambda: echo(config[0], Text(), timeout="1"), "timeout must be"),
        (lambda: ask(config, Text(), timeout="1"), "timeout must be"),
        (lambda: note(config[0], Text(), timeout="1"), "timeout must be"),
    ]
    for call, text in wrong:
        with pytest.raises(TypeError, match=text):
            world.do(call)


def test_connecting_to_what_cannot_be(world: World) -> None:
    for nodes in ([], ["nowhere"], ["a:1", "a:1"], {0: "a:1"}):
        with pytest.raises(gorums.ConfigurationError):
            world.do(lambda n=nodes: world.api.connect(n))
    with world.using(lambda: world.api.connect(["127.0.0.1:1"])) as config:
        with pytest.raises(TimeoutError, match=r"127\.0\.0\.1:1"):
            world.do(lambda: config.wait_connected(timeout=0.05))
        with pytest.raises(ValueError, match="cannot wait for 2"):
            world.do(lambda: config.wait_connected(2))


def test_the_algebra_of_configurations(world: World, three: PlainCluster) -> None:
    a, b = three.config[:2], three.config[1:]
    cases: dict[str, tuple[Any, tuple[int, ...]]] = {
        "slice": (three.config[::-1], (3, 2, 1)),
        "or": (a | b, (1, 2, 3)),
        "union": (a.union(b), (1, 2, 3)),
        "sub": (a - b, (1,)),
        "difference": (b.difference(a), (3,)),
        "and": (a & b, (2,)),
        "intersection": (b.intersection(a), (2,)),
        "add": (a.add(3), (1, 2, 3)),
        "remove": (three.config.remove(1, 3), (2,)),
        "sort_by": (three.config.sort_by(lambda node: -node.id), (3, 2, 1)),
        "sort_by keys": (three.config[::-1].sort_by(gorums.last_error, gorums.node_id), (1, 2, 3)),
        "sort_by membership": (three.config.sort_by(lambda node: node in a, lambda node: node.id), (3, 1, 2)),
    }
    for name, (config, ids) in cases.items():
        assert config.node_ids == ids, name
        assert [node.id for node in config] == list(ids), name
        assert len(config) == len(ids), name
        assert type(config) is type(three.config), name
    assert a == three.config[:2]
    assert hash(a) == hash(three.config[:2])
    assert a != b
    assert (1 in a, 3 in a, a[0] in a, b[-1] in a) == (True, False, True, False)
    assert a[0] == three.config[0]
    assert len({a[0], three.config[0], b[0]}) == 2
    assert repr(a) == f"<Configuration 1={three.addresses[0]}, 2={three.addresses[1]}>"
    with pytest.raises(TypeError):
        a | [1]
    more = world.do(lambda: three.config.extend({9: "127.0.0.1:1"}))
    assert more.node_ids == (1, 2, 3, 9)
    assert (more[3].host, more[3].port, more[3].address) == ("127.0.0.1", 1, "127.0.0.1:1")
    assert world.do(lambda: ask(more, Text(text="x")).majority()).text == "x"
    other = three.connect()
    with pytest.raises(gorums.ConfigurationError, match="extend"):
        three.config | other


def test_what_nodes_know(world: World, three: PlainCluster) -> None:
    node = three.config[0]
    assert (node.id, node.address, node.connected, node.is_inbound) == (1, three.addresses[0], True, False)
    assert node.latency is None
    world.do(lambda: echo(node, Text(text="x")))
    assert node.latency is not None
    assert 0 < node.latency < 10
    assert three.config[::-1].sort_by(gorums.latency).node_ids[0] == 1
    waiting = world.start(lambda: ask(three.config, Text(text="silent")).async_all())
    assert world.do(lambda: [n.pending for n in three.config]) == [1, 1, 1]
    waiting.cancel()
    three.nothing_is_pending()


def test_watching(world: World, three: PlainCluster) -> None:
    answers = [(1, 2), (1, 2), (2, 3), (1,)]

    def derive(config: Any) -> Any:
        assert type(config) is type(three.config)
        ids = answers.pop(0) if len(answers) > 1 else answers[0]
        return config[:0].add(*ids)

    steps = world.steps(lambda: three.config.watch(0.001, derive))
    assert [next(iter(steps)).node_ids for _ in range(3)] == [(1, 2), (2, 3), (1,)]
    steps.close()
    with pytest.raises(ValueError, match="positive"):
        world.do(lambda: three.config.watch(0, derive))
    with world.using(lambda: world.api.connect(three.addresses)) as config:
        steps = world.steps(lambda: config.watch(3600, lambda c: c))
        assert next(iter(steps)) == config
    assert list(steps) == []


def test_closing(world: World, three: PlainCluster) -> None:
    config = three.connect()
    waiting = world.start(lambda: ask(config, Text(text="silent")).async_all())
    three.all_have_seen("silent")
    for service in three.services:
        service.open_all()
    world.do(config.close)
    world.do(config.close)
    assert waiting.exception(10) is None or isinstance(waiting.exception(10), gorums.IncompleteError)
    with pytest.raises(gorums.NodeClosedError):
        world.do(lambda: echo(config[0], Text()))
