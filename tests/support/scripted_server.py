"""A server of the node stream that does what a test tells it, message by message.

It uses nothing of pygorums but the frame messages. Left alone it behaves as a Go peer does: its initial
metadata goes out with its first reply, it confirms no extension and batches nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio
from google.rpc.status_pb2 import Status

from pygorums.wire.stream_pb2 import Frame, Message
from tests.support.frames import NODE_STREAM, messages_in, reply

Script = Callable[["ServerStream"], Awaitable[None]]
# What is answered to a payload: a payload, a status, or nothing.
Answer = Callable[[bytes], bytes | Status | None]


class ServerStream:
    """A stream that a client opened, seen from the server.

    Attributes:
        metadata: what the client sent with the stream, as pairs in order.
        received: every frame that was read so far, as bytes.
    """

    def __init__(self, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        self.metadata = [(key, value) for key, value in context.invocation_metadata() or ()]
        self.received: list[bytes] = []
        self._context = context

    @property
    def messages(self) -> list[Message]:
        """Every message that was read so far, envelopes taken apart."""
        return [message for raw in self.received for message in messages_in(Frame.FromString(raw))]

    def offered(self, name: str) -> str | None:
        """The value of an entry of the client's metadata."""
        return next((str(value) for key, value in self.metadata if key == name), None)

    async def confirm(self, *pairs: tuple[str, str | bytes]) -> None:
        """Sends the initial metadata now."""
        await self._context.send_initial_metadata(pairs)

    async def receive(self) -> Frame | None:
        """The client's next frame; None when it has ended its side."""
        raw: Any = await self._context.read()
        if raw is grpc.aio.EOF:
            return None
        self.received.append(raw)
        return Frame.FromString(raw)

    async def send(self, message: Message | Frame | bytes) -> None:
        """Sends one frame."""
        await self._context.write(message if isinstance(message, bytes) else message.SerializeToString())

    async def abort(self, code: grpc.StatusCode, text: str) -> None:
        """Ends the stream with an error."""
        await self._context.abort(code, text)


async def swallow(stream: ServerStream) -> None:
    """A script: reads everything and never says anything."""
    while await stream.receive() is not None:
        pass


def answering(answers: Mapping[str, Answer]) -> Script:
    """A script: answers each message by its method, in order, one frame a reply."""

    async def script(stream: ServerStream) -> None:
        while (frame := await stream.receive()) is not None:
            for message in messages_in(frame):
                if message.HasField("status"):
                    continue  # the client's answer to something that the test made the server say
                match answers[message.method](message.payload):
                    case None:
                        pass
                    case Status() as status:
                        await stream.send(reply(message, status=status))
                    case payload:
                        await stream.send(reply(message, payload))

    return script


class ScriptedServer:
    """Runs `script` for each stream that is opened.

    Attributes:
        streams: every stream that was opened so far, the oldest first.
    """

    def __init__(self, script: Script) -> None:
        self.streams: list[ServerStream] = []
        self.address = ""
        self._script = script
        self._server: grpc.aio.Server | None = None
        self._failures: list[Exception] = []
        self._opened = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self, address: str = "127.0.0.1:0") -> str:
        """Listens; returns the address with its real port."""
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        service, method = NODE_STREAM.strip("/").split("/")
        handler: Any = grpc.stream_stream_rpc_method_handler(self._serve)
        generic = grpc.method_handlers_generic_handler(service, {method: handler})
        self._server.add_generic_rpc_handlers([generic])
        port = self._server.add_insecure_port(address)
        await self._server.start()
        self.address = f"127.0.0.1:{port}"
        return self.address

    async def stop(self) -> None:
        """Ends everything; raises what a script raised."""
        assert self._server is not None
        await self._server.stop(None)
        if self._failures:
            raise ExceptionGroup("a script of the scripted server failed", self._failures)

    async def opened(self, count: int) -> ServerStream:
        """Waits until `count` streams have been opened in all, and returns the newest of them."""
        async with self._opened:
            await self._opened.wait_for(lambda: len(self.streams) >= count)
        return self.streams[count - 1]

    async def _serve(self, requests: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        stream = ServerStream(context)
        self.streams.append(stream)
        async with self._opened:
            self._opened.notify_all()
        try:
            await self._script(stream)
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            self._failures.append(error)
            raise
