"""The server's part of the baselines, and how a server tells what it uses, beside the benchmark service."""

import asyncio
import json
from typing import Any

import grpc
import grpc.aio

from benchmarks.benchmark_pb2 import Echo
from benchmarks.measuring.usage import Usage
from benchmarks.servers.service import SLOW, BenchmarkImpl

__all__ = ["BOUNCE", "ECHO", "HISTOGRAM", "SLOW_ECHO", "USAGE", "add_baselines"]

_SERVICE = "benchmarks.Baseline"

ECHO = f"/{_SERVICE}/Echo"
SLOW_ECHO = f"/{_SERVICE}/SlowEcho"
BOUNCE = f"/{_SERVICE}/Bounce"
USAGE = f"/{_SERVICE}/Usage"
HISTOGRAM = f"/{_SERVICE}/Histogram"


async def _echo(request: Echo, _: Any) -> Echo:
    return request


async def _slow_echo(request: Echo, _: Any) -> Echo:
    await asyncio.sleep(SLOW)
    return request


async def _bounce(_: Any, context: Any) -> None:
    while (message := await context.read()) is not grpc.aio.EOF:
        await context.write(message)


async def _usage(_: bytes, __: Any) -> bytes:
    return Usage.now().encoded()


def add_baselines(server: grpc.aio.Server, service: BenchmarkImpl) -> None:
    """Let a gRPC server, which is not started yet, also serve what pygorums is compared with."""

    async def histogram(_: bytes, __: Any) -> bytes:
        return json.dumps(service.stats.histogram.counts).encode()

    def unary(handler: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(
            handler, request_deserializer=Echo.FromString, response_serializer=Echo.SerializeToString
        )

    handlers = {
        "Echo": unary(_echo),
        "SlowEcho": unary(_slow_echo),
        "Bounce": grpc.stream_stream_rpc_method_handler(_bounce),
        "Usage": grpc.unary_unary_rpc_method_handler(_usage),
        "Histogram": grpc.unary_unary_rpc_method_handler(histogram),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))
