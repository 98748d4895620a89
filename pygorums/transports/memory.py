"""Streams within a process, for tests of what runs on a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.transports.interface import ConnectionLostError
from pygorums.transports.telling import Telling
from pygorums.wire.handshake import Pairs

__all__ = ["MemoryAcceptor", "MemoryTransport", "memory_connector"]


class _End(Telling):
    """One end. What the other end writes it gets at once; with `Telling.pause` that end may write no more."""

    at_once = 0
    heard_at = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.other: _End | None = None
        self.over: StatusError | None = None
        self._full = False

    def write(self, messages: Sequence[bytes], /) -> bool:
        """Write messages; taken unless the other end has paused."""
        other = self.other
        if self.over is not None or other is None:
            return False
        self._before_writing()
        other.tell(messages)
        self._full = other._paused
        return not self._full

    def _before_writing(self) -> None:
        """Do what has to be done before the first message."""

    def resume(self) -> None:
        """Tell of messages again."""
        super().resume()
        other = self.other
        if other is not None and other._full and other._user is not None:
            other._full = False
            asyncio.get_running_loop().call_soon(other._user.writable)

    def break_off(self, error: StatusError) -> None:
        """End both directions with `error`."""
        for end in (self, self.other):
            if end is not None and end.over is None:
                end.over = error
                asyncio.get_running_loop().call_soon(end._tell_break, error)

    def _tell_break(self, error: StatusError) -> None:
        self.resume()
        self.tell_end(error)


class MemoryAcceptor(_End):
    """The acceptor's end: sees the opener's metadata, answers with its own, and can cut the stream.

    It is used, as any accepted stream, or read by hand with `receive`.
    """

    peer = "memory"

    def __init__(self, metadata: Pairs, opener: MemoryTransport) -> None:
        super().__init__()
        self.metadata = metadata
        self.other = opener
        opener.other = self
        self._confirmed = False
        self._by_hand: _ByHand | None = None

    def confirm(self, metadata: Pairs, /) -> None:
        """Send our metadata."""
        if not self._confirmed:
            self._confirmed = True
            assert self.other is not None
            self.other.tell_answered(metadata)

    def _before_writing(self) -> None:
        self.confirm(())

    async def receive(self) -> bytes | None:
        """The opener's next message; None once it has finished."""
        if self._by_hand is None:
            self._by_hand = _ByHand()
            self.use(self._by_hand)
        return await self._by_hand.next()

    def leave(self) -> None:
        """Say that this connection will end before long."""
        if self.other is not None and self.other._user is not None:
            self.other._user.leaving()

    def cut(self, error: StatusError | None = None) -> None:
        """Break the stream; both ends get `error`."""
        self.break_off(error or ConnectionLostError("the stream was cut"))


class _ByHand:
    """A user that keeps what it is told."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._error: StatusError | None = None

    def answered(self, metadata: Pairs, /) -> None:
        """Never called at this end."""

    def received(self, messages: Sequence[bytes], /) -> None:
        for message in messages:
            self._queue.put_nowait(message)

    def writable(self) -> None:
        """Nobody waits for that."""

    def leaving(self) -> None:
        """Nobody minds."""

    def ended(self, error: StatusError | None, /) -> None:
        self._error = error
        self._queue.put_nowait(None)

    async def next(self) -> bytes | None:
        message = await self._queue.get()
        if message is None and self._error is not None:
            raise self._error
        return message


class MemoryTransport(_End):
    """The opener's end of a stream within a process."""

    def __init__(self) -> None:
        super().__init__()
        self.refusal: StatusError | None = None
        self.silent = False

    async def opened(self) -> None:
        """Done at once, or raises what the stream was refused with."""
        if self.refusal is not None:
            raise self.refusal

    def finish(self) -> None:
        """Tell the acceptor that no more messages come."""
        if self.other is not None and self.over is None:
            self.other.tell_end(None)

    def abort(self, error: StatusError, /) -> None:
        """End the stream with `error`."""
        self.break_off(error)

    def close(self) -> Awaitable[None]:
        """End the stream."""
        self.break_off(StreamDownError("the stream was closed"))
        self.forget()
        closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        closed.set_result(None)
        return closed


def memory_connector(
    accept: Callable[[MemoryAcceptor], StatusError | None],
) -> Callable[[Pairs], MemoryTransport]:
    """A connector whose streams are handed to `accept`, which may refuse one by returning an error."""

    def connect(metadata: Pairs, /) -> MemoryTransport:
        transport = MemoryTransport()
        transport.refusal = accept(MemoryAcceptor(metadata, transport))
        return transport

    return connect
