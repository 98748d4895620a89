"""Servers with plain handlers, systems, and calls made from handlers: the same in both worlds."""

import threading
from typing import Any

import grpc
import pytest

import pygorums as gorums
from tests.protos import calls_gorums
from tests.protos.calls_pb2 import Text
from tests.support.plain_calls import PlainCalls, until
from tests.support.worlds import World
from tests.sync.plain_cluster import PlainCluster

ask: Any = calls_gorums.ask
echo: Any = calls_gorums.echo
spread: Any = calls_gorums.spread


def in_own_world(world: World, ctx: Any, fn: Any) -> Any:
    """Makes a call from a handler's thread, as one would in each world."""
    assert type(ctx.config()) is world.api.Configuration
    return world.do(fn)


def test_plain_handlers_run_in_threads_of_their_own(world: World, three: PlainCluster) -> None:
    """One that blocks stalls its own stream and no other."""
    other = three.connect()
    blocked = world.start(lambda: ask(three.config[:1], Text(text="hold:x")).async_all())
    three.services[0].has_seen("hold:x")
    after = world.start(lambda: ask(three.config[:1], Text(text="after")).async_all())
    assert world.do(lambda: echo(other[0], Text(text="other"))).text == "other"
    assert not blocked.done()
    assert three.services[0].seen == ["hold:x", "other"]
    three.services[0].gates["x"].set()
    assert (blocked.result(10).text, after.result(10).text) == ("hold:x", "after")
    assert all("handler" in name for name in three.services[0].threads)


def test_a_server(world: World) -> None:
    service = PlainCalls()
    with world.using(world.api.Server) as server:
        assert server.node_id == 0
        for early in (lambda: server.address, server.wait):
            with pytest.raises(RuntimeError, match="not started"):
                world.do(early)
        world.do(lambda: server.register(service))
        with pytest.raises(gorums.ConfigurationError, match="already registered"):
            world.do(lambda: server.register(service))
        address = world.do(lambda: server.start("127.0.0.1:0"))
        assert server.address == address
        with pytest.raises(RuntimeError, match="started once"):
            world.do(lambda: server.start("127.0.0.1:0"))
        with world.using(lambda: world.api.connect([address])) as config:
            assert world.do(lambda: echo(config[0], Text(text="x"))).text == "x"
            assert service.contexts[0].server is server
            assert "127.0.0.1" in service.contexts[0].peer
        world.do(lambda: server.stop(grace=1))
        world.do(server.wait)
    with pytest.raises(TypeError, match="instance"):
        world.do(lambda: world.api.Server(PlainCalls))
    with world.using(lambda: world.api.Server(service)) as first:
        taken = world.do(lambda: first.start("127.0.0.1:0"))
        with world.using(lambda: world.api.Server(service)) as second, pytest.raises(OSError, match=taken):
            world.do(lambda: second.start(taken))


def test_interceptors_and_callbacks_of_a_server(world: World) -> None:
    connected: list[Any] = []
    changes: list[Any] = []

    async def guard(ctx: Any, request: Any, call_next: Any) -> Any:
        if request.text == "secret":
            raise gorums.StatusError(grpc.StatusCode.PERMISSION_DENIED, "not for you")
        return await call_next(ctx, Text(text=request.text + "!"))

    def refuse(claim: Any) -> None:
        if "bad" in claim.metadata:
            raise gorums.StatusError(grpc.StatusCode.UNAUTHENTICATED, "who are you?")

    options: Any = {
        "node_id": 1,
        "peers": ["127.0.0.1:1", "127.0.0.1:2"],
        "interceptors": [guard],
        "on_connect": connected.append,
        "on_config_change": changes.append,
        "authorize": refuse,
    }
    with world.using(lambda: world.api.Server(PlainCalls(), **options)) as server:
        address = world.do(lambda: server.start("127.0.0.1:0"))
        with world.using(lambda: world.api.connect([address])) as config:
            assert world.do(lambda: echo(config[0], Text(text="x"))).text == "x!"
            with pytest.raises(gorums.StatusError, match="not for you"):
                world.do(lambda: echo(config[0], Text(text="secret")))
        with world.using(lambda: world.api.connect([address], metadata={"bad": "1"})) as config:
            until(lambda: config[0].last_error is not None)
            assert "who are you?" in str(config[0].last_error)
        assert [ctx.server for ctx in connected] == [server]
        assert [(type(c), c.node_ids) for c in changes] == [(world.api.Configuration, (1,))]
        assert server.config().node_ids == (1,)
        assert server.client_config().node_ids == ()
        assert world.do(lambda: ask(server.config(), Text(text="self")).all()).text == "self!"


