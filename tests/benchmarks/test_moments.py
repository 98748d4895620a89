"""Means and variances."""

import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.statistics.moments import Moments, Welford, combined

samples = st.lists(st.floats(-1e6, 1e6), max_size=50)


@pytest.mark.parametrize(
    ("values", "moments"),
    [
        ([], Moments(0, 0.0, 0.0)),
        ([3.0], Moments(1, 3.0, 0.0)),
        ([1.0, 3.0], Moments(2, 2.0, 2.0)),
        ([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0], Moments(8, 5.0, 32 / 7)),
        ([7.0] * 10, Moments(10, 7.0, 0.0)),
    ],
)
def test_moments(values: list[float], moments: Moments) -> None:
    found = Welford(values).moments
    assert found.count == moments.count
    assert found.mean == pytest.approx(moments.mean)
    assert found.variance == pytest.approx(moments.variance)
    assert found.deviation == pytest.approx(moments.variance**0.5)


@settings(deadline=None)  # a machine that is busy is no failure
@given(samples)
def test_moments_are_those_that_statistics_gives(values: list[float]) -> None:
    found = Welford(values).moments
    if values:
        assert found.mean == pytest.approx(statistics.fmean(values), abs=1e-6)
    if len(values) > 1:
        assert found.variance == pytest.approx(statistics.variance(values), rel=1e-6, abs=1e-6)


def test_a_large_offset_costs_no_precision() -> None:
    values = [1e9 + value for value in (4.0, 7.0, 13.0, 16.0)]
    assert Welford(values).moments.variance == 30.0


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([], Moments(0, 0.0, 0.0)),
        ([Moments(0, 0.0, 0.0)], Moments(0, 0.0, 0.0)),
        ([Moments(4, 10.0, 3.0)], Moments(4, 10.0, 3.0)),
        # A server that has seen nothing changes nothing.
        ([Moments(4, 10.0, 3.0), Moments(0, 0.0, 0.0)], Moments(4, 10.0, 3.0)),
        # (4 * 10 + 2 * 40) / 6; (3 * 3 + 1 * 9) / (6 - 2)
        ([Moments(4, 10.0, 3.0), Moments(2, 40.0, 9.0)], Moments(6, 20.0, 4.5)),
        # Single samples have no variance of their own to be pooled.
        ([Moments(1, 1.0, 0.0), Moments(1, 3.0, 0.0)], Moments(2, 2.0, 0.0)),
    ],
)
def test_combined(parts: list[Moments], whole: Moments) -> None:
    found = combined(parts)
    assert found.count == whole.count
    assert found.mean == pytest.approx(whole.mean)
    assert found.variance == pytest.approx(whole.variance)


@settings(deadline=None)  # a machine that is busy is no failure
@given(st.lists(samples.filter(lambda values: len(values) > 1), min_size=1, max_size=5))
def test_combining_gives_the_mean_of_all_and_a_variance_between_those_of_the_parts(groups: list[list[float]]) -> None:
    parts = [Welford(group).moments for group in groups]
    whole = combined(parts)
    everything = [value for group in groups for value in group]
    assert whole.count == len(everything)
    assert whole.mean == pytest.approx(statistics.fmean(everything), abs=1e-6)
    variances = [part.variance for part in parts]
    assert min(variances) * (1 - 1e-9) <= whole.variance <= max(variances) * (1 + 1e-9)


@settings(deadline=None)  # a machine that is busy is no failure
@given(samples, st.integers(2, 5))
def test_servers_that_saw_the_same_agree_with_each_other(values: list[float], servers: int) -> None:
    one = Welford(values).moments
    whole = combined([one] * servers)
    assert whole.count == servers * one.count
    assert whole.mean == pytest.approx(one.mean)
    assert whole.variance == pytest.approx(one.variance)
