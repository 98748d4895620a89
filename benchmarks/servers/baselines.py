"""The server's part of the baselines, and how a server tells what it uses, at ports of their own.

The ports are their own because the server beside them may not stand on gRPC, nor R on anything but TCP.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from benchmarks.benchmark_pb2 import Echo
from benchmarks.extras_pb2 import BaselinesResponse
from benchmarks.measuring.usage import Usage
from benchmarks.servers.raw import serve_raw
from benchmarks.servers.service import SLOW, BenchmarkImpl

__all__ = ["BOUNCE", "ECHO", "HISTOGRAM", "SLOW_ECHO", "UNLIMITED", "USAGE", "serve_baselines"]

UNLIMITED = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))
"""gRPC options that let any payload through."""

# The window is that of pygorums on gRPC, so that payloads which do not fit into gRPC's own compare.
_OPTIONS = (
    *UNLIMITED,
    *(("grpc.so_reuseport", 0), ("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 4 << 20)),
)

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


@asynccontextmanager
async def serve_baselines(host: str, service: BenchmarkImpl) -> AsyncIterator[BaselinesResponse]:
    """Serve what pygorums is compared with.

    Args:
        host: Where to listen, as in an address.
        service: Of the server that is measured.
    """
    server = grpc.aio.server(options=_OPTIONS)
    _add_baselines(server, service)
    port = server.add_insecure_port(f"{host}:0")
    await server.start()
    try:
        async with serve_raw(host.strip("[]")) as raw_port:
            yield BaselinesResponse(grpc_port=port, raw_port=raw_port)
    finally:
        await server.stop(None)


def _add_baselines(server: grpc.aio.Server, service: BenchmarkImpl) -> None:

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
