"""Calls that this end refuses: of its own, what the node does not take; of the node, what nobody here handles."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from pygorums.base.errors import StatusError
from pygorums.streams.outgoing import UNOWNED
from pygorums.streams.pending import PendingCalls
from pygorums.streams.reply_sink import ReplySink
from pygorums.streams.send_queue import SendQueue
from pygorums.wire.framing import Frame, Message, Status, encode_error, method_field

__all__ = ["refuse_larger", "refuse_requests"]

LONGEST_NAME = 1000
"""Characters of a method's name that a refusal repeats."""


def refuse_larger(queue: SendQueue, pending: PendingCalls, node_id: int, address: str) -> None:
    """Fail what has queued up and is more than the node takes."""
    largest = queue.largest
    taken = queue.take_out(lambda frame, _: len(frame) > largest)
    pending.remove([owner for _, owner in taken])
    for frame, owner in taken:
        text = queue.why_not(frame, address, 0)
        owner.fail(node_id, StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text, node_id=node_id))


def refuse_requests(requests: Sequence[Message | Frame], replies: ReplySink) -> None:
    """Answer calls of the node that there is no handler for them."""
    for request in requests:
        if request.cancel:
            continue
        name = request.method[:LONGEST_NAME]
        status = Status(code=grpc.StatusCode.UNIMPLEMENTED.value[0], message=f"no handler registered for method {name}")
        replies.put(encode_error(request.message_seq_no, method_field(name), status), UNOWNED)
