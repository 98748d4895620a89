"""What type checkers must refuse where the asyncio and the blocking world are mixed up. As fails.py; never run."""

from collections.abc import AsyncIterator, Iterator

import pygorums as gorums
from pygorums import sync
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text


async def awaiting_what_has_blocked(node: sync.Node, config: sync.Configuration) -> None:
    await echo(node, Text())  # E: misc
    await note(node, Text())  # E: misc
    await spread(config, Text())  # E: misc
    await ask(config, Text()).majority()  # E: misc
    await ask(config, Text()).async_majority()  # E: misc
    async for _ in ask(config, Text()):  # E: attr-defined
        pass


def not_awaiting(node: gorums.Node, config: gorums.Configuration) -> None:
    text: Text = echo(node, Text())  # E: assignment
    first: Text = ask(config, Text()).first()  # E: assignment
    print(text, first)
    for _ in ask(config, Text()):  # E: attr-defined
        pass


def wrong_targets(node: sync.Node, config: sync.Configuration) -> None:
    echo(config, Text())  # E: call-overload
    note(config, Text())  # E: call-overload
    spread(node, Text())  # E: call-overload
    ask(node, Text()).majority()  # E: call-overload
    follow([node], Text()).correctable(1)  # E: call-overload


def wrong_results(config: sync.Configuration) -> None:
    responses: gorums.Responses[Text] = ask(config, Text())  # E: assignment
    correctable: gorums.Correctable[Text] = follow(config, Text()).correctable(1)  # E: assignment
    print(responses, correctable)


def plain(
    call: gorums.Call[Text, Text], responses: Iterator[gorums.NodeResponse[Text]]
) -> Iterator[gorums.NodeResponse[Text]]:
    yield from responses


async def asynchronous(
    call: gorums.Call[Text, Text], responses: AsyncIterator[gorums.NodeResponse[Text]]
) -> AsyncIterator[gorums.NodeResponse[Text]]:
    async for response in responses:
        yield response


async def plain_interceptors(node: gorums.Node, config: gorums.Configuration) -> None:
    await echo(node, Text(), interceptors=[plain])  # E: list-item
    await ask(config, Text(), interceptors=[plain]).first()  # E: list-item


def asynchronous_interceptors(node: sync.Node, config: sync.Configuration) -> None:
    echo(node, Text(), interceptors=[asynchronous])  # E: list-item
    ask(config, Text(), interceptors=[asynchronous]).first()  # E: list-item
