"""Two kinds of clients of one server: ours, over a stream, and a plain one of gRPC."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
import grpc.aio
from google.rpc.status_pb2 import Status

import pygorums as gorums
from tests.protos.calls_gorums import echo, follow
from tests.protos.calls_pb2 import Text
from tests.support.waiting import LIMIT, within

METADATA = {"who": "a client"}


@dataclass(frozen=True)
class Outcome:
    """What has come of a call: replies, and how it has failed if it has."""

    replies: tuple[str, ...] = ()
    code: str = "OK"
    message: str = ""
    details: tuple[str, ...] = ()


class Client(Protocol):
    """Calls methods of the test service."""

    async def echo(self, text: str) -> Outcome:
        """One reply."""

    async def follow(self, text: str, number: int) -> Outcome:
        """Several."""


class StreamClient:
    """Ours."""

    def __init__(self, config: gorums.Configuration) -> None:
        self._config = config

    async def echo(self, text: str) -> Outcome:
        try:
            return Outcome((str((await within(echo(self._config[0], Text(text=text)))).text),))
        except gorums.StatusError as error:
            return _failed((), error)

    async def follow(self, text: str, number: int) -> Outcome:
        replies: list[str] = []
        async for response in follow(self._config, Text(text=text, number=number), timeout=LIMIT):
            if isinstance(response.error, gorums.StatusError):
                return _failed(replies, response.error)
            replies.append(response.value.text)
        return Outcome(tuple(replies))


def _failed(replies: Any, error: gorums.StatusError) -> Outcome:
    details = tuple(str(each.text) for each in error.details)
    return Outcome(tuple(replies), error.code.name, error.message, details)


class PlainClient:
    """One that knows nothing but gRPC."""

    def __init__(self, channel: grpc.aio.Channel, metadata: Mapping[str, str]) -> None:
        self.channel = channel
        self._metadata = tuple(metadata.items())

    def unary(self, method: str, text: str, reply: Any = Text, **options: Any) -> Any:
        """Begin a call of a method with one reply."""
        call: Any = self.channel.unary_unary(f"/calls.Calls/{method}", Text.SerializeToString, reply.FromString)
        return call(Text(text=text), metadata=self._metadata, timeout=options.get("timeout", LIMIT))

    def raw(self, path: str, request: bytes) -> Any:
        """Begin a call with bytes for a request."""
        call: Any = self.channel.unary_unary(path)
        return call(request)

    def streaming(self, text: str, number: int) -> Any:
        """Begin a call of a method with several."""
        call: Any = self.channel.unary_stream("/calls.Calls/Follow", Text.SerializeToString, Text.FromString)
        return call(Text(text=text, number=number), metadata=self._metadata, timeout=LIMIT)

    async def echo(self, text: str) -> Outcome:
        try:
            return Outcome(((await self.unary("Echo", text)).text,))
        except grpc.aio.AioRpcError as error:
            return _failed_plainly((), error)

    async def follow(self, text: str, number: int) -> Outcome:
        replies: list[str] = []
        try:
            async for reply in self.streaming(text, number):
                replies.append(reply.text)  # noqa: PERF401 - those before an error count
        except grpc.aio.AioRpcError as error:
            return _failed_plainly(replies, error)
        return Outcome(tuple(replies))


def _failed_plainly(replies: Any, error: grpc.aio.AioRpcError) -> Outcome:
    trailers = dict(error.trailing_metadata() or ())
    texts = []
    if "grpc-status-details-bin" in trailers:
        status = Status.FromString(trailers["grpc-status-details-bin"])
        assert (status.code, status.message) == (error.code().value[0], error.details())
        for detail in status.details:
            text = Text()
            assert detail.Unpack(text)
            texts.append(text.text)
    return Outcome(tuple(replies), error.code().name, error.details() or "", tuple(texts))


@asynccontextmanager
async def plain_client(address: str, metadata: Mapping[str, str] = METADATA) -> AsyncIterator[PlainClient]:
    """A plain client of a server."""
    # Channels of one process to one address would share a connection, and its state.
    async with grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield PlainClient(channel, metadata)


@asynccontextmanager
async def client(kind: str, address: str, metadata: Mapping[str, str] = METADATA) -> AsyncIterator[Client]:
    """A client of a server: "stream" or "plain"."""
    if kind == "plain":
        async with plain_client(address, metadata) as plain:
            yield plain
    else:
        async with gorums.connect([address], metadata=metadata) as config:
            yield StreamClient(config)
