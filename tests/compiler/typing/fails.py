"""What type checkers must refuse: each line that ends with E and a code of mypy's, and no other. Never run."""

from collections.abc import AsyncIterator, Iterator

from google.protobuf.empty_pb2 import Empty

import pygorums as gorums
from tests.protos.calls_gorums import ASK, CallsServer, ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text


async def wrong_targets(node: gorums.Node, config: gorums.Configuration) -> None:
    await echo(config, Text())  # E: call-overload
    await note(config, Text())  # E: call-overload
    await spread(node, Text())  # E: call-overload
    await ask(node, Text()).majority()  # E: call-overload
    follow([node], Text()).correctable(1)  # E: call-overload


async def wrong_requests(node: gorums.Node, config: gorums.Configuration) -> None:
    await echo(node, Empty())  # E: call-overload
    await echo(node, "text")  # E: call-overload
    await ask(config).majority()  # E: call-overload


async def wrong_arguments(node: gorums.Node, config: gorums.Configuration) -> None:
    await echo(node, Text(), 1.0)  # E: call-overload
    await echo(node, Text(), ignore_errors=True)  # E: call-overload
    await echo(node, Text(), timeout="1")  # E: call-overload
    await echo(node, Text(), metadata={"a": 1})  # E: arg-type
    await ask(config, Text(), deadline=1).majority()  # E: call-overload


async def wrong_results(node: gorums.Node, config: gorums.Configuration) -> None:
    await ask(config, Text())  # E: misc
    number: int = await echo(node, Text())  # E: assignment
    empty: Empty = await ask(config, Text()).first()  # E: assignment
    print(number, empty, echo(node, Text()).text)  # E: attr-defined


async def of_empty(
    call: gorums.Call[Empty, Empty], responses: AsyncIterator[gorums.NodeResponse[Empty]]
) -> AsyncIterator[gorums.NodeResponse[Empty]]:
    async for response in responses:
        yield response


async def wrong_interceptors(config: gorums.Configuration) -> None:
    await ask(config, Text(), interceptors=[of_empty]).first()  # E: list-item
    await ask(config, Text(), interceptors=of_empty).first()  # E: call-overload


def wrong_constants() -> None:
    method: gorums.Method[Empty, Text] = ASK  # E: assignment
    print(method)


class MissingHandlers(CallsServer):
    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return request


class WrongHandlers(CallsServer):
    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Empty:  # E: override
        return Empty()

    async def note(self, ctx: gorums.ServerContext, request: Empty) -> None: ...  # E: override

    async def spread(self, request: Text) -> None: ...  # E: override

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:  # E: override
        yield request

    def follow(self, ctx: gorums.ServerContext, request: Text) -> Iterator[Empty]:  # E: override
        yield Empty()


def abstract() -> None:
    gorums.Server(MissingHandlers())  # E: abstract


def forgetful(reply: Text, node: gorums.Node) -> None: ...


def of_other(reply: Empty, node: gorums.Node) -> Empty:
    return reply


async def wrong_judgements(config: gorums.Configuration) -> None:
    gorums.map_response(forgetful)  # E: arg-type
    await ask(config, Text(), interceptors=[gorums.map_response(of_other)]).first()  # E: arg-type
    await ask(config, Text()).collect_quorum(2, check=forgetful)  # E: arg-type
