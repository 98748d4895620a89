"""The health of a server, as it says itself and as probes are told."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2

import pygorums as gorums
from tests.behaviour.plain.clients import plain_client
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.waiting import within

SERVING, NOT_SERVING, UNKNOWN = "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"


def _call(channel: grpc.aio.Channel, kind: str, name: str) -> Any:
    make = channel.unary_unary if kind == "Check" else channel.unary_stream
    request = health_pb2.HealthCheckRequest(service=name)
    reads = health_pb2.HealthCheckResponse.FromString
    return make(f"/grpc.health.v1.Health/{kind}", type(request).SerializeToString, reads)(request)


async def check(channel: grpc.aio.Channel, name: str) -> str:
    response = await within(_call(channel, "Check", name))
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(response.status))


async def watch(channel: grpc.aio.Channel, name: str) -> AsyncIterator[str]:
    async for response in _call(channel, "Watch", name):
        yield health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)


async def test_probes_are_told() -> None:
    server = gorums.Server(ScriptedCalls(), address="127.0.0.1:0", plain=True)
    assert dict(server.health) == {"": False, "calls.Calls": False}
    async with server, plain_client(server.address) as client:
        channel = client.channel
        assert dict(server.health) == {"": True, "calls.Calls": True}
        with pytest.raises(grpc.aio.AioRpcError, match="NOT_FOUND"):
            await check(channel, "other.Other")
        whole, one, other = (watch(channel, name) for name in ("", "calls.Calls", "other.Other"))
        assert [await within(anext(each)) for each in (whole, one, other)] == [SERVING, SERVING, UNKNOWN]
        server.health["calls.Calls"] = False
        assert await within(anext(one)) == NOT_SERVING
        assert [await check(channel, name) for name in ("", "calls.Calls")] == [SERVING, NOT_SERVING]
        await asyncio.to_thread(server.health.__setitem__, "other.Other", True)
        assert await within(anext(other)) == SERVING
        del server.health["calls.Calls"], server.health["other.Other"]
        assert await within(anext(one)) == SERVING
        assert await within(anext(other)) == UNKNOWN
        server.health[""] = False
        assert [await within(anext(each)) for each in (whole, one)] == [NOT_SERVING, NOT_SERVING]
        server.health[""] = True
        assert [await within(anext(each)) for each in (whole, one)] == [SERVING, SERVING]
        await within(server.drain())
        assert [await within(anext(each)) for each in (whole, one)] == [NOT_SERVING, NOT_SERVING]
        assert await check(channel, "") == NOT_SERVING
    assert dict(server.health) == {"": False, "calls.Calls": False}
    with pytest.raises(KeyError, match="other"):
        server.health["other"]


async def test_those_who_watch_are_told_of_the_stop() -> None:
    service = ScriptedCalls()
    server = gorums.Server(service, address="127.0.0.1:0", plain=True)
    async with server, plain_client(server.address) as client:
        whole = watch(client.channel, "")
        assert await within(anext(whole)) == SERVING
        held = client.unary("Echo", "hold:x")
        await service.has_seen("hold:x")
        stopping = asyncio.ensure_future(server.stop(10))
        assert await within(anext(whole)) == NOT_SERVING
        service.open_all()
        await within(held)
        await within(stopping)


async def test_a_system_is_ready_when_its_peers_are_there() -> None:
    def ready(config: gorums.Configuration) -> bool:
        return len(config) == 2

    options: Any = {"plain": True, "ready": ready, "backoff": QUICK}
    async with gorums.local_systems(2, ScriptedCalls, **options) as (one, two), plain_client(one.address) as client:
        whole = watch(client.channel, "")
        if (status := await within(anext(whole))) == NOT_SERVING:
            status = await within(anext(whole))
        assert status == SERVING
        await two.stop()
        assert await within(anext(whole)) == NOT_SERVING
        assert not one.server.health["calls.Calls"]


async def test_a_condition_that_fails_does_not_hold(caplog: pytest.LogCaptureFixture) -> None:
    def ready(config: gorums.Configuration) -> bool:
        raise LookupError("oops")

    server = gorums.Server(ScriptedCalls(), address="127.0.0.1:0", plain=True, ready=ready)
    async with server, plain_client(server.address) as client:
        assert await check(client.channel, "") == NOT_SERVING
    assert "the condition ready= failed" in caplog.text


@pytest.mark.parametrize("plain", [False, gorums.Plain(health=False)])
async def test_a_condition_needs_somebody_who_is_told(plain: Any) -> None:
    with pytest.raises(gorums.ConfigurationError, match="give plain=True"):
        gorums.Server(plain=plain, ready=lambda config: True)


async def test_without_health_there_is_none() -> None:
    server = gorums.Server(ScriptedCalls(), address="127.0.0.1:0", plain=gorums.Plain(health=False))
    async with server, plain_client(server.address) as client:
        with pytest.raises(grpc.aio.AioRpcError, match="UNIMPLEMENTED"):
            await check(client.channel, "")
        assert (await client.echo("ok")).replies == ("ok",)
