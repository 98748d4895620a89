"""Servers of the benchmarks in the test's own process."""

from collections.abc import AsyncIterator

import pytest

import pygorums as gorums
from benchmarks.servers.baselines import add_baselines
from benchmarks.servers.service import BenchmarkImpl


@pytest.fixture
async def plain_addresses() -> AsyncIterator[list[str]]:
    """Three servers that do not serve the baselines."""
    servers = [gorums.Server(BenchmarkImpl()) for _ in range(3)]
    yield [await server.start("127.0.0.1:0") for server in servers]
    for server in servers:
        await server.stop()


@pytest.fixture
async def addresses() -> AsyncIterator[list[str]]:
    """Three servers that do."""
    servers = []
    for _ in range(3):
        service = BenchmarkImpl()
        server = gorums.Server(service)
        add_baselines(server.grpc_server, service)
        servers.append(server)
    yield [await server.start("127.0.0.1:0") for server in servers]
    for server in servers:
        await server.stop()
