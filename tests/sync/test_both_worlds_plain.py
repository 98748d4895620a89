"""Servers for plain gRPC clients, in both worlds."""

from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2

import pygorums as gorums
from tests.protos.calls_pb2 import Text
from tests.support.plain_calls import PlainCalls, until
from tests.support.waiting import LIMIT
from tests.support.worlds import World


def call(address: str, method: str, request: Any, reply: Any) -> Any:
    """Call a method with gRPC alone."""
    with grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        made: Any = channel.unary_unary(method, type(request).SerializeToString, reply.FromString)
        return made(request, timeout=LIMIT)


def health(address: str, name: str = "") -> str:
    response = call(
        address,
        "/grpc.health.v1.Health/Check",
        health_pb2.HealthCheckRequest(service=name),
        health_pb2.HealthCheckResponse,
    )
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(response.status))


def test_a_server_answers_plain_clients(world: World) -> None:
    service = PlainCalls()
    with world.using(lambda: world.api.Server(service, address="127.0.0.1:0", plain=True)) as server:
        assert call(server.address, "/calls.Calls/Echo", Text(text="x"), Text) == Text(text="x", number=1)
        assert service.contexts[0].server is server
        with pytest.raises(grpc.RpcError, match="server 1 refuses"):
            call(server.address, "/calls.Calls/Ask", Text(text="fail"), Text)
        assert health(server.address, "calls.Calls") == "SERVING"
        server.health["calls.Calls"] = False
        assert health(server.address, "calls.Calls") == "NOT_SERVING"
        assert dict(server.health) == {"": True, "calls.Calls": False}


def test_a_system_says_when_it_is_ready(world: World) -> None:
    seen: list[type[Any]] = []

    def ready(config: Any) -> bool:
        seen.append(type(config))
        return len(config) == 2

    made = world.using(lambda: world.api.local_systems(2, PlainCalls, plain=True, ready=ready))
    with made as (one, two):
        until(lambda: health(one.address) == "SERVING")
        world.do(two.stop)
        until(lambda: health(one.address) == "NOT_SERVING")
        assert not one.server.health[""]
    expected = gorums.Configuration if world.api is gorums else gorums.sync.Configuration
    assert set(seen) == {expected}


def test_only_grpc_can(world: World) -> None:
    with pytest.raises(gorums.ConfigurationError, match="use transport='grpc'"):
        world.do(lambda: world.api.Server(plain=gorums.Plain(), transport="asyncio"))
