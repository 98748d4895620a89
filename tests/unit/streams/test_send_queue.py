"""The queue of what is sent, without an event loop: held against a list of what should be there."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygorums.base.errors import StreamDownError
from pygorums.streams.outgoing import UNOWNED
from pygorums.streams.send_queue import SendQueue
from pygorums.wire.framing import SERVER_INITIATED, encode_announcement, encode_message, split
from pygorums.wire.handshake import EXTENSIONS, Terms

NODE = 7
DOWN = StreamDownError("down")
AGREED = Terms(EXTENSIONS, 200, None, 10, 1).opened(EXTENSIONS)
"""Envelopes of less than 200 bytes."""

LIMIT = 400


class Call:
    """Writes down what became of it."""

    def __init__(self, number: int, one_way: bool) -> None:
        self.number, self.one_way = number, one_way
        self.withdrawn = False
        self.outcomes: list[str] = []

    def sent(self, node_id: int) -> None:
        assert node_id == NODE
        self.outcomes.append("sent")

    def fail(self, node_id: int, error: Exception) -> None:
        assert (node_id, error) == (NODE, DOWN)
        self.outcomes.append("failed")


class Model:
    """The queue beside the simplest thing that could be right: one list, looked through at each step."""

    def __init__(self, batching: bool, at_once: int) -> None:
        self.batching = batching
        self.at_once = at_once
        self.agreed = AGREED if batching else replace(AGREED, batching=False)
        self.queue = SendQueue(NODE, LIMIT)
        self.queue.agree(self.agreed)
        self.waiting: list[Call] = []
        self.writing: list[Call] = []
        self.cancels: list[int] = []
        self.calls: list[Call] = []
        self.sizes: dict[int, int] = {}
        self.data: Sequence[bytes] = ()

    def put(self, one_way: bool, size: int) -> None:
        call = Call(len(self.calls) + 1, one_way)
        frame = encode_message(call.number, b"", bytes(size))
        free = LIMIT - self.bytes
        taken = (self.queue.put_one_way if one_way else self.queue.put)(frame, call)
        if len(frame) <= free:
            assert taken
        if taken:
            self.calls.append(call)
            self.sizes[call.number] = len(frame)
            self.waiting.append(call)

    @property
    def bytes(self) -> int:
        return self.queue.queued_bytes

    def withdraw(self, index: int, told: bool) -> None:
        """Somebody gives up, and may want the peer to know."""
        if not self.calls or self.calls[index % len(self.calls)].withdrawn:
            return
        call = self.calls[index % len(self.calls)]
        call.withdrawn = True
        if told:
            if call not in self.waiting:
                self.cancels.append(call.number)
            self.queue.give_up(call.number, call)
        else:
            self.queue.withdraw()

    def write(self) -> None:
        """A write completes, if there is one, and the next begins."""
        if self.data:
            self.queue.wrote()
            for call in self.writing:
                assert call.outcomes == (["sent"] if call.one_way else [])
        self.waiting = [call for call in self.waiting if not call.withdrawn]
        self.data = self.queue.next_messages(self.at_once)
        self.writing = []
        if not self.data:
            assert not self.waiting
            assert not self.cancels
            assert self.bytes == 0
            return
        messages = [message for data in self.data for message in split(data, batching=self.batching)]
        assert len(messages) == 1 or sum(map(len, self.data)) < 200
        assert len(self.data) == (1 if self.batching else len(messages))
        for message in messages:
            if message.cancel:
                assert message.message_seq_no in self.cancels
                self.cancels.remove(message.message_seq_no)
            else:
                self.writing.append(self.waiting.pop(0))
                assert message.message_seq_no == self.writing[-1].number, "in the order in which they were put"

    def stream_breaks(self) -> None:
        self.queue.stream_broke(DOWN)
        for call in self.writing:
            assert call.outcomes == (["failed"] if call.one_way else [])
        self.writing, self.data = [], ()
        self.cancels.clear()
        self.queue.agree(self.agreed)

    def check(self) -> None:
        waiting = [owner for owner in self.queue.waiting() if isinstance(owner, Call) and not owner.withdrawn]
        assert waiting == [call for call in self.waiting if not call.withdrawn]
        assert self.bytes >= sum(self.sizes[call.number] for call in (*waiting, *self.writing))


STEPS = st.one_of(
    st.tuples(st.just("put"), st.booleans(), st.sampled_from([1, 30, 90, 250])),
    st.tuples(st.just("withdraw"), st.integers(0, 50), st.booleans()),
    st.tuples(st.just("write")),
    st.tuples(st.just("stream_breaks")),
)


@given(st.booleans(), st.sampled_from([0, 200]), st.lists(STEPS, max_size=40))
def test_against_a_list(batching: bool, at_once: int, steps: Sequence[tuple[str, *tuple[int, ...]]]) -> None:
    model = Model(batching, at_once)
    for name, *arguments in steps:
        getattr(model, name)(*arguments)
        model.check()
    for _ in range(100):
        model.write()
    assert not model.data
    assert all(call.outcomes == [] for call in model.calls if not call.one_way)
    assert all(len(call.outcomes) == 1 for call in model.calls if call.one_way and not call.withdrawn)


def test_whoever_sends_is_woken_once_it_says_that_nothing_was_left() -> None:
    queue, woken = SendQueue(NODE, LIMIT), []

    def wake() -> None:
        queue.wake = None
        woken.append(True)

    queue.put(b"1", UNOWNED)
    assert [*queue.next_messages(0)] == [b"1"]
    queue.wrote()
    assert not queue.next_messages(0)
    queue.wake = wake
    queue.put(b"2", UNOWNED)
    queue.put(b"3", UNOWNED)
    assert woken == [True]


def test_a_large_frame_is_announced_and_again_on_the_next_stream() -> None:
    queue = SendQueue(NODE, 1 << 20)
    queue.announce(100)
    frame = encode_message(SERVER_INITIATED, b"", bytes(300))
    for _ in range(2):
        queue.put(frame, UNOWNED)
        (announcement,) = queue.next_messages(0)
        (message,) = split(announcement, batching=False)
        assert message.following == len(frame)
        queue.wrote()
        assert queue.queued_bytes == len(frame)
        queue.stream_broke(DOWN)
        queue.discard(DOWN)
    assert queue.queued_bytes == 0


async def test_whoever_waits_until_all_has_left_does_not_wait_for_others_to_send_something() -> None:
    queue = SendQueue(1, 100)
    woken: list[str] = []
    queue.wake = lambda: woken.append("now")
    queue.tell(b"\x68\x01", now=False)
    assert queue.telling
    assert not woken
    waiting = asyncio.ensure_future(queue.drained(0))
    await asyncio.sleep(0)
    assert woken == ["now"]
    assert list(queue.next_messages(0)) == [b"\x68\x01"]
    queue.wrote()
    await asyncio.wait_for(waiting, 10)
    assert not queue.telling


def test_what_is_told_goes_along_with_what_is_sent() -> None:
    queue = SendQueue(1, 100)
    queue.tell(b"\x68\x01", now=False)
    queue.tell(b"\x68\x02", now=False)
    queue.put(b"frame", UNOWNED)
    assert list(queue.next_messages(0)) == [b"\x68\x02frame"]
    queue.wrote()
    assert queue.queued_bytes == 0


@pytest.mark.parametrize(
    ("told", "size", "joined"),
    [
        ([b"\x68\x01"], 4000, True),
        ([b"\x68\x01"], 4096, False),
        ([b"\x68\x01"], 4600, False),
        ([b"\x60\x01"], 4, False),
        ([b"\x68\x01", b"\x60\x01"], 4, False),
    ],
)
def test_only_an_acknowledgement_is_joined_with_a_small_message(told: list[bytes], size: int, joined: bool) -> None:
    queue = SendQueue(1, 100_000)
    queue.announce(4500)
    for sign in told:
        queue.tell(sign)
    frame = bytes(size)
    queue.put(frame, UNOWNED)
    messages = [*queue.next_messages(0)]
    queue.wrote()
    if size > 4500:
        assert messages == [*told, encode_announcement(size)]
        messages = [*told, *queue.next_messages(0)]
    assert messages == ([told[0] + frame] if joined else [*told, frame])


def test_an_acknowledgement_does_not_make_a_message_too_large() -> None:
    queue = SendQueue(1, 100)
    queue.largest = 20
    queue.tell(b"\x68\x01")
    queue.put(b"frame", UNOWNED)
    assert list(queue.next_messages(0)) == [b"\x68\x01", b"frame"]
