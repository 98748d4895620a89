"""Streams within a process, for tests of what runs on a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.streams.transport import ConnectionLostError
from pygorums.wire.handshake import Pairs

__all__ = ["MemoryAcceptor", "MemoryTransport", "memory_connector"]


class _Pipe:
    """Frames on their way in one direction, and how the way ended."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._failure: StatusError | None = None

    def put(self, frame: bytes | None) -> None:
        self._queue.put_nowait(frame)

    def fail(self, error: StatusError) -> None:
        self._failure = self._failure or error
        self._queue.put_nowait(None)

    def check(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def get(self) -> bytes | None:
        frame = await self._queue.get()
        if frame is None:
            self.check()
        return frame


class MemoryAcceptor:
    """The acceptor's end: sees the opener's metadata, answers with its own, and can cut the stream."""

    def __init__(self, metadata: Pairs, opener: MemoryTransport) -> None:
        self.metadata = metadata
        self._opener = opener

    def confirm(self, metadata: Pairs, /) -> Awaitable[None]:
        """Send our metadata, which is done at once."""
        if not self._opener.metadata.done():
            self._opener.metadata.set_result(metadata)
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sent.set_result(None)
        return sent

    async def send(self, frame: bytes, /) -> None:
        """Send a frame to the opener."""
        self._opener.incoming.check()
        self.confirm(())
        self._opener.incoming.put(frame)

    async def receive(self) -> bytes | None:
        """The opener's next frame; None once it has finished."""
        return await self._opener.outgoing.get()

    def cut(self, error: StatusError | None = None) -> None:
        """Break the stream; both ends get `error`."""
        self._opener.break_off(error or ConnectionLostError("the stream was cut"))

    def error(self, raised: Exception, /) -> StatusError:
        """What `send` or `receive` raised, as a status."""
        return raised if isinstance(raised, StatusError) else StreamDownError("the stream is down")


class MemoryTransport:
    """The opener's end of a stream within a process."""

    def __init__(self, refusal: StatusError | None) -> None:
        self.outgoing = _Pipe()
        self.incoming = _Pipe()
        self.metadata: asyncio.Future[Pairs] = asyncio.get_running_loop().create_future()
        self.aborted: StatusError | None = None
        self._refusal = refusal

    def break_off(self, error: StatusError) -> None:
        """End both directions with `error`."""
        self.outgoing.fail(error)
        self.incoming.fail(error)
        if not self.metadata.done():
            self.metadata.set_result(())

    async def opened(self) -> Pairs | None:
        """Done at once, or raises what the stream was refused with."""
        if self._refusal is not None:
            raise self._refusal
        return self.metadata.result() if self.metadata.done() else None

    async def accepted(self) -> Pairs:
        """The acceptor's metadata, once it has sent them or its first frame."""
        return await asyncio.shield(self.metadata)

    async def send(self, frame: bytes, /) -> None:
        """Send a frame to the acceptor, who gets it at once; done in the next turn of the loop."""
        self.outgoing.check()
        self.outgoing.put(frame)
        await asyncio.sleep(0)

    async def receive(self) -> bytes | None:
        """The acceptor's next frame."""
        return await self.incoming.get()

    async def finish(self) -> None:
        """Tell the acceptor that no more frames come."""
        self.outgoing.put(None)

    def abort(self, error: StatusError, /) -> None:
        """End the stream with `error`."""
        self.aborted = error
        self.break_off(error)

    async def close(self) -> None:
        """End the stream."""
        self.break_off(StreamDownError("the stream was closed"))

    def error(self, raised: Exception, /) -> StatusError:
        """What `send` or `receive` raised, as a status."""
        return raised if isinstance(raised, StatusError) else StreamDownError("the stream is down")


def memory_connector(
    accept: Callable[[MemoryAcceptor], StatusError | None],
) -> Callable[[Pairs], MemoryTransport]:
    """A connector whose streams are handed to `accept`, which may refuse one by returning an error."""

    def connect(metadata: Pairs, /) -> MemoryTransport:
        transport = MemoryTransport(None)
        transport._refusal = accept(MemoryAcceptor(metadata, transport))
        return transport

    return connect
