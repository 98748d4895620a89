"""Being told of changes, in both worlds: by configurations, servers and systems."""

import threading
from typing import Any

import pytest

import pygorums as gorums
from tests.protos import calls_gorums
from tests.protos.calls_pb2 import Text
from tests.support.plain_calls import PlainCalls, until
from tests.support.waiting import LIMIT
from tests.support.worlds import BlockingWorld, World
from tests.sync.plain_cluster import PlainCluster

ask: Any = calls_gorums.ask
echo: Any = calls_gorums.echo

QUICK = gorums.Backoff(initial=0.02, maximum=0.1)


def told(change: Any) -> tuple[type[Any], int]:
    return type(change), change.node_id


def test_a_configuration_tells(world: World, three: PlainCluster) -> None:
    changes = world.do(lambda: three.config.changes())
    steps = world.steps(lambda: changes)
    world.do(three.servers[1].stop)
    down = next(steps)
    assert told(down) == (gorums.NodeDown, 2)
    assert down.node == three.config[1]
    assert isinstance(down.reason, gorums.StatusError)
    assert changes.missed == 0
    world.do(three.config.close)
    assert list(steps) == []


def test_servers_and_systems_tell(world: World) -> None:
    with world.using(lambda: world.api.local_systems(2, PlainCalls, backoff=QUICK)) as (one, two):
        world.do(lambda: one.wait_for_config(lambda config: len(config) == 2, timeout=LIMIT))
        world.do(lambda: one.outbound.wait_connected(timeout=LIMIT))
        reachable, connected = (world.steps(each.changes) for each in (one, one.server))
        world.do(two.stop)
        assert told(next(reachable)) == (gorums.NodeDown, 2)
        assert told(next(connected)) == (gorums.NodeDown, 2)
        with world.using(
            lambda: world.api.System(two.address, PlainCalls(2), node_id=2, peers={1: one.address, 2: two.address})
        ):
            assert told(next(reachable)) == (gorums.NodeUp, 2)
            assert told(next(connected)) == (gorums.NodeUp, 2)
            for steps in (reachable, connected):
                steps.close()
                assert list(steps) == []


def test_clients_that_serve_calls_are_told_of_in_their_configuration(world: World) -> None:
    own = world.do(lambda: world.api.Server(PlainCalls()))
    with world.using(lambda: world.api.Server(PlainCalls(), address="127.0.0.1:0")) as server:
        every = world.steps(server.changes)
        config = world.do(lambda: world.api.connect([server.address], server=own))
        until(lambda: len(world.do(server.client_config)))
        changes = world.steps(lambda: server.client_config().changes())
        world.do(config.close)
        assert [told(next(changes))[0] for _ in range(2)] == [gorums.NodeDown, gorums.NodeRemoved]
    world.do(own.stop)
    assert list(every) == [], "clients are no peers"


def test_nodes_are_removed_and_peers_replaced(world: World) -> None:
    with world.using(lambda: world.api.local_systems(3, PlainCalls, backoff=QUICK)) as (one, two, three):
        for system in (one, two, three):
            world.do(lambda system=system: system.wait_for_config(lambda config: len(config) == 3, timeout=LIMIT))
        config = world.do(lambda: world.api.connect([two.address, three.address]))
        world.do(lambda: config.wait_connected(timeout=LIMIT))
        world.do(lambda: config.remove_node(2))
        with pytest.raises(gorums.NodeClosedError):
            world.do(lambda: echo(config[1], Text(text="x"), timeout=LIMIT))
        world.do(config.close)

        peers = {1: one.address, 2: two.address}
        changed = world.do(lambda: one.reconfigure(peers, epoch=5))
        assert changed == one.outbound
        assert (changed.node_ids, one.config().node_ids, one.epoch, one.server.epoch) == ((1, 2), (1, 2), 5, 5)
        with pytest.raises(gorums.ConfigurationError):
            world.do(lambda: one.reconfigure(peers, epoch=4))
        server = world.do(lambda: world.api.Server(PlainCalls(), node_id=1))
        world.do(lambda: server.reconfigure(peers))
        assert server.epoch == 1
        world.do(server.stop)


def test_a_server_is_drained(world: World, three: PlainCluster) -> None:
    service, server = three.services[0], three.servers[0]
    changes = world.steps(lambda: three.config.changes())
    held = world.start(lambda: ask(three.config[:1], Text(text="hold:x"), timeout=LIMIT).async_all())
    service.has_seen("hold:x")
    with pytest.raises(TimeoutError, match=r"after 0\.01 s handlers still run for 1 client"):
        world.do(lambda: server.drain(timeout=0.01))
    assert told(next(changes)) == (gorums.NodeDown, 1)
    with pytest.raises(gorums.StreamDownError):
        world.do(lambda: echo(three.config[0], Text(text="x"), timeout=LIMIT))
    assert world.do(lambda: ask(three.config, Text(text="x"), timeout=LIMIT).majority()).text == "x"
    service.open_all()
    world.do(lambda: server.drain(timeout=LIMIT))
    assert held.result(LIMIT).text == "hold:x"


def test_another_thread_ends_the_wait(blocking: PlainCluster) -> None:
    changes = BlockingWorld().do(blocking.config.changes)
    read: list[Any] = []
    reader = threading.Thread(target=lambda: read.extend(changes))
    reader.start()
    changes.close()
    reader.join(LIMIT)
    assert not reader.is_alive()
    assert read == []
