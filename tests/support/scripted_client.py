"""A client of the node stream that sends what a test tells it, frame by frame.

It uses nothing of pygorums but the frame messages.
"""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio

from pygorums.wire.stream_pb2 import Frame, Message
from tests.support.frames import NODE_STREAM, messages_in
from tests.support.waiting import within


class ScriptedClient:
    """One stream to a server.

    Attributes:
        frames: every frame that came from the server so far, as bytes.
    """

    def __init__(self, address: str, metadata: Sequence[tuple[str, str]] = ()) -> None:
        self.frames: list[bytes] = []
        self._address = address
        self._metadata = metadata
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self._channel = grpc.aio.insecure_channel(self._address, [("grpc.use_local_subchannel_pool", 1)])
        # types-grpcio knows no way to say "bytes in, bytes out".
        method: Any = self._channel.stream_stream(NODE_STREAM)
        self._call = method(metadata=self._metadata)
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call.cancel()
        await self._reader
        await self._channel.close()

    async def _read(self) -> None:
        # The only reader: cancelling a read would end the whole stream.
        try:
            while (raw := await self._call.read()) is not grpc.aio.EOF:
                self.frames.append(raw)
                for message in messages_in(Frame.FromString(raw)):
                    self._messages.put_nowait(message)
        except (grpc.aio.AioRpcError, asyncio.CancelledError):
            pass  # `ended` tells with what status
        self._messages.put_nowait(None)

    async def initial_metadata(self) -> dict[str, str]:
        """What the server said with the stream; waits until it has come."""
        pairs = await within(self._call.initial_metadata())
        return {key: value for key, value in pairs or () if isinstance(value, str)}

    async def send(self, *frames: Message | Frame | bytes) -> None:
        """Sends frames one after the other."""
        for frame in frames:
            raw = frame if isinstance(frame, bytes) else frame.SerializeToString()
            await within(self._call.write(raw))

    async def receive(self) -> Message:
        """The next message, envelopes taken apart."""
        message = await within(self._messages.get())
        if message is None:
            raise AssertionError(f"the server ended the stream: {await self.ended()}")
        return message

    async def receive_all(self, count: int) -> list[Message]:
        """The next `count` messages."""
        return [await self.receive() for _ in range(count)]

    async def half_close(self) -> None:
        """Says that no more frames will be sent."""
        await within(self._call.done_writing())

    async def ended(self) -> tuple[grpc.StatusCode, str]:
        """Waits until the server has ended the stream; its status and text."""
        await within(asyncio.shield(self._reader))
        return await self._call.code(), await self._call.details()