def test_a_system(world: World) -> None:
    changes: list[Any] = []
    peers = {1: "127.0.0.1:1"}
    system = world.do(
        lambda: world.api.System(
            "127.0.0.1:0", PlainCalls(), node_id=1, peers=peers, on_config_change=lambda config: changes.append(config)
        )
    )
    with pytest.raises(RuntimeError, match="not started"):
        _ = system.outbound
    with world.using(lambda: system):
        assert system.node_id == 1
        assert system.address is not None
        assert [(type(c), c.node_ids) for c in changes] == [(world.api.Configuration, (1,))]
        assert world.do(lambda: ask(system.outbound, Text(text="self")).all()).text == "self"
        assert type(system.config()) is world.api.Configuration
        assert system.client_config().node_ids == ()
    with pytest.raises(gorums.ConfigurationError, match="not among the peers"):
        world.do(lambda: world.api.System("127.0.0.1:0", PlainCalls(), node_id=2, peers=peers))
    with pytest.raises(gorums.StoppedError):
        world.do(lambda: system.wait_for_config(lambda config: len(config) == 5))


def test_systems_call_each_other(world: World) -> None:
    services: dict[int, PlainCalls] = {}
    makers: set[str] = set()

    def make(node_id: int) -> PlainCalls:
        makers.add(threading.current_thread().name)
        return services.setdefault(node_id, PlainCalls(node_id))

    with world.using(lambda: world.api.local_systems(3, make)) as systems:
        assert makers <= {"MainThread", "tests-asyncio"}, "it may make calls of its own"
        conditions: set[type] = set()

        def all_three(config: Any) -> bool:
            conditions.add(type(config))
            return len(config) == 3

        for system in systems:
            config = world.do(lambda s=system: s.wait_for_config(all_three, timeout=10))
            assert config.node_ids == (1, 2, 3)
            assert config == system.config()
            assert [node.is_inbound for node in config] == [node.id != system.node_id for node in config]
        assert conditions == {world.api.Configuration}
        for system in systems:
            assert world.do(lambda s=system: ask(s.config(), Text(text="in")).all()).text == "in"
            assert world.do(lambda s=system: ask(s.outbound, Text(text="out")).all()).text == "out"
        with pytest.raises(TimeoutError, match="the condition does not hold"):
            world.do(lambda: systems[0].wait_for_config(lambda config: len(config) == 4, timeout=0.02))
        with pytest.raises(TimeoutError):
            world.do(lambda: systems[0].wait_for_client_config(lambda config: len(config) == 1, timeout=0.02))
    with pytest.raises(ValueError, match="at least one"):
        world.do(lambda: world.api.local_systems(0, make))


def test_a_plain_handler_calls_the_other_nodes(world: World) -> None:
    services: dict[int, PlainCalls] = {}

    def make(node_id: int) -> PlainCalls:
        service = services[node_id] = PlainCalls(node_id)
        service.nested = lambda ctx: in_own_world(world, ctx, lambda: ask(ctx.config(), Text(text="asked")).all()).text
        return service

    with world.using(lambda: world.api.local_systems(3, make)) as systems:
        for system in systems:
            world.do(lambda s=system: s.wait_for_config(lambda config: len(config) == 3, timeout=10))
        replies = [
            world.start(
                lambda n=node: ask(systems[0].outbound.remove(*({1, 2, 3} - {n.id})), Text(text="x")).async_all()
            )
            for node in systems[0].outbound
        ]
        assert [reply.result(10).text for reply in replies] == ["x"] * 3
        for node in systems[0].outbound:
            assert world.do(lambda n=node: echo(n, Text(text="nested"))).text == "asked"
        assert all(service.seen.count("asked") == 3 for service in services.values())


def test_calls_back_to_clients(world: World, three: PlainCluster) -> None:
    """A client that serves: the node calls it back over the connection that the client has opened."""
    client = PlainCalls(7)
    answering = world.do(lambda: world.api.Server(client))
    config = three.connect(server=answering)

    def back(ctx: Any) -> str:
        clients = ctx.client_config()
        assert len(clients) == 1
        return str(in_own_world(world, ctx, lambda: ask(clients, Text(text="back")).first()).number)

    three.services[0].nested = back
    assert world.do(lambda: echo(config[0], Text(text="nested"))).text == "7"
    (ctx,) = client.contexts
    assert ctx.server is answering
    assert ctx.peer_id is None or ctx.peer_id == 1
    until(lambda: all(len(server.client_config()) == 1 for server in three.servers))
    world.do(lambda: spread(three.servers[1].client_config(), Text(text="news")))
    client.has_seen("news")
    with pytest.raises(gorums.ConfigurationError, match="stop the server"):
        world.do(three.servers[0].client_config().close)
    world.do(answering.stop)
