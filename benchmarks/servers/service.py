"""The handlers of the benchmark service, and of what our servers serve beside it."""
# ruff: noqa: ARG002 - handlers have the signatures of the service, whether they need all of it or not

import asyncio

import pygorums as gorums
from benchmarks.benchmark_gorums import BenchmarkServer
from benchmarks.benchmark_pb2 import Echo, MemoryStat, Result, StartRequest, StartResponse, StopRequest, TimedMsg
from benchmarks.extras_gorums import ExtrasServer
from benchmarks.extras_pb2 import BaselinesRequest, BaselinesResponse
from benchmarks.servers.stats import ServerStats

__all__ = ["SLOW", "BenchmarkImpl", "ExtrasImpl"]

SLOW = 0.01
"""Seconds that a slow server takes."""


class BenchmarkImpl(BenchmarkServer):
    """A server that is measured.

    Attributes:
        stats: What it measures itself.
    """

    def __init__(self) -> None:
        self.stats = ServerStats()

    async def start_server_benchmark(self, ctx: gorums.ServerContext, request: StartRequest) -> StartResponse:
        """Begin to measure what the server sees."""
        self.stats.start()
        return StartResponse()

    async def stop_server_benchmark(self, ctx: gorums.ServerContext, request: StopRequest) -> Result:
        """Tell what the server has seen."""
        return self.stats.stop()

    async def start_benchmark(self, ctx: gorums.ServerContext, request: StartRequest) -> StartResponse:
        """Begin to measure memory."""
        self.stats.start()
        return StartResponse()

    async def stop_benchmark(self, ctx: gorums.ServerContext, request: StopRequest) -> MemoryStat:
        """Tell how much memory was used."""
        return self.stats.memory()

    async def quorum_call(self, ctx: gorums.ServerContext, request: Echo) -> Echo:
        """Give back what came."""
        return request

    async def slow_server(self, ctx: gorums.ServerContext, request: Echo) -> Echo:
        """Give back what came, after a while."""
        ctx.release()
        await asyncio.sleep(SLOW)
        return request

    async def multicast(self, ctx: gorums.ServerContext, request: TimedMsg) -> None:
        """Measure how long it took."""
        self.stats.sent_at(request.send_time)


class ExtrasImpl(ExtrasServer):
    """Tells where the baselines are, once they are served.

    Attributes:
        served: Their ports.
    """

    def __init__(self) -> None:
        self.served = BaselinesResponse()

    async def baselines(self, ctx: gorums.ServerContext, request: BaselinesRequest) -> BaselinesResponse:
        """Tell it."""
        return self.served

    def plain_echo(self, ctx: gorums.ServerContext, request: Echo) -> Echo:
        """Give back what came, from a thread, as this is no coroutine function."""
        return request
