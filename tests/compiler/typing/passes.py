"""What type checkers must make of generated code. Checked, never run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import assert_type

from google.protobuf.empty_pb2 import Empty

import pygorums as gorums
from tests.protos.calls_gorums import ASK, FOLLOW, NOTE, CallsServer, ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text


async def rpcs(node: gorums.Node) -> None:
    assert_type(echo(node, Text(text="a")), asyncio.Future[Text])
    assert_type(await echo(node, Text(), timeout=1.5), Text)
    await echo(node, Text(), timeout=None, metadata={"a": "b"}, interceptors=[])
    await echo(node, Text(), metadata=[("a", "b"), ("a", "c")])


async def one_way_calls(node: gorums.Node, config: gorums.Configuration) -> None:
    assert_type(note(node, Text()), asyncio.Future[None])
    assert_type(spread(config, Text()), asyncio.Future[None])
    await note(node, Text(), timeout=1, ignore_errors=True)
    await spread(config[:2], Text(), ignore_errors=True)


async def quorum_calls(config: gorums.Configuration) -> None:
    assert_type(ask(config, Text()), gorums.Responses[Text])
    assert_type(await ask(config, Text()).majority(), Text)
    assert_type(await ask(config, Text()).threshold(2), Text)
    assert_type(ask(config, Text()).async_all(), asyncio.Future[Text])
    assert_type(await ask(config, Text()).collect_all(), dict[int, Text])
    async for response in ask(config, Text(), timeout=1).ignore_errors():
        assert_type(response, gorums.NodeResponse[Text])


async def streaming_quorum_calls(config: gorums.Configuration) -> None:
    assert_type(follow(config, Text()), gorums.Responses[Text])
    assert_type(follow(config, Text()).correctable(2), gorums.Correctable[Text])


async def logged(
    call: gorums.Call[Text, Text], responses: AsyncIterator[gorums.NodeResponse[Text]]
) -> AsyncIterator[gorums.NodeResponse[Text]]:
    async for response in responses:
        yield response


def shortened(request: Text, node: gorums.Node) -> Text | None:
    return Text(text=request.text[: node.id])


async def interceptors(node: gorums.Node, config: gorums.Configuration) -> None:
    await echo(node, Text(), interceptors=[logged])
    await ask(config, Text(), interceptors=[gorums.map_request(shortened), logged]).first()
    await spread(config, Text(), interceptors=[gorums.map_request(shortened)])


def constants() -> None:
    assert_type(ASK, gorums.Method[Text, Text])
    assert_type(FOLLOW, gorums.Method[Text, Text])
    assert_type(NOTE, gorums.Method[Text, Empty])
    assert_type(NOTE.request_class, type[Text])


class AsyncCalls(CallsServer):
    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        ctx.release()
        return request

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None: ...

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None: ...

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return request

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        yield request


class PlainCalls(CallsServer):
    def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return request

    def note(self, ctx: gorums.ServerContext, request: Text) -> None: ...

    def spread(self, ctx: gorums.ServerContext, request: Text) -> None: ...

    def ask(self, ctx: gorums.ServerContext, request: Text) -> Awaitable[Text]:
        return asyncio.sleep(0, request)

    def follow(self, ctx: gorums.ServerContext, request: Text) -> Iterator[Text]:
        yield request


def servers() -> None:
    gorums.Server(AsyncCalls()).register(PlainCalls())
