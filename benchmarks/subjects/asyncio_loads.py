"""What is measured of pygorums: a load for each benchmark."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

import pygorums as gorums
from benchmarks.benchmark_gorums import (
    QUORUM_CALL,
    multicast,
    quorum_call,
    slow_server,
    start_benchmark,
    start_server_benchmark,
    stop_benchmark,
    stop_server_benchmark,
)
from benchmarks.benchmark_pb2 import Echo, Result, StartRequest, StopRequest, TimedMsg
from benchmarks.extras_gorums import PLAIN_ECHO
from benchmarks.loads.outcome import Load, Outcome
from benchmarks.loads.tasks import closed_loop, window
from benchmarks.statistics.histogram import Histogram
from benchmarks.statistics.latency import Latency
from benchmarks.statistics.moments import Moments, combined
from pygorums.gencode import rpc

__all__ = ["Cluster", "async_quorum_call_load", "correctable_load", "multicast_load", "quorum_call_load", "rpc_load"]

# A server cannot tell an RPC from a quorum call, so the same method serves both, at peers that know no other too.
_RPC = gorums.Method(QUORUM_CALL.name, gorums.CallType.RPC, Echo, Echo)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Whom to call, and how.

    Attributes:
        config: The nodes.
        quorum: How many replies a quorum call needs.
        payload: Bytes of payload in each request and reply.
        histogram: Asks the servers for the latencies that they have measured; empty where they do not tell.
    """

    config: gorums.Configuration
    quorum: int
    payload: int
    histogram: Callable[[], Awaitable[Histogram]]

    @property
    def echo(self) -> Echo:
        """A request."""
        return Echo(payload=bytes(self.payload))


def quorum_call_load(cluster: Cluster, callers: int, *, slow: bool = False) -> Load:
    """Callers that make quorum calls; slow ones to servers that take a while."""
    config, quorum, request = cluster.config, cluster.quorum, cluster.echo
    method = slow_server if slow else quorum_call
    return _with_growth(config, partial(closed_loop, lambda: method(config, request).threshold(quorum), callers))


def async_quorum_call_load(cluster: Cluster, in_flight: int) -> Load:
    """A number of quorum calls that are kept in flight."""
    config, quorum, request = cluster.config, cluster.quorum, cluster.echo
    return _with_growth(
        config, partial(window, lambda: quorum_call(config, request).async_threshold(quorum), in_flight)
    )


def correctable_load(cluster: Cluster, callers: int) -> Load:
    """Callers that wait until a correctable has reached the level of a quorum."""
    config, quorum, request = cluster.config, cluster.quorum, cluster.echo

    async def call() -> None:
        _, _, error = await quorum_call(config, request).correctable(quorum).wait()
        if error is not None:
            raise error

    return _with_growth(config, partial(closed_loop, call, callers))


def rpc_load(cluster: Cluster, callers: int, *, plain: bool = False) -> Load:
    """Callers that call a single node; plain ones a handler that is no coroutine function."""
    config, request = cluster.config[:1], cluster.echo
    node = config[0]
    method = PLAIN_ECHO if plain else _RPC
    return _with_growth(config, partial(closed_loop, lambda: rpc(method, node, request), callers))


def multicast_load(cluster: Cluster, in_flight: int) -> Load:
    """One sender of multicasts that waits whenever as many of them may be unsent. The servers measure.

    A multicast counts when all nodes have received it.
    """
    config = cluster.config
    payload = bytes(cluster.payload)

    async def send(seconds: float) -> None:
        # Messages leave in order, so when one is sent all before it are.
        deadline = perf_counter() + seconds
        unsent: list[asyncio.Future[None]] = []
        while perf_counter() < deadline:
            unsent.append(multicast(config, TimedMsg(send_time=time.time_ns(), payload=payload)))
            if len(unsent) == in_flight:
                for future in unsent:
                    await future
                unsent.clear()
        for future in unsent:
            await future

    async def load(seconds: float) -> Outcome:
        await start_server_benchmark(config, StartRequest()).all()
        started = perf_counter()
        await send(seconds)
        # Nodes handle messages in order, so who answers this has received all before. To ask for the result would
        # do as well, but working it out takes time that is not the messages'.
        await quorum_call(config, Echo()).all()
        elapsed = perf_counter() - started
        replies = await stop_server_benchmark(config, StopRequest()).collect_all()
        if len(replies) < len(config):
            missing = ", ".join(str(node_id) for node_id in config.node_ids if node_id not in replies)
            raise ConnectionError(f"no result from node {missing}")
        return _multicast_outcome(list(replies.values()), elapsed, await cluster.histogram())

    return load


def _multicast_outcome(results: list[Result], elapsed: float, histogram: Histogram) -> Outcome:
    moments = combined(Moments(result.total_ops, result.latency_avg, result.latency_var) for result in results)
    received_by_all = min(result.total_ops for result in results)
    growth = sum(stat.memory for result in results for stat in result.server_stats)
    return Outcome(received_by_all, elapsed, Latency.measured_by_servers(moments, histogram), growth)


def _with_growth(config: gorums.Configuration, load: Load) -> Load:
    """Let the servers measure their memory meanwhile."""

    async def measured(seconds: float) -> Outcome:
        await start_benchmark(config, StartRequest()).all()
        outcome = await load(seconds)
        stats = await stop_benchmark(config, StopRequest()).collect_all()
        return replace(outcome, growth=sum(stat.memory for stat in stats.values()))

    return measured
