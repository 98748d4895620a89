"""Running one scenario once, for tests of what a world does; and what callers were told in many runs."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from pygorums import testing
from pygorums.testing.simulation.running import Run, Runner, Settings
from tests.protos.calls_gorums import ask
from tests.protos.calls_pb2 import Text
from tests.simulation.protocols import Answering

TOLD: Counter[str] = Counter()
"""How often callers of `tests.support.ledger` were told what, in all runs of this process."""


class Echo(Answering):
    """Replies with what was asked, and remembers it."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def ask(self, ctx: Any, request: Text) -> Text:
        self.seen.append(request.text)
        return request


def run(
    scenario: Callable[[testing.World], Awaitable[None]],
    seed: int = 1,
    *,
    latency: tuple[float, float] | None = (0.01, 0.01),
    steps: bool = False,
    **settings: Any,
) -> Run:
    """Run it, and raise what it fails with."""
    with Runner(scenario, Settings(latency=latency, **settings)).ready() as runner:
        done = runner.run(seed, trace=True, steps=steps)
    if done.error is not None:
        raise done.error
    return done


async def say(config: Any, text: str, timeout: float | None = 1.0, nodes: int = 1) -> str:
    """Ask, and return the reply's text."""
    reply: Text = await ask(config, Text(text=text), timeout=timeout).threshold(nodes)
    return reply.text
