"""The responses of a call that is sent when the first of them is asked for, or earlier."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, NoReturn, TypeVar

from google.protobuf.message import Message

from pygorums.calls.reply_queue import ReplyQueue
from pygorums.calls.response import NodeResponse

__all__ = ["Source"]

Resp = TypeVar("Resp", bound=Message)


class Source(Generic[Resp]):
    """An asynchronous iterator over the responses of a call, for one reader, that sends the call once.

    Args:
        send: Sends the call.
    """

    __slots__ = ("_queue", "_send")

    def __init__(self, send: Callable[[], ReplyQueue[Resp]]) -> None:
        self._send: Callable[[], ReplyQueue[Resp]] | None = send
        self._queue: ReplyQueue[Resp] | None = None

    def start(self) -> None:
        """Send the call, if that was not done yet."""
        send, self._send = self._send, None
        if send is not None:
            self._queue = send()

    def close(self) -> None:
        """Forget the call; if it was not sent it never will be."""
        self._send = None
        if self._queue is not None:
            self._queue.close()

    @property
    def unsent(self) -> bool:
        """Whether the call was neither sent nor given up."""
        return self._send is not None

    async def aclose(self) -> None:
        """As `close`, for those who read it as any other responses."""
        self.close()

    def abandon(self) -> None:
        """As `close`, from any thread."""
        self._send = None
        if self._queue is not None:
            self._queue.abandon()

    def __del__(self) -> None:
        self.abandon()  # nobody will read it any more

    def __aiter__(self) -> Source[Resp]:
        return self

    def __anext__(self) -> Coroutine[Any, Any, NodeResponse[Resp]]:
        # Not a coroutine of its own: each level costs a step at every response.
        if self._send is not None:
            self.start()
        return _end() if self._queue is None else self._queue.__anext__()


async def _end() -> NoReturn:
    raise StopAsyncIteration
