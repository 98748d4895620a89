"""Mistakes that are often made are found, and protocols without them are clean."""

import pytest

from pygorums import testing
from pygorums.testing.simulation.running import Runner, Settings
from tests.simulation.protocols import RIGHT, WRONG, Scenario

# Seeds at which the search begins: the mistakes show themselves soon after. `WRONG` is searched from 0 by hand.
NEAR = {
    "the write-back is forgotten": 70,
    "an acknowledged write is lost": 65,
}


@pytest.mark.parametrize("name", WRONG)
def test_mistakes_are_found(name: str) -> None:
    first = NEAR.get(name, 0)
    with Runner(WRONG[name], Settings()).ready() as runner:
        errors = (runner.run(seed).error for seed in range(first, first + 200))
        found = next((error for error in errors if error is not None), None)
    assert isinstance(found, testing.NotLinearizableError | testing.ConditionError)


@pytest.mark.parametrize("name", ["a retry is not idempotent", "a minority is taken for a quorum"])
def test_few_faults_are_enough(name: str) -> None:
    with pytest.raises(testing.SimulationFailure) as caught:
        testing.check(WRONG[name], 200)
    assert isinstance(caught.value.__cause__, testing.NotLinearizableError)
    assert len(caught.value.faults) <= 1 < caught.value.drawn


@pytest.mark.parametrize("scenario", RIGHT.values(), ids=RIGHT)
def test_what_is_right_is_clean(scenario: Scenario) -> None:
    testing.check(scenario, seeds=30)
