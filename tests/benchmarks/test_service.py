"""The server, driven call by call."""

import time
from collections.abc import AsyncIterator, Callable

import pytest

import pygorums as gorums
from benchmarks.benchmark_gorums import (
    multicast,
    quorum_call,
    slow_server,
    start_benchmark,
    start_server_benchmark,
    stop_benchmark,
    stop_server_benchmark,
)
from benchmarks.benchmark_pb2 import DESCRIPTOR, Echo, StartRequest, StopRequest, TimedMsg
from benchmarks.servers import service
from benchmarks.servers import stats as server_stats
from benchmarks.servers.service import BenchmarkImpl
from tests.support.waiting import within


@pytest.fixture
async def services() -> list[BenchmarkImpl]:
    return [BenchmarkImpl() for _ in range(3)]


@pytest.fixture
async def config(services: list[BenchmarkImpl]) -> AsyncIterator[gorums.Configuration]:
    servers = [gorums.Server(service) for service in services]
    async with gorums.connect([await server.start("127.0.0.1:0") for server in servers]) as config:
        yield config
    for server in servers:
        await server.stop()


async def test_echo(config: gorums.Configuration) -> None:
    replies = await within(quorum_call(config, Echo(payload=b"hello")).collect_all())
    assert replies == {node_id: Echo(payload=b"hello") for node_id in (1, 2, 3)}


async def test_a_slow_server_handles_others_meanwhile(
    config: gorums.Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "SLOW", 0.5)  # a busy machine takes more than a few milliseconds for the others
    started = time.monotonic()
    slow = slow_server(config, Echo(payload=b"slow")).async_all()
    fast = await within(quorum_call(config, Echo(payload=b"fast")).all())
    assert fast.payload == b"fast"
    assert not slow.done()
    assert (await within(slow)).payload == b"slow"
    assert time.monotonic() - started >= 0.5


async def test_servers_measure_multicasts(config: gorums.Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    await within(multicast(config, TimedMsg(send_time=0)))  # before the start: it does not count
    await within(start_server_benchmark(config, StartRequest()).all())
    now = 1_000_000_000_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: now)
    for latency in (1_000, 3_000):
        await within(multicast(config, TimedMsg(send_time=now - latency, payload=b"x")))
    results = await within(stop_server_benchmark(config, StopRequest()).collect_all())
    assert sorted(results) == [1, 2, 3]
    for result in results.values():
        assert result.total_ops == 2
        assert result.latency_avg == 2_000.0
        assert result.latency_var == 2_000_000.0
        assert result.total_time > 0
        assert result.throughput == pytest.approx(2 / (result.total_time / 1e9))
        assert len(result.server_stats) == 1


async def test_stopping_twice_tells_of_nothing_more(config: gorums.Configuration) -> None:
    await within(start_server_benchmark(config, StartRequest()).all())
    await within(multicast(config, TimedMsg(send_time=time.time_ns())))
    assert (await within(stop_server_benchmark(config, StopRequest()).all())).total_ops == 1
    again = await within(stop_server_benchmark(config, StopRequest()).all())
    assert (again.total_ops, again.latency_avg, again.latency_var) == (0, 0.0, 0.0)


async def test_memory_is_by_how_much_the_process_has_grown(
    config: gorums.Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 1 << 20
    monkeypatch.setattr(server_stats, "resident_bytes", lambda: size)
    await within(start_benchmark(config, StartRequest()).all())
    size += 4096
    stats = await within(stop_benchmark(config, StopRequest()).collect_all())
    assert [stat.memory for stat in stats.values()] == [4096] * 3
    size = 0
    assert (await within(stop_benchmark(config, StopRequest()).all())).memory == 0


@pytest.mark.parametrize("make", [lambda: 5, lambda: 0])
async def test_clocks_may_differ(
    make: Callable[[], int], services: list[BenchmarkImpl], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The sender's clock is ahead of the server's.
    monkeypatch.setattr(time, "time_ns", make)
    stats = services[0].stats
    stats.sent_at(10)
    result = stats.stop()
    assert result.latency_avg == make() - 10
    assert stats.histogram.percentile(0.5) == 0


def test_the_service_is_that_of_gorums() -> None:
    service = DESCRIPTOR.services_by_name["Benchmark"]
    assert service.full_name == "benchmark.Benchmark"
    assert {method.name: (method.input_type.name, method.output_type.name) for method in service.methods} == {
        "StartServerBenchmark": ("StartRequest", "StartResponse"),
        "StopServerBenchmark": ("StopRequest", "Result"),
        "StartBenchmark": ("StartRequest", "StartResponse"),
        "StopBenchmark": ("StopRequest", "MemoryStat"),
        "QuorumCall": ("Echo", "Echo"),
        "SlowServer": ("Echo", "Echo"),
        "Multicast": ("TimedMsg", "Empty"),
    }
    assert {
        message: [(field.name, field.number) for field in DESCRIPTOR.message_types_by_name[message].fields]
        for message in DESCRIPTOR.message_types_by_name
    } == {
        "Echo": [("payload", 1)],
        "TimedMsg": [("send_time", 1), ("payload", 2)],
        "StartRequest": [],
        "StartResponse": [],
        "StopRequest": [],
        "Result": [
            *(("name", 1), ("total_ops", 2), ("total_time", 3), ("throughput", 4), ("latency_avg", 5)),
            *(("latency_var", 6), ("allocs_per_op", 7), ("mem_per_op", 8), ("server_stats", 9)),
        ],
        "MemoryStat": [("allocs", 1), ("memory", 2)],
    }
    assert not any(
        field.has_presence for message in DESCRIPTOR.message_types_by_name.values() for field in message.fields
    )
