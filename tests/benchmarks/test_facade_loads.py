"""The loads of the blocking facade, over real connections."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

import pygorums
import pygorums.sync
from benchmarks.loads.outcome import Outcome, ThreadLoad
from benchmarks.subjects.facade_loads import Facade
from tests.support.waiting import LIMIT, within

MakeLoad = Callable[[Facade, int], ThreadLoad]
"""From a facade, and the replies that are needed, to a load with 3 in flight."""

LOADS = [
    pytest.param(lambda facade, quorum: facade.quorum_call_load(quorum, 3, 10), id="threads"),
    pytest.param(lambda facade, quorum: facade.async_quorum_call_load(quorum, 3, 10), id="futures"),
]


async def run(addresses: Sequence[str], make: MakeLoad, quorum: int = 2) -> Outcome:
    """Load in a thread: the facade must not be used in a running loop."""

    def put_on() -> Outcome:
        with pygorums.sync.connect(addresses) as config:
            config.wait_connected(timeout=LIMIT)
            return make(Facade(config), quorum)(0.02)

    return await within(asyncio.to_thread(put_on))


@pytest.mark.parametrize("make", LOADS)
async def test_calls_are_made(plain_addresses: list[str], make: MakeLoad) -> None:
    outcome = await run(plain_addresses, make)
    assert outcome.ops >= 3
    assert outcome.elapsed >= 0.02
    assert outcome.latency is not None
    assert outcome.growth is not None


@pytest.mark.parametrize("make", LOADS)
async def test_a_call_that_fails_ends_the_load(plain_addresses: list[str], make: MakeLoad) -> None:
    with pytest.raises(pygorums.IncompleteError):
        await run(plain_addresses, make, quorum=4)
