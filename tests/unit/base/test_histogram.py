"""Durations in buckets."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygorums.base.histogram import BOUNDS, Histogram, quantiles_of

DURATIONS = st.lists(st.floats(min_value=2e-6, max_value=800), min_size=1, max_size=200)


def filled(durations: list[float]) -> Histogram:
    histogram = Histogram()
    for seconds in durations:
        histogram.add(seconds)
    return histogram


def test_the_bounds() -> None:
    assert (BOUNDS[0], BOUNDS[-1]) == (1e-6, 900.0)
    assert list(BOUNDS) == sorted(set(BOUNDS))
    assert max(b / a for a, b in itertools.pairwise(BOUNDS)) < 1.15
    for nice in (0.001, 0.002, 0.005, 0.1, 0.25, 1.0, 2.5, 10.0):
        assert nice in BOUNDS


@given(DURATIONS)
def test_quantiles_are_near_the_exact_ones(durations: list[float]) -> None:
    rough, exact = filled(durations).quantiles(), quantiles_of(durations)
    assert rough is not None
    assert exact is not None
    assert rough.count == exact.count == len(durations)
    assert math.isclose(rough.mean, exact.mean)
    for name in ("p50", "p90", "p99"):
        assert math.isclose(getattr(rough, name), getattr(exact, name), rel_tol=0.07)


@given(DURATIONS, DURATIONS)
def test_merged_is_as_if_one_had_counted_all(some: list[float], others: list[float]) -> None:
    merged, whole = Histogram.merged([filled(some), filled(others)]), filled(some + others)
    assert merged.buckets == whole.buckets
    assert math.isclose(merged.sum, whole.sum)


@pytest.mark.parametrize(
    ("durations", "quantiles"),
    [
        ([1.0], (1, 1.0, 1.0, 1.0, 1.0)),
        ([1.0, 3.0], (2, 2.0, 3.0, 3.0, 3.0)),
        ([float(n) for n in range(1, 101)], (100, 50.5, 51.0, 91.0, 100.0)),
    ],
)
def test_exact_quantiles(durations: list[float], quantiles: tuple[float, ...]) -> None:
    found = quantiles_of(durations)
    assert found is not None
    assert (found.count, found.mean, found.p50, found.p90, found.p99) == quantiles


def test_nothing_has_no_quantiles() -> None:
    assert quantiles_of([]) is None
    assert Histogram().quantiles() is None


def test_what_is_out_of_bounds_counts_at_the_ends() -> None:
    histogram = filled([0.0, -1.0, 1e9])
    assert (histogram.buckets[0], histogram.buckets[-1], histogram.count) == (2, 1, 3)
