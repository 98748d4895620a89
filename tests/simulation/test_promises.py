"""What `docs/delivery.md` promises, over as many seeds as the suite has time for; `make prove` takes more."""

import pytest

from pygorums import testing
from tests.simulation.promises import PROMISES


@pytest.mark.parametrize(("name", "seeds"), [("order", 1200), ("crashes", 700), ("calls back", 100)])
def test_promises(name: str, seeds: int) -> None:
    testing.check(PROMISES[name], seeds=seeds)
