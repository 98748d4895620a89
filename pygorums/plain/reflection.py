"""Serving gRPC's reflection, under both names that clients ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import grpc
from google.protobuf.descriptor_pool import Default
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection import SERVICE_NAME, aio

__all__ = ["SERVICE", "reflection_handlers"]

SERVICE: str = SERVICE_NAME

_NAMES = (SERVICE, "grpc.reflection.v1.ServerReflection")
"""The messages of both are the same but for their names, which are not sent."""


def reflection_handlers(services: Callable[[], Sequence[str]]) -> Sequence[grpc.GenericRpcHandler]:
    """What tells of the services, whose names `services` gives, and their messages."""

    async def info(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        # One for each client: services may have been registered since the last one came.
        servicer = aio.ReflectionServicer(service_names=services(), pool=_Pool())
        async for response in servicer.ServerReflectionInfo(requests, context):
            yield response

    handler: Any = grpc.stream_stream_rpc_method_handler(
        info,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return [grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": handler}) for name in _NAMES]


class _Pool:
    """The descriptors of the program, which find methods by their names too."""

    def __init__(self) -> None:
        self._pool: Any = Default()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol: str) -> Any:  # noqa: N802 - as the pool has it
        """The file that a symbol is in.

        Raises:
            KeyError: There is no such symbol.
        """
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            service, _, method = symbol.rpartition(".")
            found = self._pool.FindServiceByName(service)
            if method not in found.methods_by_name:
                raise
            return found.file
