"""What is sent again when a stream replaces one that broke."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from pygorums.base.errors import OutcomeUnknownError, StatusError, renewed
from pygorums.streams.outgoing import UNOWNED, Outgoing
from pygorums.streams.pending import PendingCall, PendingCalls
from pygorums.streams.reply_sink import ReplySink
from pygorums.streams.send_queue import SendQueue
from pygorums.wire.framing import SERVER_INITIATED, Message
from pygorums.wire.timeouts import with_time_left

__all__ = [
    "fail_calls",
    "is_answer",
    "is_message",
    "request_of",
    "resend_kept",
    "resend_unanswered",
    "tell_time_left",
    "written_calls",
]

WORTH_TELLING = 0.01
"""Seconds for which a request must have waited to be sent with the time that is left of its timeout."""


def request_of(frame: bytes) -> Message:
    """What a frame says."""
    return Message.FromString(frame)


def is_message(owner: Outgoing) -> bool:
    """Whether what has this owner is a one-way message, or was one when it was first written."""
    return (owner.one_way or owner is UNOWNED) and not isinstance(owner, ReplySink)


def is_answer(frame: bytes, owner: Outgoing) -> bool:
    """Whether a frame answers a call back, be it for the first time or again."""
    if owner is UNOWNED:
        return request_of(frame).message_seq_no >= SERVER_INITIATED
    return isinstance(owner, ReplySink)


def resend_unanswered(queue: SendQueue, pending: PendingCalls) -> Sequence[PendingCall]:
    """Without a session: put the calls that wait for a reply, and have left, before all that waits; those."""
    waiting = {id(owner) for owner in queue.waiting()}
    taken = [call for call in pending.unanswered() if id(call) not in waiting]
    queue.resend([call.frame for call in taken], taken)
    return taken


def resend_kept(
    queue: SendQueue, frames: Sequence[bytes], owners: Sequence[Outgoing], wanted: Callable[[Outgoing], bool]
) -> None:
    """In a session: put what was not taken before all that waits, except of who has withdrawn, or is not `wanted`.

    One-way messages are never taken back: a multicast whose time is up tells only of nodes that it was not sent to.
    """
    again = [
        # Who is one-way has been told that it was sent.
        (frame, UNOWNED if owner.one_way else owner)
        for frame, owner in zip(frames, owners, strict=True)
        if (owner.one_way or not owner.withdrawn) and wanted(owner)
    ]
    queue.resend([frame for frame, _ in again], [owner for _, owner in again])


def tell_time_left(queue: SendQueue, pending: PendingCalls, now: float) -> None:
    """Have the requests that wait say how much of their timeout is left."""
    queue.renew(
        {
            id(call): with_time_left(call.frame, call.timeout, now - call.sent_at)
            for call in pending.timed(now - WORTH_TELLING)
            if call.timeout is not None
        }
    )


def written_calls(queue: SendQueue, pending: PendingCalls) -> list[PendingCall]:
    """The calls that have left and wait for replies."""
    waiting = {id(owner) for owner in queue.waiting()}
    return [call for call in pending.all() if id(call) not in waiting]


def fail_calls(
    queue: SendQueue,
    pending: PendingCalls,
    node_id: int,
    error: StatusError,
    *,
    session: bool,
    left_before: Mapping[int, Callable[..., StatusError]] = MappingProxyType({}),
) -> None:
    """The node cannot be reached: fail the calls to it, and have none leave later. Replies to it go on waiting.

    Args:
        queue: What waits to be sent.
        pending: The calls that wait for replies.
        node_id: The node.
        error: Why.
        session: Whether what has left did so in a session that is not over.
        left_before: What calls fail with that have left before, though they wait to be sent again; by their identity.
    """
    text = f"{error.message}, after the call had left"

    def left() -> StatusError:
        return OutcomeUnknownError(text, node_id=node_id) if session else renewed(error, node_id)

    written = written_calls(queue, pending)
    pending.remove(written)
    waiting = queue.take_out(lambda _, owner: not isinstance(owner, _KEPT))
    pending.remove([owner for _, owner in waiting])
    for call in written:
        call.fail(node_id, left())
    for _, owner in waiting:
        if (before := left_before.get(id(owner))) is not None:
            owner.fail(node_id, before(text, node_id=node_id))
        else:
            owner.fail(node_id, renewed(error, node_id, certain=True))


_KEPT = (ReplySink, type(UNOWNED))
"""Who waits on until the node can be reached again: replies, and what was written before in the session."""
