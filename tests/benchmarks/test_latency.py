"""What is told of latencies."""

import pytest

from benchmarks.statistics.histogram import Histogram
from benchmarks.statistics.latency import Latency
from benchmarks.statistics.moments import Moments


def test_without_samples_there_is_nothing_to_tell() -> None:
    assert Latency.of([]) is None
    assert Latency.measured_by_servers(Moments(0, 0.0, 0.0), Histogram()) is None


def test_percentiles_are_samples() -> None:
    found = Latency.of([value / 1000 for value in range(1000, 0, -1)])
    assert found is not None
    assert (found.p50, found.p99, found.p999) == (0.5, 0.99, 0.999)
    assert found.mean == pytest.approx(0.5005)
    assert found.deviation == pytest.approx(0.288819, rel=1e-5)


def test_a_single_sample_is_every_percentile() -> None:
    assert Latency.of([0.25]) == Latency(0.25, 0.0, 0.25, 0.25, 0.25)


def test_servers_measure_in_nanoseconds() -> None:
    found = Latency.measured_by_servers(Moments(4, 2_500_000.0, 4e12), Histogram([1_000_000] * 3 + [7_000_000]))
    assert found is not None
    assert found.mean == pytest.approx(0.0025)
    assert found.deviation == pytest.approx(0.002)
    assert found.p50 == pytest.approx(0.001, rel=0.01)
    assert found.p999 == pytest.approx(0.007, rel=0.01)


def test_servers_may_keep_no_histogram() -> None:
    found = Latency.measured_by_servers(Moments(2, 1000.0, 0.0), Histogram())
    assert found is not None
    assert found.mean == pytest.approx(1e-6)
    assert (found.p50, found.p99, found.p999) == (None, None, None)
