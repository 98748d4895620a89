"""What needs credit of what is sent in a session."""

from __future__ import annotations

import asyncio
from typing import cast

from pygorums.sessions.credit import Credit
from pygorums.sessions.kept import Kept
from pygorums.streams.outgoing import CANCELLATION, UNOWNED, Outgoing
from pygorums.streams.pending import PendingCall
from pygorums.streams.resending import WORTH_TELLING
from pygorums.wire.framing import LAST_CALL, is_server_initiated
from pygorums.wire.timeouts import with_time_left

__all__ = ["credit_of_acceptor", "credit_of_opener"]


def credit_of_opener(kept: Kept[Outgoing], told: int | None) -> Credit[Outgoing]:
    """For what an opener sends: of that the calls of the acceptor, which are its replies, need none."""
    return Credit(kept.limit, told, _passes_of_opener, _renewed)


def credit_of_acceptor(kept: Kept[Outgoing], told: int | None) -> Credit[Outgoing]:
    """For what an acceptor sends: of that the calls of the opener need none."""
    return Credit(kept.limit, told, _passes_of_acceptor, _renewed)


def _passes_of_opener(frame: bytes, owner: Outgoing) -> bool:
    # Its leave says that there are no more requests behind.
    return (owner is CANCELLATION and frame != LAST_CALL) or is_server_initiated(frame)


def _passes_of_acceptor(frame: bytes, owner: Outgoing) -> bool:
    return owner is CANCELLATION or not is_server_initiated(frame)


def _renewed(frame: bytes, owner: Outgoing) -> bytes:
    """A request that had to wait, with the time that is left of its timeout."""
    if owner.one_way or owner is UNOWNED or owner is CANCELLATION:
        return frame
    call = cast("PendingCall", owner)  # nobody else expects replies
    if call.timeout is None:
        return frame
    waited = asyncio.get_running_loop().time() - call.sent_at
    return with_time_left(call.frame, call.timeout, waited) if waited > WORTH_TELLING else frame
