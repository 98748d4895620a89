"""Replies find their calls, and calls that nobody waits for are bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygorums.base.errors import StatusError
from pygorums.streams.pending import ENTRY_COST, PendingCalls
from pygorums.wire.framing import SERVER_INITIATED
from pygorums.wire.stream_pb2 import Message

NODE = 5


class Call:
    timeout: float | None = None
    one_way = withdrawn = False

    def __init__(self, *, streaming: bool = False, sent_at: float = 0.0, size: int = 10) -> None:
        self.frame = bytes(size)
        self.streaming = streaming
        self.decided = False
        self.sent_at = sent_at
        self.log: list[object] = []

    def deliver(self, node_id: int, payload: bytes) -> None:
        assert node_id == NODE
        self.log.append(payload)

    def fail(self, node_id: int, error: Exception) -> None:
        assert node_id == NODE
        self.log.append(error)

    def sent(self, node_id: int) -> None: ...

    def end(self, node_id: int) -> None:
        self.log.append("end")


def add(pending: PendingCalls, seq_no: int, call: Call) -> None:
    pending.add(seq_no, call, len(call.frame))


def reply(seq_no: int, payload: bytes = b"r", *, code: int = 0, end: bool = False) -> Message:
    message = Message(message_seq_no=seq_no, method="m", payload=payload, end=end)
    if code:
        message.status.code = code
        message.status.message = "refused"
    return message


def test_the_first_reply_ends_the_wait_and_later_ones_are_dropped() -> None:
    pending, call = PendingCalls(NODE, 1 << 20), Call()
    add(pending, 1, call)
    pending.deliver([reply(1)], 1.0)
    pending.deliver([reply(1, b"late")], 1.0)
    pending.deliver([reply(99)], 1.0)
    assert call.log == [b"r"]
    assert len(pending) == 0


def test_a_streaming_call_takes_replies_until_its_end() -> None:
    pending, call = PendingCalls(NODE, 1 << 20), Call(streaming=True)
    add(pending, 1, call)
    for message in (reply(1, b"a"), reply(1, b"b"), reply(1, b"", end=True), reply(1, b"c")):
        pending.deliver([message], 1.0)
    assert call.log == [b"a", b"b", "end"]
    assert len(pending) == 0


@pytest.mark.parametrize("streaming", [False, True])
def test_an_error_ends_the_wait(streaming: bool) -> None:
    pending, call = PendingCalls(NODE, 1 << 20), Call(streaming=streaming)
    add(pending, 1, call)
    pending.deliver([reply(1, code=7)], 1.0)
    (error,) = call.log
    assert isinstance(error, StatusError)
    assert (error.code.name, error.message, error.node_id) == ("PERMISSION_DENIED", "refused", NODE)
    assert len(pending) == 0


def test_a_status_code_that_grpc_does_not_know_is_unknown() -> None:
    pending, call = PendingCalls(NODE, 1 << 20), Call()
    add(pending, 1, call)
    pending.deliver([reply(1, code=4711)], 1.0)
    (error,) = call.log
    assert isinstance(error, StatusError)
    assert error.code.name == "UNKNOWN"


def test_a_status_that_says_ok_is_a_success() -> None:
    pending, call = PendingCalls(NODE, 1 << 20), Call()
    add(pending, 1, call)
    message = reply(1)
    message.status.SetInParent()
    pending.deliver([message], 1.0)
    assert call.log == [b"r"]


def test_successful_replies_are_measured_and_errors_are_not() -> None:
    pending = PendingCalls(NODE, 1 << 20)
    for seq_no, sent_at in ((1, 10.0), (2, 10.0), (3, 10.0)):
        add(pending, seq_no, Call(sent_at=sent_at))
    pending.deliver([reply(1, code=13)], 11.0)
    assert pending.latency is None
    pending.deliver([reply(2)], 12.0)
    assert pending.latency == 2.0
    pending.deliver([reply(3)], 13.0)
    assert pending.latency == pytest.approx(2.2)


def test_forgotten_calls_get_nothing() -> None:
    pending, call = PendingCalls(NODE, 1 << 20), Call()
    add(pending, 1, call)
    assert pending.forget(1)
    assert not pending.forget(1)
    pending.deliver([reply(1)], 1.0)
    assert call.log == []


def test_decided_calls_are_measured_but_do_not_count_as_pending() -> None:
    pending, call = PendingCalls(NODE, 1 << 20), Call(sent_at=1.0)
    add(pending, 1, call)
    call.decided = True
    assert len(pending) == 0
    pending.deliver([reply(1)], 4.0)
    assert pending.latency == 3.0


def test_calls_that_nobody_waits_for_are_swept_out_before_they_weigh_more_than_the_limit() -> None:
    size = 1000
    limit = 20 * (size + ENTRY_COST)
    pending = PendingCalls(NODE, limit)
    live = [Call(size=size) for _ in range(5)]
    for seq_no, call in enumerate(live):
        add(pending, seq_no, call)
    for seq_no in range(100, 1100):
        call = Call(size=size)
        call.decided = True
        add(pending, seq_no, call)
        assert sum(1 for _ in pending.unanswered()) * (size + ENTRY_COST) <= 2 * limit
    assert len(pending) == len(live)
    assert [call for call in pending.unanswered() if not call.decided] == live


def test_only_streaming_calls_fail_when_others_are_sent_again() -> None:
    pending, plain, streaming = PendingCalls(NODE, 1 << 20), Call(), Call(streaming=True)
    add(pending, 1, plain)
    add(pending, 2, streaming)
    error = RuntimeError()
    pending.fail_streaming(error)
    assert (plain.log, streaming.log) == ([], [error])
    assert list(pending.unanswered()) == [plain]
    pending.fail_all(error)
    assert plain.log == [error]
    assert list(pending.unanswered()) == []


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_the_latency_estimate_lies_between_the_samples(samples: list[float]) -> None:
    pending = PendingCalls(NODE, 1 << 30)
    for seq_no, sample in enumerate(samples):
        add(pending, seq_no, Call(sent_at=0.0))
        pending.deliver([reply(seq_no)], sample)
    assert pending.latency is not None
    assert min(samples) - 1e-9 <= pending.latency <= max(samples) + 1e-9


def test_requests_among_replies_are_handed_back() -> None:
    pending, call = PendingCalls(NODE, 1 << 20), Call()
    add(pending, 1, call)
    request = Message(message_seq_no=1 << 63, method="m")
    assert pending.deliver([request, reply(1)], 1.0) == [request]
    assert pending.deliver([reply(1)], 1.0) is None
    assert call.log == [b"r"]


@pytest.mark.timeout(20)
def test_requests_that_come_together_are_not_copied_for_each() -> None:
    """It would take minutes."""
    pending = PendingCalls(NODE, 1000)
    messages = [Message(message_seq_no=SERVER_INITIATED | n) for n in range(300_000)]
    assert pending.deliver(messages, 0.0) == messages
