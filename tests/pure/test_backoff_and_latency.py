"""The rhythm of reopening and the latency estimate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygorums import Backoff
from pygorums.base.ewma import smoothed


@pytest.mark.parametrize(("attempt", "wait"), [(0, 0.1), (1, 0.16), (2, 0.256), (8, 4.294967296), (9, 5), (10**9, 5)])
def test_waits_grow_to_the_maximum(attempt: int, wait: float) -> None:
    assert Backoff().delay(attempt, 0.5) == pytest.approx(wait)


@given(st.integers(0, 10**6), st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_jitter_stays_within_its_bounds(attempt: int, chance: float, jitter: float) -> None:
    backoff = Backoff(initial=1, maximum=8, multiplier=2, jitter=jitter)
    middle = backoff.delay(attempt, 0.5)
    assert 1 <= middle <= 8
    assert middle * (1 - jitter) <= backoff.delay(attempt, chance) <= middle * (1 + jitter)


@pytest.mark.parametrize(
    "wrong",
    [
        {"initial": 0},
        {"initial": -1},
        {"initial": 6},
        {"multiplier": 0.9},
        {"jitter": 1},
        {"jitter": -0.1},
        {"maximum": float("inf")},
        {"initial": float("nan")},
    ],
)
def test_backoffs_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="backoff needs"):
        Backoff(**wrong)


def test_the_first_sample_is_the_estimate_and_later_ones_weigh_a_fifth() -> None:
    assert smoothed(None, 3.0) == 3.0
    assert smoothed(1.0, 2.0) == pytest.approx(1.2)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_the_estimate_lies_between_the_samples(samples: list[float]) -> None:
    estimate: float | None = None
    for sample in samples:
        estimate = smoothed(estimate, sample)
    assert estimate is not None
    assert min(samples) - 1e-9 <= estimate <= max(samples) + 1e-9
