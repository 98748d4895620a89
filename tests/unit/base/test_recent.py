"""Quantiles of the newest samples."""

import pytest

from pygorums.base.recent import ENOUGH, KEPT, OFTEN, RecentSamples


def test_few_samples_say_nothing() -> None:
    samples = RecentSamples()
    samples.extend([1.0] * (ENOUGH - 1))
    assert samples.quantile(0.5) is None
    samples.append(1.0)
    assert samples.quantile(0.5) == 1.0


@pytest.mark.parametrize(("part", "value"), [(0, 0), (0.5, 128), (0.95, 243), (0.99, 253), (1, 255)])
def test_quantiles(part: float, value: float) -> None:
    samples = RecentSamples()
    samples.extend(range(1000, 2000))
    samples.extend(reversed(range(KEPT)))
    assert samples.quantile(part) == value


def test_new_samples_are_noticed_soon() -> None:
    samples = RecentSamples()
    samples.extend([1.0] * KEPT)
    assert samples.quantile(0.5) == 1.0
    samples.extend([2.0] * KEPT)
    assert [samples.quantile(0.5) for _ in range(OFTEN)][-1] == 2.0
