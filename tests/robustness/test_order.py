"""Every server sees every client's messages in the order of the calls, whatever happens meanwhile."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.cluster import QUICK, Cluster, cluster_of
from tests.support.proxy import TcpProxy
from tests.support.waiting import within

CLIENTS = 8
MESSAGES = 200


class Recording(CallsServer):
    """Notes what each client's messages are when their handlers start, then takes its time, or lets the next in.

    Attributes:
        seen: The numbers of each client's messages, with the network address of the stream that carried them.
    """

    def __init__(self, number: int) -> None:
        self.seen: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        self._random = random.Random(number)

    async def _handle(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.seen[request.text].append((ctx.peer, request.number))
        for _ in range(self._random.choice([0, 0, 0, 1, 5])):
            await asyncio.sleep(0)
        if self._random.random() < 0.3:
            ctx.release()
            for _ in range(self._random.randrange(20)):
                await asyncio.sleep(0)
        return request

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self._handle(ctx, request)

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self._handle(ctx, request)

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self._handle(ctx, request)

    def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.seen[request.text].append((ctx.peer, request.number))
        if request.number % 3 == 0:
            ctx.release()
        return request

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        yield await self._handle(ctx, request)
        yield request


class Client:
    """Makes calls of all types, in an order of its own, without waiting for most of them.

    Attributes:
        sent: The numbers of the messages for each node, by node ID, in order.
        failed: The outcomes that are errors.
    """

    def __init__(self, name: str, config: gorums.Configuration) -> None:
        self.name = name
        self.config = config
        self.sent: defaultdict[int, list[int]] = defaultdict(list)
        self.failed: list[BaseException] = []
        self._random = random.Random(name)

    async def run(self) -> None:
        calls: list[asyncio.Future[Any]] = []
        for number in range(MESSAGES):
            calls.append(self._call(number))
            if len(calls) > 40:
                await self._settle(calls[:20])
                del calls[:20]
            if self._random.random() < 0.05:
                calls[-1].cancel()
        await self._settle(calls)

    def _call(self, number: int) -> asyncio.Future[Any]:
        request = Text(text=self.name, number=number)
        node = self._random.choice(self.config)
        kind = self._random.choice([echo, echo, note, spread, ask, ask, follow])
        nodes = [node] if kind in (echo, note) else self.config
        for one in nodes:
            self.sent[one.id].append(number)
        if kind is echo:
            return echo(node, request)
        if kind is note:
            return note(node, request)
        if kind is spread:
            return spread(self.config, request)
        return (ask if kind is ask else follow)(self.config, request).async_majority()

    async def _settle(self, calls: list[asyncio.Future[Any]]) -> None:
        await within(asyncio.wait(calls), 20)
        for call in calls:
            with suppress(asyncio.CancelledError):
                error = call.exception()
                if error is not None:
                    self.failed.append(error)


@pytest.fixture
async def three() -> AsyncIterator[Cluster[Recording]]:
    async with cluster_of(3, Recording) as cluster:
        yield cluster


async def test_many_clients_with_calls_of_all_types(three: Cluster[Recording]) -> None:
    async with AsyncExitStack() as stack:
        clients = []
        for n in range(CLIENTS):
            config = await stack.enter_async_context(gorums.connect(three.addresses, backoff=QUICK))
            clients.append(Client(f"client {n}", config))
        await asyncio.gather(*(client.run() for client in clients))
        for client in clients:
            assert client.failed == []
            for node_id, sent in client.sent.items():
                service = three.services[node_id - 1]
                # The last ones may be one-way, or count for a majority only. What was cancelled may not be sent.
                await within(echo(client.config[node_id - 1], Text(text="end")))
                seen = [number for _, number in service.seen[client.name]]
                assert seen == [number for number in sent if number in set(seen)]
                assert len(seen) > 0.9 * len(sent)


async def test_streams_that_are_cut_again_and_again(three: Cluster[Recording]) -> None:
    """Nothing is overtaken: what a server sees for the first time is newer than all that it saw before."""
    async with AsyncExitStack() as stack:
        clients, proxies = [], []
        for n in range(6):
            routes = [await stack.enter_async_context(TcpProxy(address)) for address in three.addresses]
            config = await stack.enter_async_context(gorums.connect([proxy.address for proxy in routes], backoff=QUICK))
            clients.append(Client(f"client {n}", config))
            proxies.append(routes)
        chance = random.Random(5)

        async def cut() -> None:
            while True:
                await asyncio.sleep(0.02)
                proxy = chance.choice(chance.choice(proxies))
                cuts: list[Callable[[], None]] = [
                    proxy.reset,
                    proxy.half_close_from_server,
                    partial(proxy.cut_to_server_after, 50),
                ]
                chance.choice(cuts)()

        cutting = asyncio.create_task(cut())
        await asyncio.gather(*(client.run() for client in clients))
        cutting.cancel()
        for client in clients:
            await client.config.wait_connected(timeout=10)
        for service in three:
            for name, seen in service.seen.items():
                streams: dict[str, int] = {}
                for peer, number in seen:
                    assert number > streams.get(peer, -1), f"{name}: out of order within a stream, or twice"
                    streams[peer] = number
                first_seen = list(dict.fromkeys(number for _, number in seen))
                assert first_seen == sorted(first_seen), f"{name}: a message was overtaken"
        for client in clients:
            for error in client.failed:
                assert isinstance(error, gorums.GorumsError), error
    assert sum(proxy.attempts for routes in proxies for proxy in routes) > 30, "hardly anything was cut"
