"""Serving ``grpc.health.v1.Health``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2

from pygorums.serving.health import Health

__all__ = ["SERVICE", "health_handler"]

SERVICE = "grpc.health.v1.Health"

_STATUSES = health_pb2.HealthCheckResponse.ServingStatus


def health_handler(health: Health, peers_changed: Callable[[], Awaitable[None]]) -> grpc.GenericRpcHandler:
    """What tells the health of a server.

    Args:
        health: The health.
        peers_changed: Waits for the next change of what the server's ``ready=`` condition may look at.
    """

    async def check(request: Any, context: Any) -> Any:
        if request.service not in health:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no service {request.service}")
        return health_pb2.HealthCheckResponse(status=_status(health, request.service))

    async def watch(request: Any, context: Any) -> None:
        told = None
        while True:
            # Before it is looked at, so that no change is missed.
            waiting = {health.change(), asyncio.ensure_future(peers_changed())}
            try:
                if (status := _status(health, request.service)) != told:
                    await context.write(health_pb2.HealthCheckResponse(status=status))
                    told = status
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waiting:
                    each.cancel()

    reads = health_pb2.HealthCheckRequest.FromString
    writes = health_pb2.HealthCheckResponse.SerializeToString
    methods: dict[str, Any] = {
        "Check": grpc.unary_unary_rpc_method_handler(check, reads, writes),
        "Watch": grpc.unary_stream_rpc_method_handler(watch, reads, writes),
    }
    return grpc.method_handlers_generic_handler(SERVICE, methods)


def _status(health: Health, name: str) -> Any:
    healthy = health.get(name)
    if healthy is None:
        return _STATUSES.SERVICE_UNKNOWN
    return _STATUSES.SERVING if healthy else _STATUSES.NOT_SERVING
