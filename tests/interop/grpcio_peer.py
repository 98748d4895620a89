"""A peer of grpc.aio alone, in a process of its own: `python -m tests.interop.grpcio_peer serve|call ADDRESS …`.

It has nothing of pygorums but the messages. With FOLDER it uses the certificates there, and a server that is `mutual`
asks its clients for theirs.

A server prints `listening ADDRESS`, and reads `stop SECONDS` from its standard input. What a request's text asks for:

    fail       the status FAILED_PRECONDITION
    silent     nothing, until another request comes over the same stream, which is answered after it, or none any more
    metadata   the stream's metadata that begin with `key`, and what the certificate says of the client
    large      a reply with so many bytes
    abort      the stream ends with a status
    end        the stream ends in peace

A client reads operations as JSON from its standard input, one a line, and prints what came of each.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.rpc.status_pb2 import Status

from pygorums.wire.stream_pb2 import Message
from tests.protos.calls_pb2 import Text
from tests.support.frames import NODE_STREAM, reply, request

CALLS = "calls.Calls."


def shown(metadata: Any) -> list[str]:
    """Metadata as texts; bytes in hexadecimal."""
    pairs = [(key, value.hex() if isinstance(value, bytes) else value) for key, value in metadata or ()]
    return [f"{key}={value}" for key, value in pairs if key.startswith("key")]


class Server:
    """Its end of streams."""

    def __init__(self) -> None:
        self.noted = 0

    async def serve(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        kept: list[Message] = []
        async for data in requests:
            message = Message.FromString(data)
            text = Text.FromString(message.payload)
            method = message.method.removeprefix(CALLS)
            if method in ("Note", "Spread"):
                self.noted += 1
            elif text.text == "silent":
                kept.append(message)
            elif text.text == "fail":
                refusal = Status(code=grpc.StatusCode.FAILED_PRECONDITION.value[0], message="refused: é%")
                yield reply(message, status=refusal).SerializeToString()
            elif text.text == "abort":
                await context.abort(grpc.StatusCode.ABORTED, "enough")
            elif text.text == "end":
                return
            elif method == "Follow":
                for number in range(1, text.number + 1):
                    yield self.answer(message, Text(text=text.text, number=number))
            else:
                for each in kept:
                    yield self.answer(each, Text(text="silent"))
                kept = []
                yield self.answer(message, self.reply_to(text, context))
        for each in kept:
            yield self.answer(each, Text(text="at the end"))

    def reply_to(self, text: Text, context: Any) -> Text:
        if text.text == "metadata":
            names = context.auth_context().get("x509_common_name", [])
            return Text(text=" ".join([*shown(context.invocation_metadata()), *(name.decode() for name in names)]))
        size = text.number if text.text == "large" else len(text.data)
        return Text(text=text.text, number=self.noted, data=bytes(size))

    def answer(self, message: Message, text: Text) -> bytes:
        return reply(message, text.SerializeToString()).SerializeToString()


def options_of(words: list[str]) -> list[tuple[str, Any]]:
    return [(f"grpc.{name}", int(value)) for name, _, value in (word.partition("=") for word in words if "=" in word)]


def pems(folder: Path) -> tuple[bytes, bytes, bytes]:
    """The certificate of the authority, the private key, and the certificate."""
    root, key, chain = ((folder / name).read_bytes() for name in ("root.pem", "key.pem", "chain.pem"))
    return root, key, chain


async def lines() -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        yield line


async def serve(address: str, *words: str) -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 1), *options_of(list(words))])
    service, method = NODE_STREAM.strip("/").split("/")
    handler: Any = grpc.stream_stream_rpc_method_handler(Server().serve)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {method: handler})])
    folders = [Path(word) for word in words if "/" in word]
    if folders:
        root, key, chain = pems(folders[0])
        mutual = "mutual" in words
        secure = grpc.ssl_server_credentials([(key, chain)], root if mutual else None, require_client_auth=mutual)
        port = server.add_secure_port(address, secure)
    else:
        port = server.add_insecure_port(address)
    await server.start()
    print("listening", f"127.0.0.1:{port}", flush=True)
    async for line in lines():
        _, _, seconds = line.partition(" ")
        await server.stop(float(seconds))
        print("stopped", flush=True)
    await server.stop(None)


class Client:
    """Its end of a stream."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel
        self._call: Any = None

    async def open(self, path: str = NODE_STREAM, metadata: Any = ()) -> Any:
        pairs = [(key, bytes.fromhex(value) if key.endswith("-bin") else value) for key, value in metadata]
        self._call = self._channel.stream_stream(path)(metadata=grpc.aio.Metadata(*pairs))

    async def metadata(self) -> Any:
        return [list(map(str, pair)) for pair in await self._call.initial_metadata()]

    async def write(self, method: str, text: str = "", number: int = 0, size: int = 0, seq: int = 1) -> Any:
        payload = Text(text=text, number=number, data=bytes(size)).SerializeToString()
        await self._call.write(request(seq, CALLS + method, payload).SerializeToString())

    async def read(self) -> Any:
        data: Any = await self._call.read()
        if data is grpc.aio.EOF:
            return None
        message = Message.FromString(data)
        text = Text.FromString(message.payload)
        return [message.message_seq_no, message.status.code, message.status.message or text.text, len(text.data)]

    async def half_close(self) -> Any:
        await self._call.done_writing()

    async def cancel(self) -> Any:
        self._call.cancel()

    async def status(self) -> Any:
        return [(await self._call.code()).name, await self._call.details()]


async def call(address: str, *words: str) -> None:
    options = options_of(list(words))
    folders = [Path(word) for word in words if "/" in word]
    if folders:
        secure = grpc.ssl_channel_credentials(*pems(folders[0]))
        channel = grpc.aio.secure_channel(address, secure, options)
    else:
        channel = grpc.aio.insecure_channel(address, options)
    client = Client(channel)
    async for line in lines():
        operation: dict[str, Any] = json.loads(line)
        do: Callable[..., Any] = getattr(client, operation.pop("do"))
        try:
            outcome: Any = await do(**operation)
        except (grpc.aio.AioRpcError, asyncio.CancelledError, asyncio.InvalidStateError) as error:
            outcome = f"error: {type(error).__name__}"
        print(json.dumps(outcome), flush=True)
    await channel.close()


if __name__ == "__main__":
    asyncio.run({"serve": serve, "call": call}[sys.argv[1]](*sys.argv[2:]))
