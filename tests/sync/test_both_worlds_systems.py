"""Systems of either world: several services, what they are told at the start, settings by node, `async with`."""

import threading
from typing import Any

import pytest

import pygorums as gorums
from pygorums.transports.grpc.listener import GrpcListener
from pygorums.transports.ports import free_port
from pygorums.transports.sockets.listener import SocketListener
from tests.protos import calls_gorums
from tests.protos.calls_pb2 import Text
from tests.support.plain_calls import PlainCalls
from tests.support.worlds import World

ask: Any = calls_gorums.ask
echo: Any = calls_gorums.echo

BEAT = gorums.Method("detector.Detector.Beat", gorums.CallType.RPC, Text, Text)


class Detector(gorums.Service):
    """A second service, which is told of its system."""

    __gorums_methods__ = ((BEAT, "beat"),)

    def __init__(self) -> None:
        self.told: list[tuple[Any, tuple[int, ...], str]] = []
        self.systems: list[Any] = []

    def beat(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.systems.append(ctx.system)
        return Text(text="alive")

    def started(self, system: Any) -> None:
        self.told.append((system, system.outbound.node_ids, threading.current_thread().name))


class AsyncDetector(Detector):
    async def started(self, system: Any) -> None:  # type: ignore[override] # either will do
        self.told.append((system, system.outbound.node_ids, threading.current_thread().name))


def beat(world: World, node: Any) -> str:
    text: str = world.do(lambda: gorums.gencode.rpc(BEAT, node, Text(), timeout=10)).text
    return text


@pytest.mark.parametrize("make", [Detector, AsyncDetector])
def test_several_services_are_told_of_their_system(world: World, make: type[Detector]) -> None:
    detectors = [make() for _ in range(3)]

    def services(node_id: int) -> list[gorums.Service]:
        return [PlainCalls(node_id), detectors[node_id - 1]]

    with world.using(lambda: world.api.local_systems(3, services)) as systems:
        for system, detector in zip(systems, detectors, strict=True):
            assert [told[:2] for told in detector.told] == [(system, (1, 2, 3))]
            assert ("pygorums-started" in detector.told[0][2]) == (make is Detector)
            world.do(lambda system=system: system.outbound.wait_connected(timeout=10))
            assert system.server.system is system
        for node in systems[0].outbound:
            assert beat(world, node) == "alive"
        assert [detector.systems for detector in detectors] == [[system] for system in systems]
        assert world.do(lambda: ask(systems[1].outbound, Text(text="x"), timeout=10).all()).text == "x"


def test_a_service_that_is_registered_later(world: World) -> None:
    before, after = Detector(), PlainCalls()
    with world.using(lambda: world.api.System("127.0.0.1:0", node_id=1, peers=["127.0.0.1:1"])) as system:
        world.do(lambda: system.register(after))
        assert world.do(lambda: echo(system.outbound[0], Text(text="x"), timeout=10)).text == "x"
        with pytest.raises(gorums.ConfigurationError, match="already registered"):
            world.do(lambda: system.register(PlainCalls()))
    system = world.do(lambda: world.api.System("127.0.0.1:0", node_id=1, peers=["127.0.0.1:1"]))
    world.do(lambda: system.register(before))
    world.do(system.start)
    assert [told[0] for told in before.told] == [system]
    world.do(system.stop)


def test_what_started_raises_is_what_start_raises(world: World) -> None:
    class Failing(Detector):
        def started(self, system: Any) -> None:
            raise ZeroDivisionError("at the start")

    peers = ["127.0.0.1:1"]
    system = world.do(lambda: world.api.System("127.0.0.1:0", [PlainCalls(), Failing()], node_id=1, peers=peers))
    with pytest.raises(ZeroDivisionError, match="at the start"):
        world.do(system.start)
    world.do(system.stop)
    address = system.address
    with world.using(lambda: world.api.Server(PlainCalls(), address=address)) as server:  # the port is free
        assert server.address == address


def test_a_method_that_is_called_started_is_a_handler(world: World) -> None:
    method = gorums.Method("race.Race.Started", gorums.CallType.RPC, Text, Text)

    class Race(gorums.Service):
        __gorums_methods__ = ((method, "started"),)

        def started(self, ctx: gorums.ServerContext, request: Text) -> Text:
            return request

    with world.using(lambda: world.api.System("127.0.0.1:0", Race(), node_id=1, peers=["127.0.0.1:1"])) as system:
        assert system.address


def test_waiting_for_a_system(world: World) -> None:
    system = world.do(lambda: world.api.System("127.0.0.1:0", PlainCalls(), node_id=1, peers=["127.0.0.1:1"]))
    for early in (lambda: system.address, system.wait):
        with pytest.raises(RuntimeError, match="not started"):
            world.do(early)
    world.do(system.start)
    waiting = threading.Thread(target=lambda: world.do(system.wait))
    waiting.start()
    assert waiting.is_alive()
    world.do(system.stop)
    waiting.join(10)
    assert not waiting.is_alive()
    world.do(system.wait)


def test_a_server_with_an_address_starts_as_a_system_does(world: World) -> None:
    with world.using(lambda: world.api.Server(PlainCalls(3), address="127.0.0.1:0")) as server:
        config = world.do(lambda: world.api.connect([server.address]))
        assert world.do(lambda: echo(config[0], Text(text="x"), timeout=10)).number == 3
        world.do(config.close)


def test_a_server_without_an_address_does_not_start(world: World) -> None:
    with world.using(lambda: world.api.Server(PlainCalls())) as idle:
        assert not getattr(idle, "asynchronous", idle).was_started
        with pytest.raises(TypeError, match="where to listen"):
            world.do(idle.start)
    with pytest.raises(gorums.ConfigurationError):
        world.do(lambda: world.api.Server(PlainCalls(), address="nonsense"))


def test_a_context_without_a_system(world: World) -> None:
    detector = Detector()
    with world.using(lambda: world.api.Server(detector, address="127.0.0.1:0")) as server:
        config = world.do(lambda: world.api.connect([server.address]))
        with pytest.raises(gorums.StatusError, match="does not belong to a System"):
            beat(world, config[0])
        world.do(config.close)


def test_local_systems_with_settings_by_node(world: World) -> None:
    changes: dict[int, list[tuple[int, ...]]] = {1: [], 2: []}
    known: dict[int, Any] = {}

    def settings(node_id: int) -> Any:
        return {"on_config_change": lambda config: changes[node_id].append(config.node_ids)} if node_id == 1 else {}

    def service(node_id: int) -> gorums.Service:
        known[node_id] = None
        return PlainCalls(node_id)

    options = {"on_config_change": lambda config: changes[2].append(config.node_ids)}
    manager = world.api.local_systems(2, service, settings=settings, **options)
    with world.using(lambda: manager) as systems:
        for system in systems:
            world.do(lambda system=system: system.wait_for_config(lambda config: len(config) == 2, timeout=10))
        assert [node.address for node in systems[0].outbound] == [system.address for system in systems]
        assert changes == {1: [(1,), (1, 2)], 2: [(2,), (1, 2)]}


def test_a_cluster_that_cannot_be_made_leaves_no_port(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bound: list[str] = []
    for kind in (GrpcListener, SocketListener):

        def noting(self: Any, address: str, credentials: Any, bind: Any = kind.bind) -> str:
            bound.append(bind(self, address, credentials))
            return bound[-1]

        monkeypatch.setattr(kind, "bind", noting)

    def settings(node_id: int) -> Any:
        return {"nonsense": 4} if node_id == 2 else {}

    with (
        pytest.raises(TypeError, match="nonsense"),
        world.using(lambda: world.api.local_systems(2, PlainCalls, settings=settings)),
    ):
        raise AssertionError
    assert len(bound) == 2
    for address in bound:
        assert free_port(address, shared=False)
