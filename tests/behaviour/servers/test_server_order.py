"""In what order a server handles requests: in order within a stream, independently across streams."""

import asyncio
import random
import threading
from collections.abc import Iterator

import pygorums as gorums
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, cluster_of, connected
from tests.support.waiting import turns, within


async def test_the_next_handler_waits_for_the_one_before(one: Cluster[ScriptedCalls]) -> None:
    first, second = echo(one.node, Text(text="hold:x")), echo(one.node, Text(text="second"))
    note(one.node, Text(text="third"))
    await one.service.gates["x"].arrivals()
    await turns(20)
    assert one.service.seen == ["hold:x"]
    one.service.gates["x"].let()
    await within(asyncio.gather(first, second))
    await one.service.has_seen("third")
    assert one.service.seen == ["hold:x", "second", "third"]


async def test_one_way_and_streaming_handlers_keep_their_place_too(one: Cluster[ScriptedCalls]) -> None:
    note(one.node, Text(text="hold:a"))
    stream = follow(one.config, Text(text="hold:b", number=2)).correctable(2)
    last = ask(one.config, Text(text="last")).async_all()
    await one.service.gates["a"].arrivals()
    await turns(20)
    assert one.service.seen == ["hold:a"]
    one.service.gates["a"].open()
    await one.service.gates["b"].arrivals()
    await turns(20)
    assert one.service.seen == ["hold:a", "hold:b"]
    one.service.gates["b"].open()
    await within(stream.wait())
    await within(last)
    assert one.service.seen == ["hold:a", "hold:b", "last"]


async def test_release_lets_the_next_one_in(one: Cluster[ScriptedCalls]) -> None:
    held = [echo(one.node, Text(text=f"hold-free:{n}")) for n in range(3)]
    assert (await within(echo(one.node, Text(text="passes")))).text == "passes"
    for n in (2, 0, 1):
        one.service.gates[str(n)].open()
        await within(held[n])
    assert one.service.seen == ["hold-free:0", "hold-free:1", "hold-free:2", "passes"]


async def test_streams_are_independent(one: Cluster[ScriptedCalls]) -> None:
    async with connected(one.addresses) as other:
        held = echo(one.node, Text(text="hold:x"))
        await one.service.gates["x"].arrivals()
        assert (await within(echo(other[0], Text(text="other")))).text == "other"
        one.service.gates["x"].open()
        await within(held)


class Releasing(ScriptedCalls):
    """Releases at random, several times, before or after it has waited; the seed is the server's number."""

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.seen.append(request.text)
        choice = random.Random(request.text).randrange(4)
        if choice >= 1:
            ctx.release()
        if choice >= 2:
            await turns(choice)
            ctx.release()
        return request


async def test_release_is_idempotent_and_keeps_the_order_of_starts() -> None:
    async with cluster_of(1, Releasing) as cluster:
        calls = [echo(cluster.node, Text(text=str(n))) for n in range(500)]
        replies = await within(asyncio.gather(*calls))
        assert [reply.text for reply in replies] == [str(n) for n in range(500)]
        assert cluster.service.seen == [str(n) for n in range(500)]


class Plain(CallsServer):
    """Handlers without `async`."""

    def __init__(self, number: int = 1) -> None:
        self.number = number
        self.threads: dict[str, threading.Thread] = {}
        self.running = threading.Event()
        self.go_on = threading.Event()

    def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.threads[request.text] = threading.current_thread()
        if request.text == "block":
            self.running.set()
            assert self.go_on.wait(10)
        if request.text == "release and block":
            ctx.release()
            self.running.set()
            assert self.go_on.wait(10)
        return request

    def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return self.echo(ctx, request)

    def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        self.echo(ctx, request)

    def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        self.echo(ctx, request)

    def follow(self, ctx: gorums.ServerContext, request: Text) -> Iterator[Text]:
        for number in range(1, request.number + 1):
            self.echo(ctx, Text(text=f"{request.text} {number}"))
            yield Text(text=request.text, number=number)


async def test_plain_handlers_run_in_worker_threads() -> None:
    async with cluster_of(1, Plain) as cluster:
        assert (await within(echo(cluster.node, Text(text="echo")))).text == "echo"
        assert (await within(ask(cluster.config, Text(text="ask")).all())).text == "ask"
        await within(note(cluster.node, Text(text="note")))
        replies = [r.value.number async for r in follow(cluster.config, Text(text="follow", number=3))]
        assert replies == [1, 2, 3]
        assert set(cluster.service.threads) == {"echo", "ask", "note", "follow 1", "follow 2", "follow 3"}
        assert threading.main_thread() not in cluster.service.threads.values()


async def test_a_plain_handler_that_blocks_stalls_only_its_own_stream() -> None:
    async with cluster_of(1, Plain) as cluster, connected(cluster.addresses) as other:
        blocked, behind = echo(cluster.node, Text(text="block")), echo(cluster.node, Text(text="behind"))
        await within(asyncio.to_thread(cluster.service.running.wait, 10))
        assert (await within(echo(other[0], Text(text="other")))).text == "other"
        assert not behind.done()
        assert "behind" not in cluster.service.threads
        cluster.service.go_on.set()
        await within(asyncio.gather(blocked, behind))


async def test_a_plain_handler_may_release() -> None:
    async with cluster_of(1, Plain) as cluster:
        blocked = echo(cluster.node, Text(text="release and block"))
        assert (await within(echo(cluster.node, Text(text="passes")))).text == "passes"
        assert not blocked.done()
        cluster.service.go_on.set()
        await within(blocked)


async def test_plain_handlers_keep_the_order() -> None:
    async with cluster_of(1, Plain) as cluster:
        calls = [echo(cluster.node, Text(text=str(n))) for n in range(100)]
        await within(asyncio.gather(*calls))
        assert list(cluster.service.threads) == [str(n) for n in range(100)]


async def test_many_clients_with_blocking_handlers() -> None:
    """As many streams as there are clients can be inside a plain handler at the same time."""
    async with cluster_of(1, Plain) as cluster:
        configs = [gorums.connect(cluster.addresses) for _ in range(20)]
        try:
            blocked = [echo(config[0], Text(text="block")) for config in configs]
            await within(asyncio.to_thread(cluster.service.running.wait, 10))
            assert (await within(echo(cluster.node, Text(text="passes")))).text == "passes"
            cluster.service.go_on.set()
            await within(asyncio.gather(*blocked))
        finally:
            for config in configs:
                await config.close()
