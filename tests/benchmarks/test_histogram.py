"""Histograms."""

import json
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.statistics.histogram import Histogram

values_of_all_sizes = st.lists(st.integers(0, 100) | st.integers(0, 10**12), min_size=1, max_size=100)
fractions = st.floats(0, 1)


@pytest.mark.parametrize("value", [0, 1, 63, 64, 127])
def test_small_values_are_exact(value: int) -> None:
    assert Histogram([value]).percentile(0.5) == value


def test_nothing_has_no_percentile() -> None:
    assert Histogram().percentile(0.5) is None


@pytest.mark.parametrize(("fraction", "value"), [(0.0, 1), (0.01, 1), (0.5, 50), (0.99, 99), (0.999, 100), (1.0, 100)])
def test_percentiles_of_one_to_a_hundred(fraction: float, value: int) -> None:
    assert Histogram(range(1, 101)).percentile(fraction) == value


@settings(deadline=None)  # a machine that is busy is no failure
@given(values_of_all_sizes, fractions)
def test_a_percentile_is_within_one_percent(values: list[int], fraction: float) -> None:
    exact = sorted(values)[max(ceil(fraction * len(values)), 1) - 1]
    assert Histogram(values).percentile(fraction) == pytest.approx(exact, rel=0.01)


@settings(deadline=None)  # a machine that is busy is no failure
@given(values_of_all_sizes, values_of_all_sizes, fractions)
def test_adding_is_counting_both(some: list[int], others: list[int], fraction: float) -> None:
    total = Histogram(some)
    total.add(Histogram(others))
    assert total.total == len(some) + len(others)
    assert total.counts == Histogram([*others, *some]).counts
    assert total.percentile(fraction) == Histogram(some + others).percentile(fraction)


@settings(deadline=None)  # a machine that is busy is no failure
@given(values_of_all_sizes)
def test_it_comes_back_from_json(values: list[int]) -> None:
    histogram = Histogram(values)
    again = Histogram.of(json.loads(json.dumps(histogram.counts)))
    assert again.counts == histogram.counts
    assert again.percentile(0.9) == histogram.percentile(0.9)
