"""What type checkers must make of generated code. Checked, never run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from typing import TypeVar, assert_type

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

import pygorums as gorums
from pygorums import quorums as q
from pygorums.gencode import quorum_call
from tests.compiler.corpus.several_services_gorums import ReaderServer
from tests.compiler.corpus.several_services_pb2 import Key, Value
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


async def quorums(config: gorums.Configuration) -> None:
    system = q.zones({"a": config[:3], "b": [4, 5, 6]})
    assert_type(system.reads | q.all_of(7, config[0]), q.Quorums)
    assert_type(await ask(config, Text()).quorum(system.reads), Text)
    assert_type(ask(config, Text()).async_quorum(system.writes), asyncio.Future[Text])
    replies = await ask(config, Text()).filter(lambda response: True).collect_quorum(system.reads)
    assert_type(replies, dict[int, Text])
    assert_type(q.vouched(replies, f=1, key=lambda reply: reply.number), Text | None)
    assert_type(ask(config, Text()).correctable(system.reads), gorums.Correctable[Text])
    strategy = system.strategy(0.9, capacity={1: 2000, 2: (1000, 500)})
    assert_type(await ask(config, Text()).quorum(system.reads, hedge=0.02, first=strategy.reads), Text)
    assert_type(ask(config, Text()).async_majority(hedge="p95", first=config[:2]), asyncio.Future[Text])
    assert_type(await ask(config, Text()).collect_quorum(3, hedge=1, first=[1, 2]), dict[int, Text])


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


def checked(reply: Text, node: gorums.Node) -> Text:
    return reply


async def verified(reply: Text, node: gorums.Node) -> Text:
    return reply


M = TypeVar("M", bound=Message)


def any_reply(reply: M, node: gorums.Node) -> M:
    return reply


async def any_reply_later(reply: M, node: gorums.Node) -> M:
    return reply


async def rejecting(node: gorums.Node, config: gorums.Configuration) -> None:
    await ask(config, Text(), interceptors=[gorums.map_response(checked), gorums.map_response(verified)]).first()
    # One function for methods of several types.
    each, later = gorums.map_response(any_reply), gorums.map_response(any_reply_later)
    await echo(node, Text(), interceptors=[each, later])
    await ask(config, Text(), interceptors=[each, later]).first()
    other: gorums.Method[Empty, Empty] = gorums.Method("m", gorums.CallType.QUORUM_CALL, Empty, Empty)
    await quorum_call(other, config, Empty(), interceptors=[each, later]).first()
    assert_type(
        await ask(config, Text()).collect_quorum(2, check=lambda reply, node: reply.number > 0), dict[int, Text]
    )
    assert_type(await ask(config, Text()).aggregate(largest), int)
    assert_type(ask(config, Text()).send(), gorums.Responses[Text])
    assert_type(config.node(1), gorums.Node)


def largest(replies: Mapping[int, Text]) -> int | None:
    return max((reply.number for reply in replies.values()), default=None)


async def newest(responses: gorums.Responses[Text]) -> Text:
    return await responses.first()


async def tested() -> None:
    await newest(gorums.testing.responses({1: Text(), 2: OSError("down"), 3: gorums.testing.SILENT}))
    responses: gorums.Responses[Text] = gorums.testing.responses({1: [Text(), OSError("down")], 2: Text()})
    await newest(responses)
    blocking: gorums.sync.Responses[Text] = gorums.testing.sync.responses({1: Text(), 2: gorums.testing.SILENT})
    assert_type(blocking.first(), Text)
    assert_type(gorums.testing.responses({1: Text(), 2: Text()}), gorums.Responses[Text])


class TwoServices(PlainCalls, ReaderServer):
    """A class may serve several services."""

    def read(self, ctx: gorums.ServerContext, request: Key) -> Value:
        return Value()


def two_services() -> None:
    gorums.Server(TwoServices())
