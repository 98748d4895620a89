"""Servers of the benchmarks in the test's own process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

import pygorums as gorums
from benchmarks.extras_pb2 import BaselinesResponse
from benchmarks.servers.baselines import serve_baselines
from benchmarks.servers.service import BenchmarkImpl


@pytest.fixture
async def plain_addresses() -> AsyncIterator[list[str]]:
    """Three servers that do not serve the baselines."""
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(gorums.Server(BenchmarkImpl())) for _ in range(3)]
        yield [await server.start("127.0.0.1:0") for server in servers]


@pytest.fixture
async def served() -> AsyncIterator[list[BaselinesResponse]]:
    """The baselines of three servers on 127.0.0.1."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(serve_baselines("127.0.0.1", BenchmarkImpl())) for _ in range(3)]


@pytest.fixture
def baselines(served: list[BaselinesResponse]) -> list[str]:
    """Where A, B and C are served."""
    return [f"127.0.0.1:{ports.grpc_port}" for ports in served]


@pytest.fixture
def raw(served: list[BaselinesResponse]) -> list[tuple[str, int]]:
    """Where R is served."""
    return [("127.0.0.1", ports.raw_port) for ports in served]
