"""What type checkers must make of generated code in blocking programs. Checked, never run."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import assert_type

import pygorums as gorums
from pygorums import sync
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text


def rpcs(node: sync.Node) -> None:
    assert_type(echo(node, Text(text="a")), Text)
    assert_type(echo(node, Text(), timeout=1.5).text, str)
    echo(node, Text(), timeout=None, metadata={"a": "b"}, interceptors=[])
    echo(node, Text(), metadata=[("a", "b"), ("a", "c")])


def one_way_calls(node: sync.Node, config: sync.Configuration) -> None:
    # mypy does not let None be used as a value.
    unicast: Callable[[sync.Node, Text], None] = note
    multicast: Callable[[sync.Configuration, Text], None] = spread
    unicast(node, Text())
    multicast(config, Text())
    note(node, Text(), timeout=1, ignore_errors=True)
    spread(config[:2], Text(), ignore_errors=True)


def quorum_calls(config: sync.Configuration) -> None:
    assert_type(ask(config, Text()), sync.Responses[Text])
    assert_type(ask(config, Text()).majority(), Text)
    assert_type(ask(config, Text()).threshold(2), Text)
    assert_type(ask(config, Text()).async_all(), Future[Text])
    assert_type(ask(config, Text()).collect_all(), dict[int, Text])
    for response in ask(config, Text(), timeout=1).ignore_errors():
        assert_type(response, gorums.NodeResponse[Text])


def streaming_quorum_calls(config: sync.Configuration) -> None:
    assert_type(follow(config, Text()), sync.Responses[Text])
    assert_type(follow(config, Text()).correctable(2), sync.Correctable[Text])


def logged(
    call: gorums.Call[Text, Text], responses: Iterator[gorums.NodeResponse[Text]]
) -> Iterator[gorums.NodeResponse[Text]]:
    yield from responses


def interceptors(node: sync.Node, config: sync.Configuration) -> None:
    echo(node, Text(), interceptors=[logged])
    ask(config, Text(), interceptors=[gorums.map_request(lambda request, node: request), logged]).first()
    ask(config, Text(), interceptors=[gorums.map_response(lambda value, node: value), logged]).first()
    spread(config, Text(), interceptors=[gorums.map_request(lambda request, node: None)])


def either_world(node: gorums.Node | sync.Node, config: gorums.Configuration | sync.Configuration) -> None:
    assert_type(echo(node, Text()), asyncio.Future[Text] | Text)
    assert_type(spread(config, Text()), asyncio.Future[None] | None)
    assert_type(ask(config, Text()), gorums.Responses[Text] | sync.Responses[Text])
    assert_type(follow(config, Text()), gorums.Responses[Text] | sync.Responses[Text])


def as_functions() -> None:
    """Each world's programs can hand generated functions on."""
    asked: Callable[[gorums.Configuration, Text], gorums.Responses[Text]] = ask
    asked_and_waited: Callable[[sync.Configuration, Text], sync.Responses[Text]] = ask
    print(asked, asked_and_waited)
