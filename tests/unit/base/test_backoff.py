"""The rhythm of reopening."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygorums import Backoff


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
        {"maximum": 10**400},
    ],
)
def test_backoffs_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="backoff"):
        Backoff(**wrong)
