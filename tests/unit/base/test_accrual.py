"""From how long a silence on a node is suspected."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygorums.base.accrual import LEAST_DEVIATION, SAMPLES, Accrual

gaps = st.lists(st.floats(0.001, 100), max_size=60)


@pytest.mark.parametrize(
    ("level", "expected", "gaps", "patience"),
    [
        pytest.param(1, 5.0, [], 5 + 1.2816 * 1.25, id="nothing is known yet"),
        pytest.param(8, 5.0, [], 5 + 5.6120 * 1.25, id="nothing is known yet, higher level"),
        pytest.param(8, 5.0, [5.0] * SAMPLES, 5 + 5.6120 * LEAST_DEVIATION, id="very regular"),
        pytest.param(8, 5.0, [4.0, 6.0] * SAMPLES, 5 + 5.6120 * 1.0, id="irregular"),
        pytest.param(3, 5.0, [1.0] * SAMPLES, 1 + 3.0902 * LEAST_DEVIATION, id="far more often than expected"),
        pytest.param(3, 1.0, [8.0, 12.0] * SAMPLES, 10 + 3.0902 * 2.0, id="far less often than expected"),
        pytest.param(12, 5.0, [5.0] * SAMPLES, 5 + 7.0345 * LEAST_DEVIATION, id="a very high level"),
    ],
)
def test_patience(level: float, expected: float, gaps: list[float], patience: float) -> None:
    accrual = Accrual(level, expected)
    for gap in gaps:
        accrual.heard(gap)
    assert accrual.patience == pytest.approx(patience, abs=1e-3)


@given(st.floats(1, 15), st.floats(0.1, 60), gaps)
def test_the_level_is_reached_when_patience_ends(level: float, expected: float, gaps: list[float]) -> None:
    accrual = Accrual(level, expected)
    for gap in gaps:
        accrual.heard(gap)
    assert accrual.level(accrual.patience) == pytest.approx(level, rel=1e-6, abs=1e-9)
    assert accrual.level(accrual.patience * 0.9) < level < accrual.level(accrual.patience * 1.1 + 0.01)


@given(gaps)
def test_only_the_last_signs_count(gaps: list[float]) -> None:
    one, other = Accrual(8, 1.0), Accrual(8, 50.0)
    for accrual, before in ((one, []), (other, gaps)):
        for gap in [*before, *[2.0, 3.0] * (SAMPLES // 2)]:
            accrual.heard(gap)
    assert one.patience == pytest.approx(other.patience, rel=1e-6)


def test_a_silence_that_lasts_has_no_end_of_levels() -> None:
    assert Accrual(8, 1.0).level(1e9) == math.inf
