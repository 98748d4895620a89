"""Adding, and what is known of each addition afterwards."""

import asyncio
from dataclasses import dataclass

from google.protobuf.empty_pb2 import Empty

import pygorums as gorums
from examples.counter.counter_gorums import add, look
from examples.counter.counter_pb2 import Amount

__all__ = ["Outcomes", "add_ones", "count_on", "value_of"]


@dataclass
class Outcomes:
    """How many additions have ended in which way.

    Attributes:
        added: They were answered.
        not_added: They were certainly not handled, and will not be.
        unknown: The process that may have handled them is gone.
    """

    added: int = 0
    not_added: int = 0
    unknown: int = 0


async def value_of(node: gorums.Node) -> int:
    """What the counter has."""
    return (await look(node, Empty())).value


async def add_ones(node: gorums.Node, times: int, *, at_once: int = 10) -> Outcomes:
    """Add one so many times, some of them at once; what has become of them."""
    outcomes = Outcomes()
    numbers = iter(range(times))

    async def work() -> None:
        for _ in numbers:
            try:
                await add(node, Amount(amount=1))
                outcomes.added += 1
            except gorums.OutcomeUnknownError:
                outcomes.unknown += 1
            except gorums.StreamDownError as error:
                if error.certain:
                    outcomes.not_added += 1
                else:
                    outcomes.unknown += 1  # only of nodes without sessions

    await asyncio.gather(*(work() for _ in range(at_once)))
    return outcomes


async def count_on(node: gorums.Node, times: int) -> None:
    """Count on by so many, whatever happens to connections and to the server, if nobody else does.

    Where it is unknown what was added, the counter knows: what is missing is added again.
    """
    goal = await value_of(node) + times
    while (missing := goal - await value_of(node)) > 0:
        await add_ones(node, missing)
