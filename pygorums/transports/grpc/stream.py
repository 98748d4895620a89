"""One stream of grpc.aio, as both ends have it.

gRPC is asked for messages, and writes one at a time: so a task reads, and writes follow each other. A write that is
cancelled would end the stream. It is a coroutine, but no task runs it: it is stepped by hand until it waits for a
future, and that future's callback goes on. So the next write begins in the very turn in which gRPC is ready for it, and
one that does not have to wait costs no turn at all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.transports.grpc.errors import status_of
from pygorums.transports.interface import StreamUser
from pygorums.transports.telling import Telling

__all__ = ["GrpcStream"]


class GrpcStream(Telling):
    """What both ends have in common.

    Args:
        send: Writes one message.
        receive: Reads one.
        name: What to call the other side.
    """

    at_once = 0
    heard_at = 0.0

    def __init__(
        self, send: Callable[[bytes], Coroutine[Any, Any, None]], receive: Callable[[], Awaitable[object]], name: str
    ) -> None:
        super().__init__()
        self._send = send
        self._receive = receive
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[bytes | Coroutine[Any, Any, None]] = deque()  # what no write has begun for
        self._write: Coroutine[Any, Any, None] | None = None  # that has begun
        self._awaited: asyncio.Future[Any] | None = None  # what it waits for
        self._full = False  # whether the user waits to write again
        self._over = False
        self.reader: asyncio.Task[None] | None = None
        self._resumed: asyncio.Future[None] | None = None  # what that waits for while the user has paused

    def use(self, user: StreamUser, /) -> None:
        """Tell this user from now on."""
        super().use(user)
        self.reader = self._loop.create_task(self._read_on(), name=f"pygorums reader of {self._name}")

    def resume(self) -> None:
        """Tell of messages again."""
        super().resume()
        self._wake_reader()

    def _wake_reader(self) -> None:
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)

    async def _read_on(self) -> None:
        """Tell of messages until there are no more, and why."""
        error: StatusError | None = None
        try:
            await self._before_reading()
            while isinstance(data := await self._receive(), bytes):
                self.tell((data,))
                del data
                while self._paused and not self._over:
                    self._resumed = self._loop.create_future()
                    await self._resumed
                if self._over:
                    # A write has failed. gRPC does not survive a read of a stream that is over.
                    error = self._why_cancelled() or StreamDownError(f"the stream to {self._name} broke")
                    break
        except asyncio.CancelledError:
            if (error := self._why_cancelled()) is None:
                self.tell_end(None)
                raise
        except Exception as raised:
            error = status_of(raised, self._name)
        self.tell_end(error)

    async def _before_reading(self) -> None:
        """Done when messages may come."""

    def _why_cancelled(self) -> StatusError | None:
        """What the stream was aborted with."""
        return None

    def write(self, messages: Sequence[bytes], /) -> bool:
        """Write messages; whether they were taken."""
        if self._over:
            return False
        self._unsent.extend(messages)
        if self._write is None:
            self._proceed(None)
        self._full = self._write is not None or self._over
        return not self._full

    def _proceed(self, awaited: asyncio.Future[Any] | None) -> None:
        """Go on with the write that has waited for `awaited`, and then with further ones until one has to wait."""
        if awaited is not self._awaited or self._over:
            return
        try:
            while self._write is not None or self._unsent:
                write = self._write
                if write is None:
                    item = self._unsent.popleft()
                    write = self._write = self._send(item) if isinstance(item, bytes) else item
                try:
                    self._awaited = write.send(None)
                except StopIteration:
                    self._write = self._awaited = None
                else:
                    if self._awaited is not None:
                        self._awaited.add_done_callback(self._proceed)
                    else:  # it only lets others have their turn
                        self._loop.call_soon(self._proceed, None)
                    return
        except Exception:
            self._stop_writing()
            self._cannot_write()
            return
        if self._full and self._user is not None:
            self._full = False
            self._user.writable()

    def _cannot_write(self) -> None:
        """A write has failed: the stream is over, and who reads it learns why."""

    def _stop_writing(self) -> None:
        self._over = True
        write, self._write = self._write, None
        awaited, self._awaited = self._awaited, None
        if awaited is not None and not awaited.cancel() and not awaited.cancelled():
            awaited.exception()  # or it would be said that nobody has asked for it
        if write is not None:
            with suppress(BaseException):
                write.throw(asyncio.CancelledError())
            write.close()
        while self._unsent:
            item = self._unsent.popleft()
            if not isinstance(item, bytes):
                item.close()

    def let_go(self) -> None:
        """Tell and write nothing more."""
        self.forget()
        self._stop_writing()
        self._wake_reader()
