"""How many round trips a first call takes, and a call whose connection breaks: with a session no more than without."""

import asyncio

import pytest

import pygorums as gorums
from pygorums import testing
from pygorums.testing.simulation.wires import WIRES
from tests.simulation.support import Echo, run, say

WAY = 0.05
"""Simulated seconds."""


def round_trips(session: gorums.Session | None, wire: str) -> dict[str, float]:
    """How many there are until each of several calls is answered, the first call on."""
    found = {}

    async def scenario(world: testing.World) -> None:
        async def note(what: str, begun: float, call: asyncio.Future[str]) -> None:
            await call
            found[what] = round((world.time - begun) / (2 * WAY), 1)
            await world.sleep(1.5)  # so that the next attempt follows one that has lasted

        def ask(text: str) -> asyncio.Future[str]:
            return asyncio.ensure_future(say(config, text, timeout=10))

        (server,) = await world.servers(1, lambda _: Echo())
        begun = world.time
        config = world.connect([server], host="client", session=session, backoff=gorums.Backoff(0.001, 0.001))
        await note("first", begun, ask("first"))
        await note("next", world.time, ask("next"))
        world.reset("client", "s1")
        await note("after a break", world.time, ask("after a break"))
        for what, lost in (("request lost", 0.5), ("reply lost", 1.5)):
            call = ask(what)
            await world.sleep(lost * WAY)
            world.reset("client", "s1")
            await note(what, world.time, call)

    run(scenario, wire=wire, latency=(WAY, WAY))
    return found


@pytest.mark.parametrize("wire", WIRES)
def test_with_a_session_and_without(wire: str) -> None:
    connecting = 1 if wire == "http2" else 0  # a stream of messages has no connection below it
    unkept = {"first": 2, "next": 1, "after a break": 2, "request lost": 2, "reply lost": 2}
    # What was taken before the break is not sent again: the reply is there when the session goes on.
    kept = {**unkept, "reply lost": 1}
    more = dict.fromkeys(unkept, connecting) | {"next": 0}
    assert round_trips(None, wire) == {what: trips + more[what] for what, trips in unkept.items()}
    assert round_trips(gorums.Session(), wire) == {what: trips + more[what] for what, trips in kept.items()}
