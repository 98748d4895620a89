"""Servers in this process, and a configuration connected to them."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import pygorums as gorums
from tests.support.calls import ScriptedCalls
from tests.support.waiting import within

ServiceT = TypeVar("ServiceT", bound=gorums.Service)

# So that a test need not wait for a stream to be opened again; the defaults are for real networks.
QUICK = gorums.Backoff(initial=0.02, maximum=0.1)


class Cluster(Generic[ServiceT]):
    """Servers 1 to n and what is needed to call them.

    Attributes:
        services: what the servers serve, in order.
        addresses: where the servers listen, in order.
        config: a connected configuration of all of them, with IDs from 1.
    """

    def __init__(
        self, services: Sequence[ServiceT], servers: Sequence[gorums.Server], addresses: Sequence[str]
    ) -> None:
        self.services = services
        self.servers = servers
        self.addresses = addresses
        self.config: gorums.Configuration

    @property
    def node(self) -> gorums.Node:
        """The first node."""
        return self.config[0]

    @property
    def service(self) -> ServiceT:
        """What the first server serves."""
        return self.services[0]

    def __iter__(self) -> Iterator[ServiceT]:
        return iter(self.services)


@asynccontextmanager
async def serving(service: gorums.Service, address: str = "127.0.0.1:0", **options: Any) -> AsyncIterator[str]:
    """A server of one service; gives its address."""
    server = gorums.Server(service, **options)
    bound = await within(server.start(address))
    try:
        yield bound
    finally:
        await within(server.stop())


@asynccontextmanager
async def connected(addresses: Sequence[str], **options: Any) -> AsyncIterator[gorums.Configuration]:
    """A configuration whose nodes are all connected."""
    config = gorums.connect(addresses, **{"backoff": QUICK, **options})
    try:
        await config.wait_connected(timeout=10)
        yield config
    finally:
        await within(config.close())


@asynccontextmanager
async def cluster_of(size: int, factory: Callable[[int], ServiceT], **options: Any) -> AsyncIterator[Cluster[ServiceT]]:
    """`size` servers of what `factory` makes for each number, connected with `options`."""
    services = [factory(number) for number in range(1, size + 1)]
    servers = [gorums.Server(service) for service in services]
    try:
        addresses = [await within(server.start("127.0.0.1:0")) for server in servers]
        cluster = Cluster(services, servers, addresses)
        async with connected(addresses, **options) as cluster.config:
            yield cluster
    finally:
        for server in servers:
            await within(server.stop())


@asynccontextmanager
async def scripted(size: int, **options: Any) -> AsyncIterator[Cluster[ScriptedCalls]]:
    """`size` servers that behave as the requests say."""
    async with cluster_of(size, ScriptedCalls, **options) as cluster:
        try:
            yield cluster
        finally:
            for service in cluster:
                service.open_all()
