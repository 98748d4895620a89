"""What `docs/delivery.md` promises, over 2,000 seeds; `make prove` takes more."""

import pytest

from pygorums import testing
from tests.simulation.promises import PROMISES

PORTION = 380
"""Seeds of one test, so that none takes long."""


@pytest.mark.parametrize(
    ("name", "first"), [*(("order", n * PORTION) for n in range(3)), *(("crashes", n * PORTION) for n in range(2))]
)
def test_promises(name: str, first: int) -> None:
    testing.check(PROMISES[name], range(first, first + PORTION))


def test_promises_to_members_that_call_back() -> None:
    testing.check(PROMISES["calls back"], 100)
