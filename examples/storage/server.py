"""A replica: the handlers of the service."""
# ruff: noqa: ARG002 - handlers have the signatures of the service, whether they need all of it or not

from collections.abc import AsyncIterator

import grpc

import pygorums as gorums
from examples.storage.state import State
from examples.storage.storage_gorums import StorageServer
from examples.storage.storage_pb2 import ReadRequest, ReadResponse, WriteRequest, WriteResponse

__all__ = ["StorageImpl"]


class StorageImpl(StorageServer):
    """A replica of the store.

    All handlers run on the event loop and none awaits in the middle of what it does, so the state needs no lock.
    """

    def __init__(self) -> None:
        self._state = State()

    async def read_rpc(self, ctx: gorums.ServerContext, request: ReadRequest) -> ReadResponse:
        return self._read(request)

    async def write_rpc(self, ctx: gorums.ServerContext, request: WriteRequest) -> WriteResponse:
        return self._write(request)

    async def write_unicast(self, ctx: gorums.ServerContext, request: WriteRequest) -> None:
        self._write(request)

    async def write_multicast(self, ctx: gorums.ServerContext, request: WriteRequest) -> None:
        self._write(request)

    async def read_qc(self, ctx: gorums.ServerContext, request: ReadRequest) -> ReadResponse:
        return self._read(request)

    async def write_qc(self, ctx: gorums.ServerContext, request: WriteRequest) -> WriteResponse:
        return self._write(request)

    async def read_nested_qc(self, ctx: gorums.ServerContext, request: ReadRequest) -> ReadResponse:
        raise _no_peers("nested reads")

    async def write_nested_multicast(self, ctx: gorums.ServerContext, request: WriteRequest) -> WriteResponse:
        raise _no_peers("nested writes")

    async def read_correctable(self, ctx: gorums.ServerContext, request: ReadRequest) -> AsyncIterator[ReadResponse]:
        # A replica that knew better later on, say after asking others, would yield again.
        yield self._read(request)

    def _read(self, request: ReadRequest) -> ReadResponse:
        entry = self._state.read(request.key)
        if entry is None:
            return ReadResponse(OK=False)
        return ReadResponse(OK=True, value=entry.value, time=entry.time)

    def _write(self, request: WriteRequest) -> WriteResponse:
        return WriteResponse(new=self._state.write(request.key, request.value, request.time))


def _no_peers(what: str) -> gorums.StatusError:
    return gorums.StatusError(
        grpc.StatusCode.UNIMPLEMENTED, f"{what} need servers that know each other, and these do not"
    )
