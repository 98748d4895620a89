"""What the ends of sessions say may be anything: for some thousand values, of which `make fuzz` tries more."""

import pytest

from tests.robustness.fuzz_sessions import Talk


@pytest.mark.parametrize("first", range(0, 100, 25))
def test_whatever_is_said_counts_for_something_or_for_nothing(first: int) -> None:
    for seed in range(first, first + 25):
        Talk(seed).run()
