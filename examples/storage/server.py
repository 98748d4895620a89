"""A replica: the handlers of the service."""
# ruff: noqa: ARG002 - handlers have the signatures of the service, whether they need all of it or not

from collections.abc import AsyncIterator

import pygorums as gorums
from examples.storage.quorum import read_newest
from examples.storage.state import State
from examples.storage.storage_gorums import StorageServer, read_qc, write_multicast
from examples.storage.storage_pb2 import ReadRequest, ReadResponse, WriteRequest, WriteResponse

__all__ = ["StorageImpl"]

NESTED_TIMEOUT = 0.8
"""Seconds for a call to the peers: less than clients wait, so that a peer that hangs does not make us late too."""


class StorageImpl(StorageServer):
    """A replica of the store.

    All handlers run on the event loop and none awaits between two looks at the state, so it needs no lock.
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
        peers = _peers(ctx, "read_nested_qc")
        # Later requests of this client, and those that peers nest in theirs, need not wait for ours.
        ctx.release()
        try:
            return await read_newest(read_qc(peers, request, timeout=NESTED_TIMEOUT))
        except gorums.QuorumCallError as error:
            raise _nested_failure("read_nested_qc", error) from error

    async def write_nested_multicast(self, ctx: gorums.ServerContext, request: WriteRequest) -> WriteResponse:
        peers = _peers(ctx, "write_nested_multicast")
        # Our own copy is written now, so that who has the answer reads what was written. The peers' are on their way.
        response = self._write(request)
        ctx.release()
        try:
            await write_multicast(peers, request, timeout=NESTED_TIMEOUT)
        except gorums.QuorumCallError as error:
            raise _nested_failure("write_nested_multicast", error) from error
        return response

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


def _peers(ctx: gorums.ServerContext, what: str) -> gorums.Configuration:
    """The peers that are connected, and this server.

    Raises:
        StatusError: The server was started without peers.
    """
    peers = ctx.config()
    if not peers:
        raise gorums.StatusError(
            gorums.StatusCode.FAILED_PRECONDITION,
            f"{what}: requires server peer configuration; start it with its peers",
        )
    return peers


def _nested_failure(what: str, error: gorums.QuorumCallError) -> gorums.StatusError:
    return gorums.StatusError(gorums.StatusCode.UNAVAILABLE, f"{what}: {error}")
