"""Metadata: of a stream and of a single message, from the caller to the handler."""

from collections.abc import Callable
from typing import Any

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, connected, scripted
from tests.support.scripted_server import ScriptedServer, answering
from tests.support.waiting import within

CALLS: dict[str, Callable[..., Any]] = {
    "rpc": lambda config, metadata: echo(config[0], Text(text="x"), metadata=metadata),
    "unicast": lambda config, metadata: note(config[0], Text(text="x"), metadata=metadata),
    "multicast": lambda config, metadata: spread(config, Text(text="x"), metadata=metadata),
    "quorum call": lambda config, metadata: ask(config, Text(text="x"), metadata=metadata).all(),
    "async": lambda config, metadata: ask(config, Text(text="x"), metadata=metadata).async_all(),
    "streaming": lambda config, metadata: follow(config, Text(text="x", number=1), metadata=metadata).collect_all(),
}
every_call = pytest.mark.parametrize("name", CALLS)


@every_call
async def test_entries_of_a_message_reach_its_handler(one: Cluster[ScriptedCalls], name: str) -> None:
    await within(CALLS[name](one.config, {"user": "anna", "trace": "42"}))
    await one.service.has_seen("x")
    (ctx,) = one.service.contexts
    assert (ctx.metadata["user"], ctx.metadata["trace"]) == ("anna", "42")
    assert "nobody" not in ctx.metadata


async def test_every_node_gets_them(three: Cluster[ScriptedCalls]) -> None:
    await within(ask(three.config, Text(text="x"), metadata={"user": "anna"}).all())
    assert [service.contexts[0].metadata["user"] for service in three] == ["anna"] * 3


async def test_pairs_may_repeat_a_key(one: Cluster[ScriptedCalls]) -> None:
    await within(echo(one.node, Text(text="x"), metadata=[("k", "1"), ("other", "x"), ("k", "2")]))
    assert list(one.service.contexts[0].metadata.get_all("k")) == ["1", "2"]
    assert one.service.contexts[0].metadata["k"] == "1"


async def test_any_text_may_be_a_value(one: Cluster[ScriptedCalls]) -> None:
    await within(echo(one.node, Text(text="x"), metadata={"k": "blåbær 🫐\n", "empty": ""}))
    metadata = one.service.contexts[0].metadata
    assert (metadata["k"], metadata["empty"]) == ("blåbær 🫐\n", "")


async def test_a_message_keeps_its_metadata_to_itself(one: Cluster[ScriptedCalls]) -> None:
    await within(echo(one.node, Text(text="with"), metadata={"k": "v"}))
    await within(echo(one.node, Text(text="without")))
    with_it, without = one.service.contexts
    assert "k" in with_it.metadata
    assert "k" not in without.metadata


async def test_metadata_of_the_stream_reaches_every_handler() -> None:
    async with scripted(1, metadata={"tenant": "acme"}) as cluster:
        await within(echo(cluster.node, Text(text="one")))
        await within(note(cluster.node, Text(text="two"), metadata={"k": "v"}))
        await cluster.service.has_seen("two")
        assert [ctx.metadata["tenant"] for ctx in cluster.service.contexts] == ["acme", "acme"]
        assert "k" not in cluster.service.contexts[0].metadata


async def test_the_stream_comes_before_the_message() -> None:
    async with scripted(1, metadata=[("k", "stream"), ("k", "stream 2")]) as cluster:
        await within(echo(cluster.node, Text(text="x"), metadata={"k": "message"}))
        assert list(cluster.service.contexts[0].metadata.get_all("k")) == ["stream", "stream 2", "message"]


async def test_on_the_wire() -> None:
    async with ScriptedServer(answering({"calls.Calls.Echo": lambda payload: payload})) as server:
        async with connected([server.address], metadata={"tenant": "acme"}) as config:
            await within(echo(config[0], Text(text="x"), metadata=[("b", "1"), ("a", "2"), ("b", "3")]))
            await within(echo(config[0], Text(text="x")))
        stream = server.streams[0]
        assert stream.offered("tenant") == "acme"
        with_entries, without = stream.messages
        assert [(e.key, e.value) for e in with_entries.entry] == [("b", "1"), ("a", "2"), ("b", "3")]
        assert not without.entry


WRONG: dict[str, Any] = {
    "a value that UTF-8 cannot carry": {"k": "\ud800"},
    "bytes, which cannot travel with a message": {"k-bin": "x"},
    "an empty key": {"": "x"},
    "bytes as a value": {"k": b"x"},
    "a number as a value": {"k": 1},
    "a number as a key": {1: "k"},
    "no pairs": ["abc"],
    "neither mapping nor pairs": 7,
}


@every_call
async def test_what_cannot_be_sent_fails_that_call_alone(one: Cluster[ScriptedCalls], name: str) -> None:
    held = echo(one.node, Text(text="hold-free:x"))
    for metadata in WRONG.values():
        with pytest.raises((TypeError, ValueError)):
            await within(CALLS[name](one.config, metadata))
    one.service.gates["x"].open()
    await within(held)
    assert one.service.seen == ["hold-free:x"]
    assert one.node.pending == 0


@pytest.mark.parametrize("metadata", [{"k": "ø"}, {"k": "a\nb"}, {"K y": "x"}, {"": "x"}, {"k": 1}])
async def test_what_cannot_be_metadata_of_a_stream(metadata: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        gorums.connect(["127.0.0.1:9"], metadata=metadata)
