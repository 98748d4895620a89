"""`Responses.send`: the request leaves now, and what is made of the replies is chosen later."""

import gc
from typing import Any

import pytest

import pygorums as gorums
from tests.protos import calls_gorums
from tests.protos.calls_pb2 import Text
from tests.support.worlds import World
from tests.sync.plain_cluster import PlainCluster
from tests.sync.test_both_worlds import TERMINALS, every_terminal

ask: Any = calls_gorums.ask
follow: Any = calls_gorums.follow
spread: Any = calls_gorums.spread


def send(world: World, three: PlainCluster, text: str, call: Any = ask, **options: Any) -> Any:
    return world.do(lambda: call(three.config, Text(text=text, number=2), **options).send())


def test_it_arrives_before_what_is_sent_after_it(world: World, three: PlainCluster) -> None:
    responses = send(world, three, "first", metadata={"key": "value"})
    world.do(lambda: spread(three.config, Text(text="second")))
    assert world.do(responses.all).text == "first"
    world.do(lambda: ask(three.config, Text(text="third")).all())
    assert [service.seen for service in three.services] == [["first", "second", "third"]] * 3
    assert [service.contexts[0].metadata["key"] for service in three.services] == ["value"] * 3


@every_terminal
def test_every_way_to_end_it(world: World, three: PlainCluster, name: str) -> None:
    terminal, needed = TERMINALS[name]
    for options in ({}, {"interceptors": [world.interceptor(lambda call, response: response)]}):
        responses = send(world, three, " ".join(["ok"] * needed + ["silent"] * (3 - needed)), **options)
        assert world.do(lambda r=responses: terminal(r)).number <= needed
        three.nothing_is_pending()
        responses = send(world, three, " ".join(["ok"] * (needed - 1) + ["fail"] * (4 - needed)), **options)
        with pytest.raises(gorums.IncompleteError):
            world.do(lambda r=responses: terminal(r))


def test_reading_it_later(world: World, three: PlainCluster) -> None:
    responses = send(world, three, "ok fail ok")
    three.nothing_is_pending()  # all have answered
    assert sorted(world.do(responses.collect_all)) == [1, 3]
    assert (list(responses.node_errors), responses.replies) == ([2], 2)
    streaming = send(world, three, "x", follow)
    assert len(list(world.steps(lambda: streaming))) == 6
    levels = send(world, three, "x", follow)
    assert world.do(lambda: world_correctable(levels)) is not None


def world_correctable(responses: Any) -> Any:
    return responses.correctable(1).get()


def test_its_time_begins_when_it_is_sent(world: World, three: PlainCluster) -> None:
    responses = send(world, three, "silent", timeout=0.05)
    three.nothing_is_pending()
    with pytest.raises(gorums.QuorumTimeoutError):
        world.do(responses.majority)


def test_sent_twice_is_sent_once_and_used_is_used(world: World, three: PlainCluster) -> None:
    responses = send(world, three, "once")
    world.do(responses.send)
    world.do(responses.all)
    assert [service.seen for service in three.services] == [["once"]] * 3
    with pytest.raises(RuntimeError, match="used already"):
        world.do(responses.send)


def test_what_nobody_holds_is_forgotten(world: World, three: PlainCluster) -> None:
    for call in (ask, follow):
        responses = send(world, three, "silent", call)
        del responses
        gc.collect()
        three.nothing_is_pending()
