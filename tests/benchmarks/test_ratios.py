"""Ratios, and what is said of them below the table."""

import math

import pytest

from benchmarks.measuring.measurement import Measurement, latency_of, ratio_of
from benchmarks.reports.table import Row, facade_summary
from benchmarks.statistics.latency import Latency


def measurement(throughput: float, p50: float | None = None) -> Measurement:
    latency = None if p50 is None else Latency(p50, 0.0, p50, None, None)
    return Measurement(throughput, latency, 0.0, None, 0, None, None)


def test_a_ratio_is_the_median_of_those_within_the_rounds() -> None:
    ours = [measurement(value) for value in (10.0, 30.0, 80.0)]
    theirs = [measurement(value) for value in (10.0, 10.0, 20.0)]
    assert ratio_of(ours, theirs) == 3.0


def test_who_has_no_calls_can_be_compared_with() -> None:
    assert ratio_of([measurement(2.0)], [measurement(0.0)]) == pytest.approx(2e9)
    assert latency_of(measurement(0.0)) == math.inf


def test_latencies_can_be_compared() -> None:
    assert ratio_of([measurement(1.0, 0.003)], [measurement(1.0, 0.002)], latency_of) == pytest.approx(1.5)


def test_the_figures_of_the_facade() -> None:
    rows = [
        Row("QuorumCall", 1, [measurement(500.0, 0.002)], {}),
        Row("SyncQuorumCall", 1, [measurement(400.0, 0.0025)], {"C": 2.0, "asyncio": 0.8}),
        Row("SyncQuorumCall", 32, [measurement(9000.0, 0.003)], {"C": 9.0, "asyncio": 0.5}),
        Row("SyncAsyncQuorumCall", 1000, [measurement(9000.0, 0.1)], {"C": 9.0, "asyncio": 0.625}),
    ]
    assert facade_summary(rows) == [
        "pygorums.sync, the blocking facade:",
        "  a call of a single thread takes 1.25 × as long as with asyncio (p50)",
        "  32 threads make 9.00 × the calls of C",
        "  1,000 in flight by futures are 0.62 × the calls/s of asyncio",
    ]


def test_without_the_facade_nothing_is_said_of_it() -> None:
    assert facade_summary([Row("QuorumCall", 1, [measurement(500.0, 0.002)], {"A": 2.0})]) == []
