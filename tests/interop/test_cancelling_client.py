"""What a Python client tells a node of a call that it has given up, and when it tells nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any

import pytest

import pygorums as gorums
from pygorums.wire.stream_pb2 import Frame, Message
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected
from tests.support.frames import messages_in, reply
from tests.support.proxy import TcpProxy
from tests.support.scripted_server import Script, ScriptedServer, ServerStream
from tests.support.waiting import until, within

CONFIRMED = (("pygorums-cancel", "1"), ("pygorums-batch", "1"))
passing = gorums.map_response(lambda value, node: value)


def answers(*confirmed: tuple[str, str], number: int = 1) -> Script:
    """Answers all but what is silent, or is for another server to answer. One of a streaming call it answers twice."""

    async def script(stream: ServerStream) -> None:
        assert stream.offered("pygorums-cancel") == "1"
        await stream.confirm(*confirmed)
        while (frame := await stream.receive()) is not None:
            for message in messages_in(frame):
                text = Text.FromString(message.payload).text
                if message.method.endswith(("Note", "Spread")) or message.cancel:
                    continue
                if text.startswith("silent") or (text.startswith("only ") and text != f"only {number}"):
                    continue
                for _ in range(2 if message.method.endswith("Follow") else 1):
                    await stream.send(reply(message, message.payload))

    return script


class Node:
    """A scripted server, and what it has been told of calls that were given up.

    Attributes:
        stream: the first stream to it.
    """

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server

    @property
    def stream(self) -> ServerStream:
        return self._server.streams[0]

    @property
    def cancelled(self) -> list[str]:
        """The texts of the calls that it was told of."""
        requests = {m.message_seq_no: Text.FromString(m.payload).text for m in self.stream.messages if m.method}
        told = [message for message in self.stream.messages if message.cancel]
        assert all(message == Message(message_seq_no=message.message_seq_no, cancel=True) for message in told)
        return [requests[message.message_seq_no] for message in told]

    @property
    def texts(self) -> list[str]:
        """The texts of all requests that it has got."""
        return [Text.FromString(message.payload).text for message in self.stream.messages if message.method]


@asynccontextmanager
async def cluster(size: int, *confirmed: tuple[str, str]) -> AsyncIterator[tuple[gorums.Configuration, list[Node]]]:
    """A configuration of nodes that have confirmed, and these."""
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(ScriptedServer(answers(*confirmed, number=n + 1))) for n in range(size)
        ]
        config = await stack.enter_async_context(connected([server.address for server in servers]))
        await within(ask(config, Text(text="hello")).all())  # what is negotiated is known now
        yield config, [Node(server) for server in servers]


async def all_told(config: gorums.Configuration) -> None:
    """Waits until each node has got what was sent to it."""
    await within(ask(config, Text(text="after")).all())


async def cancelled_task(call: Awaitable[Any], config: gorums.Configuration, nodes: list[Node], text: str) -> None:
    task = asyncio.ensure_future(call)
    await until(lambda: all(text in node.texts for node in nodes))
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


async def timed_out(call: Awaitable[Any]) -> None:
    with pytest.raises(TimeoutError):
        await within(call)


SILENT = Text(text="silent")

GIVEN_UP: dict[str, Callable[[gorums.Configuration, list[Node]], Awaitable[Any]]] = {
    "an RPC that times out": lambda config, nodes: timed_out(echo(config[0], SILENT, timeout=0.05)),
    "an intercepted RPC that times out": lambda config, nodes: timed_out(
        echo(config[0], SILENT, timeout=0.05, interceptors=[passing])
    ),
    "an RPC that is cancelled": lambda config, nodes: cancelled_task(echo(config[0], SILENT), config, nodes, "silent"),
    "an RPC whose task is cancelled": lambda config, nodes: cancelled_task(
        within(echo(config[0], SILENT)), config, nodes, "silent"
    ),
    "an intercepted RPC that is cancelled": lambda config, nodes: cancelled_task(
        echo(config[0], SILENT, interceptors=[passing]), config, nodes, "silent"
    ),
    "a quorum call that times out": lambda config, nodes: timed_out(ask(config, SILENT, timeout=0.05).majority()),
    "a quorum call that is cancelled": lambda config, nodes: cancelled_task(
        ask(config, SILENT).majority(), config, nodes, "silent"
    ),
    "a future that is cancelled": lambda config, nodes: cancelled_task(
        ask(config, SILENT).async_all(), config, nodes, "silent"
    ),
    "an intercepted quorum call that is cancelled": lambda config, nodes: cancelled_task(
        ask(config, SILENT, interceptors=[passing]).majority(), config, nodes, "silent"
    ),
    "collecting that is cancelled": lambda config, nodes: cancelled_task(
        ask(config, SILENT).collect_all(), config, nodes, "silent"
    ),
    "collecting that times out": lambda config, nodes: ask(config, SILENT, timeout=0.05).collect_all(),
}


@pytest.mark.parametrize("what", GIVEN_UP)
async def test_a_call_that_is_given_up(what: str) -> None:
    """Its node is told, once, and nothing else is disturbed."""
    async with cluster(1, *CONFIRMED) as (config, nodes):
        await within(GIVEN_UP[what](config, nodes))
        await all_told(config)
        assert [node.cancelled for node in nodes] == [["silent"]]
        assert config[0].pending == 0


async def test_only_nodes_that_owe_a_reply_are_told() -> None:
    async with cluster(3, *CONFIRMED) as (config, nodes):
        await timed_out(ask(config, Text(text="only 2"), timeout=0.1).majority())
        await all_told(config)
        assert [node.cancelled for node in nodes] == [["only 2"], [], ["only 2"]]


async def test_leaving_the_loop_gives_the_call_up() -> None:
    async with cluster(2, *CONFIRMED) as (config, nodes):
        async with aclosing(ask(config, Text(text="only 1")).results()) as responses:
            async for response in responses:
                assert response.node_id == 1
                break
        await all_told(config)
        assert [node.cancelled for node in nodes] == [[], ["only 1"]]


async def test_a_correctable_that_is_cancelled() -> None:
    async with cluster(2, *CONFIRMED) as (config, nodes):
        correctable = ask(config, Text(text="only 2")).correctable(2)
        await within(correctable.watch(1))
        correctable.cancel()
        await all_told(config)
        assert [node.cancelled for node in nodes] == [["only 2"], []]


SATISFIED: dict[str, Callable[[gorums.Configuration], Awaitable[Any]]] = {
    "first": lambda config: ask(config, Text(text="only 1")).first(),
    "first, intercepted": lambda config: ask(config, Text(text="only 1"), interceptors=[passing]).first(),
    "async_first": lambda config: ask(config, Text(text="only 1")).async_first(),
    "collect_n": lambda config: ask(config, Text(text="only 1")).collect_n(1),
    "collect_quorum": lambda config: ask(config, Text(text="only 1")).results().collect_quorum(1),
    "aggregate": lambda config: ask(config, Text(text="only 1")).results().aggregate(lambda replies: replies.get(1)),
    "correctable": lambda config: ask(config, Text(text="only 1")).correctable(1).wait(),
}


@pytest.mark.parametrize("name", SATISFIED)
async def test_a_call_that_has_what_it_wants(name: str) -> None:
    """The others have been asked, perhaps to store something: that nobody waits for them is no reason to stop."""
    async with cluster(2, *CONFIRMED) as (config, nodes):
        await within(SATISFIED[name](config))
        await all_told(config)
        assert [node.cancelled for node in nodes] == [[], []]


STREAMING: dict[str, Callable[[gorums.Configuration], Awaitable[Any]]] = {
    "first": lambda config: follow(config, Text(text="x")).first(),
    "collect_n": lambda config: follow(config, Text(text="x")).collect_n(2),
    "correctable": lambda config: follow(config, Text(text="x")).correctable(2).wait(),
    "correctable, intercepted": lambda config: (
        follow(config, Text(text="x"), interceptors=[passing]).correctable(2).wait()
    ),
}


@pytest.mark.parametrize("name", STREAMING)
async def test_nodes_that_stream_are_told_whenever_the_call_ends(name: str) -> None:
    """They would send for ever."""
    async with cluster(2, *CONFIRMED) as (config, nodes):
        await within(STREAMING[name](config))
        await all_told(config)
        assert [node.cancelled for node in nodes] == [["x"], ["x"]]


@pytest.mark.parametrize("confirmed", [(), (("pygorums-batch", "1"),), (("pygorums-cancel", "0"),)])
async def test_a_node_that_does_not_want_to_know_is_not_told(confirmed: tuple[tuple[str, str], ...]) -> None:
    async with cluster(1, *confirmed) as (config, nodes):
        await timed_out(echo(config[0], SILENT, timeout=0.05))
        await within(follow(config, Text(text="x")).first())
        await all_told(config)
        assert nodes[0].texts == ["hello", "silent", "x", "after"]
        assert nodes[0].cancelled == []


async def test_the_option_turns_it_off() -> None:
    async def script(stream: ServerStream) -> None:
        assert stream.offered("pygorums-cancel") is None
        while (frame := await stream.receive()) is not None:
            await stream.send(reply(frame, frame.payload))

    options = [("pygorums.cancel", 0)]
    async with ScriptedServer(script) as server, connected([server.address], channel_options=options) as config:
        await within(echo(config[0], Text()))


async def test_many_at_once_share_envelopes() -> None:
    async with cluster(1, *CONFIRMED) as (config, nodes):
        calls = [echo(config[0], Text(text=f"silent {n}")) for n in range(100)]
        await until(lambda: nodes[0].texts[-1] == "silent 99")
        for call in calls:
            call.cancel()
        await all_told(config)
        assert nodes[0].cancelled == [f"silent {n}" for n in range(100)]
        envelopes = [Frame.FromString(raw) for raw in nodes[0].stream.received]
        assert sum(any(message.cancel for message in messages_in(frame)) for frame in envelopes) < 5


async def test_a_call_that_never_left_is_not_told() -> None:
    """It waits behind others, because the network is frozen and all buffers are full."""
    async with (
        ScriptedServer(answers(*CONFIRMED)) as server,
        TcpProxy(server.address) as proxy,
        connected([proxy.address]) as config,
    ):
        await within(echo(config[0], Text(text="hello")))
        written = echo(config[0], Text(text="silent"))
        node = Node(server)
        await until(lambda: "silent" in node.texts)
        proxy.freeze()
        filler = [note(config[0], Text(text="filler", data=bytes(1 << 20))) for _ in range(20)]
        await timed_out(echo(config[0], Text(text="never 1"), timeout=0.05))
        never = echo(config[0], Text(text="never 2"))
        written.cancel()
        never.cancel()
        await timed_out(ask(config, Text(text="never 3"), timeout=0.05).all())
        proxy.thaw()
        await within(asyncio.gather(*filler))
        await all_told(config)
        assert node.texts == ["hello", "silent", *["filler"] * 20, "after"]
        assert node.cancelled == ["silent"]


async def test_one_way_messages_are_never_taken_back() -> None:
    async with cluster(1, *CONFIRMED) as (config, nodes):
        note(config[0], Text(text="a"))
        spread(config, Text(text="b"), timeout=0.5)
        await until(lambda: nodes[0].texts == ["hello", "a", "b"])
        cancelled = note(config[0], Text(text="c"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        cancelled.cancel()
        await all_told(config)
        assert nodes[0].cancelled == []


async def test_calls_of_a_stream_that_broke_are_not_told_on_the_next() -> None:
    """What was given up meanwhile is not sent again; what goes on is, and is told of there."""
    async with (
        ScriptedServer(answers(*CONFIRMED)) as server,
        TcpProxy(server.address) as proxy,
        connected([proxy.address]) as config,
    ):
        await within(echo(config[0], Text(text="hello")))
        given_up, kept = (echo(config[0], Text(text=text)) for text in ("silent 1", "silent 2"))
        await until(lambda: Node(server).texts[-1] == "silent 2")
        proxy.stop_listening()
        proxy.reset()
        await until(lambda: not config[0].connected)
        given_up.cancel()
        await proxy.listen()
        stream = await within(server.opened(2))
        await until(lambda: [Text.FromString(m.payload).text for m in stream.messages] == ["silent 2"])
        await within(echo(config[0], Text(text="again")))
        kept.cancel()
        await within(echo(config[0], Text(text="after")))
        told = [message.message_seq_no for message in stream.messages if message.cancel]
        assert told == [stream.messages[0].message_seq_no]
