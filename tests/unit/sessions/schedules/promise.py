"""What sessions promise, as something to be checked after any schedule."""

from __future__ import annotations

from collections.abc import Iterator

from pygorums.sessions.acceptor import KEPT
from tests.unit.sessions.schedules.ends import Call
from tests.unit.sessions.schedules.world import World

__all__ = ["broken_promises"]


def broken_promises(world: World) -> list[str]:
    """What does not hold."""
    broken = list(world.wrong)
    for call in world.calls:
        broken += [f"call {call.number} ({call.kind}): {text}" for text in _of_call(world, call)]
    for end in world.every_end:
        for up in (True, False):
            order = [call.number for call in end.handled if call.up == up]
            if order != sorted(order):
                broken.append(f"handled in the order {order}")
        if end.counted.kept.size > (8 * KEPT if end.up else KEPT):
            broken.append(f"{end.counted.kept.size} bytes are kept")
    return broken


def _of_call(world: World, call: Call) -> Iterator[str]:
    times, outcome = len(call.handled), call.outcome
    if times > 1 and not call.idempotent:
        yield f"handled {times} times"
    if len(set(call.handled)) != times:
        yield "handled twice in one session"
    if call.open and not world.client.closed:
        yield "never ends"
    if outcome == "reply" and not times:
        yield "answered, and not handled"
    if outcome == "down" and times:
        yield "told that it was not handled, and it was"
    if outcome == "unknown" and not world.losses:
        yield "unknown, though nothing was lost"
    if outcome == "unknown" and call.idempotent and "down" not in world.losses:
        yield "unknown, though it might be sent again"
    if call.returned and not times and not world.losses - {"down", "linger"} and outcome != "lost":
        yield "returned, and never handled"
    if outcome == "lost" and not world.losses:
        yield "lost, though nothing has happened"
    if call.kind == "rpc" and len(call.got) > 1:
        yield f"answered {len(call.got)} times"
    if call.kind == "streaming" and call.got != list(range(len(call.got))):
        yield f"its replies came as {call.got}"
