"""Tables, and the medians in them."""

import pytest

from benchmarks.measuring.measurement import Measurement, median_of
from benchmarks.reports.table import Row, comparison_table, markdown, plain
from benchmarks.statistics.latency import Latency


def measurement(throughput: float, *, latency: Latency | None = None, servers: int | None = None) -> Measurement:
    return Measurement(throughput, latency, 5e-6, None if servers is None else 1e-6, 1 << 20, servers, None)


def test_medians_are_of_each_figure_and_leave_out_what_is_missing() -> None:
    runs = [
        measurement(10.0, latency=Latency(1.0, 0.1, None, None, None)),
        measurement(30.0, latency=Latency(3.0, 0.3, 2.0, None, None)),
        measurement(20.0, servers=7),
    ]
    found = median_of(runs)
    assert found.throughput == 20.0
    assert found.latency is not None
    assert found.latency.deviation == pytest.approx(0.2)
    assert (found.latency.mean, found.latency.p50, found.latency.p99) == (2.0, 2.0, None)
    assert found.servers_memory == 7
    assert found.growth is None


def test_a_row_of_the_table() -> None:
    run = measurement(12345.6, latency=Latency(0.0015, 0.0005, 0.001, 0.002, None), servers=3 << 20)
    headings, cells = comparison_table([Row("QuorumCall", 1000, [run], {"A": 2.504})])
    assert dict(zip(headings, cells, strict=True)) == {
        "benchmark": "QuorumCall",
        "in flight": "1,000",
        "calls/s": "12,346",
        "mean ms": "1.500",
        "sd ms": "0.500",
        "p50 ms": "1.000",
        "p99 ms": "2.000",
        "p99.9 ms": "–",
        "client µs/call": "5.0",
        "servers µs/call": "1.0",
        "client MiB": "1",
        "server MiB": "3",
        "× A": "2.50",
        "× B": "–",
    }


def test_what_only_the_facade_is_compared_with_is_there_when_it_is() -> None:
    run = measurement(1.0)
    rows = [
        Row("QuorumCall", 1, [run], {"A": 2.0, "B": 1.0}),
        Row("SyncQuorumCall", 1, [run], {"C": 3.0, "asyncio": 0.5}),
    ]
    table = [line[-4:] for line in comparison_table(rows)]
    assert table == [["× A", "× B", "× C", "× asyncio"], ["2.00", "1.00", "–", "–"], ["–", "–", "3.00", "0.50"]]


def test_latencies_beside_those_of_plain_connections_are_there_when_they_are() -> None:
    run = measurement(1.0)
    rows = [Row("RPC", 1, [run], {"A": 2.0, "B": 1.0, "R": 4.5}), Row("SlowServer", 1, [run], {"A": 1.0, "B": 0.5})]
    table = [line[-3:] for line in comparison_table(rows)]
    assert table == [["× A", "× B", "p50 × R"], ["2.00", "1.00", "4.50"], ["1.00", "0.50", "–"]]


def test_a_row_of_which_nothing_is_known() -> None:
    _, cells = comparison_table([Row("A", 1, [measurement(0.0)], {})])
    assert cells == ["A", "1", "0", *["–"] * 5, "5.0", "–", "1", "–", "–", "–"]


def test_a_table_for_terminals() -> None:
    assert plain([["name", "n"], ["a", "10"]]).splitlines() == ["name   n", "────  ──", "a     10"]


def test_a_table_for_markdown() -> None:
    assert markdown([["name", "n"], ["a", "10"]]).splitlines() == ["| name | n |", "|---|---:|", "| a | 10 |"]
