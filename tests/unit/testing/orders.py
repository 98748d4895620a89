"""What linearizable means, word for word: an order of the operations that the model allows."""

import dataclasses
import itertools
from collections.abc import Sequence

from pygorums import testing
from pygorums.testing import Model, Operation, Outcome

__all__ = ["by_trying_all_orders", "explains"]


def explains(order: Sequence[Operation], model: Model) -> None:
    """An order that was found is one."""
    state = model.init
    for index, operation in enumerate(order):
        state = model.step(state, operation)
        assert state is not testing.IMPOSSIBLE
        assert all(later.returned is None or later.returned > operation.invoked for later in order[index + 1 :])


def by_trying_all_orders(operations: Sequence[Operation], model: Model) -> bool:
    """Whether there is one."""
    if model.key is not None:
        keys = {model.key(operation) for operation in operations}
        whole = dataclasses.replace(model, key=None)
        parts = [[operation for operation in operations if model.key(operation) == key] for key in keys]
        return all(by_trying_all_orders(part, whole) for part in parts)
    certain = [operation for operation in operations if operation.outcome is Outcome.OK]
    perhaps = [operation for operation in operations if operation.outcome is Outcome.UNKNOWN]
    for count in range(len(perhaps) + 1):
        for some in itertools.combinations(perhaps, count):
            if any(fits(order, model) for order in itertools.permutations([*certain, *some])):
                return True
    return False


def fits(order: Sequence[Operation], model: Model) -> bool:
    state, latest = model.init, -1
    for operation in order:
        if operation.returned is not None and operation.returned < latest:
            return False
        latest = max(latest, operation.invoked)
        state = model.step(state, operation)
        if state is testing.IMPOSSIBLE:
            return False
    return True
