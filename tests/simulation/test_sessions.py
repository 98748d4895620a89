"""What sessions promise, over 2,000 seeds; `make prove PROVE=sessions` takes 100,000."""

import pytest

from pygorums import testing
from tests.simulation.sessions import PARTS, SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
def test_exactly_once(name: str) -> None:
    testing.check(SCENARIOS[name], round(2000 * PARTS[name]))
