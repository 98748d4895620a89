"""Who is told what when a node cannot be reached, and what is sent again."""

import grpc
import pytest

from pygorums.base.errors import OutcomeUnknownError, StatusError, StreamDownError
from pygorums.streams.outgoing import UNOWNED
from pygorums.streams.pending import PendingCalls
from pygorums.streams.resending import fail_calls, resend_kept, resend_unanswered
from pygorums.streams.send_queue import SendQueue
from tests.unit.streams.far_end import Call

NODE = 2


def started(*calls: Call) -> tuple[SendQueue, PendingCalls]:
    """A queue that has written the calls, all of which wait for replies."""
    queue, pending = SendQueue(NODE, 1000), PendingCalls(NODE, 1000)
    for call in calls:
        queue.put(call.frame, call)
        pending.add(call.number, call, len(call.frame))
    while queue.next_messages(0):
        queue.wrote()
    return queue, pending


@pytest.mark.parametrize(("session", "kind"), [(True, OutcomeUnknownError), (False, StreamDownError)])
def test_what_has_left_and_what_has_not(session: bool, kind: type[StatusError]) -> None:
    left, again, waits, one_way, elsewhere = Call(1), Call(2), Call(3), Call(4, one_way=True), Call(5)
    queue, pending = started(left)
    for call in (again, elsewhere, waits):
        queue.put(call.frame, call)
        pending.add(call.number, call, len(call.frame))
    queue.put_one_way(one_way.frame, one_way)
    queue.put(b"reply", UNOWNED)
    error = StreamDownError("refused")
    before = {id(again): kind, id(elsewhere): OutcomeUnknownError}
    fail_calls(queue, pending, NODE, error, session=session, left_before=before)
    for call, expected in ((left, kind), (again, kind), (elsewhere, OutcomeUnknownError)):
        (told,) = call.log
        assert type(told) is expected
        assert not getattr(told, "certain", False)
    for call in (waits, one_way):
        (told,) = call.log
        assert isinstance(told, StreamDownError)
        assert told.certain
    assert list(queue.waiting()) == [UNOWNED], "what answers the node waits for it"
    assert not list(pending.all())


def test_without_a_session_whoever_has_left_is_told_the_status_itself() -> None:
    call = Call(1)
    queue, pending = started(call)
    fail_calls(queue, pending, NODE, StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, "too large"), session=False)
    (told,) = call.log
    assert isinstance(told, StatusError)
    assert told.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_one_way_messages_are_never_taken_back() -> None:
    queue = SendQueue(NODE, 1000)
    call, given_up, one_way, over = Call(1), Call(2), Call(3, one_way=True), Call(4)
    given_up.withdrawn = one_way.withdrawn = True
    owners = [call, given_up, one_way, over, UNOWNED]
    frames = [b"call", b"given up", b"one-way", b"over", b"reply"]
    resend_kept(queue, frames, owners, lambda owner: owner is not over)
    assert list(queue.waiting()) == [call, UNOWNED, UNOWNED], "nobody is told twice that it was sent"
    assert list(queue.next_messages(1000)) == [b"call", b"one-way", b"reply"]


def test_without_a_session_all_that_waits_for_a_reply_is_sent_again() -> None:
    left, waits = Call(1), Call(2)
    queue, pending = started(left)
    queue.put(waits.frame, waits)
    pending.add(waits.number, waits, len(waits.frame))
    assert resend_unanswered(queue, pending) == [left]
    assert list(queue.waiting()) == [left, waits]
