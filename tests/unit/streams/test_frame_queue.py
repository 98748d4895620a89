"""The queue of what is sent where the other side has little room: held against lists of what should leave, and when."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from pygorums.sessions.kept import Kept
from pygorums.streams.crediting import credit_of_opener
from pygorums.streams.outgoing import UNOWNED, Outgoing
from pygorums.streams.send_queue import SendQueue
from pygorums.wire.framing import SERVER_INITIATED, encode_message, split
from pygorums.wire.handshake import EXTENSIONS, Terms

AGREED = Terms(EXTENSIONS, 3000, None, 10, 1).opened(EXTENSIONS)
LIMIT = 20_000
WINDOW = 4000


class Call:
    """A request that waits for one reply, or a one-way message."""

    timeout = None
    sent_at = 0.0
    frame = b""

    def __init__(self, number: int, one_way: bool, size: int) -> None:
        self.number, self.one_way, self.size = number, one_way, size
        self.withdrawn = False
        self.told = 0

    def sent(self, node_id: int) -> None:
        self.told += 1

    def fail(self, node_id: int, error: Exception) -> None:
        raise AssertionError("nothing fails here")


class Ends:
    """The queue, and the other end, which takes what comes and handles it later."""

    def __init__(self) -> None:
        self.queue = SendQueue(1, LIMIT)
        self.kept: Kept[Outgoing] = Kept(1 << 20)
        self.credit = credit_of_opener(self.kept, WINDOW)
        self.calls: list[Call] = []
        self.put_in: list[Call] = []
        self.went: list[int] = []  # the numbers of requests that have left, and of replies
        self.cancelled: list[int] = []
        self.arrived: list[int] = []  # sizes of messages on their way to the other end
        self.taken = self.backlog = self.replies = 0
        self.begin()

    def begin(self) -> None:
        self.queue.agree(AGREED)
        self.queue.keep(self.kept, self.credit)

    def put(self, one_way: bool, size: int) -> None:
        call = Call(len(self.calls) + 1, one_way, size)
        frame = encode_message(call.number, b"", bytes(size))
        self.calls.append(call)
        fits = self.queue.queued_bytes + self.queue.held_bytes + len(frame) <= LIMIT
        put = (self.queue.put_one_way if one_way else self.queue.put)(frame, call)
        assert put or not fits
        if put:
            self.put_in.append(call)
        assert self.queue.queued_bytes + self.queue.held_bytes <= LIMIT + 600 * 60, "cancels and replies apart"

    def reply(self) -> None:
        self.replies += 1
        self.queue.put_anyway(encode_message(SERVER_INITIATED | self.replies, b"", b"x"), UNOWNED)

    def give_up(self, index: int) -> None:
        if self.put_in and not (call := self.put_in[index % len(self.put_in)]).withdrawn:
            call.withdrawn = True
            if call.one_way:
                self.queue.withdraw()
            else:
                self.queue.give_up(call.number, call)

    def decided(self, index: int) -> None:
        """A streaming call is over and was not withdrawn: its nodes are told, behind its request."""
        if self.put_in and not (call := self.put_in[index % len(self.put_in)]).withdrawn and not call.one_way:
            self.queue.give_up(call.number, call)

    def write(self) -> bool:
        messages = [each for data in self.queue.next_messages(0) for each in split(data, batching=True)]
        for message in messages:
            number = message.message_seq_no
            if message.cancel:
                assert number in self.went, "not before its request"
                self.cancelled.append(number)
            elif number < SERVER_INITIATED:
                assert number > max((n for n in self.went if n < SERVER_INITIATED), default=0), "in order"
                self.went.append(number)
                self.arrived.append(512 + len(message.SerializeToString()))
                continue
            else:
                assert number == SERVER_INITIATED + sum(n > SERVER_INITIATED for n in self.went) + 1
                self.went.append(number)
            self.arrived.append(0)
        if messages:
            self.queue.wrote()
        largest = max((512 + call.size + 20 for call in self.calls), default=0)
        assert self.backlog + sum(self.arrived) <= WINDOW + largest
        if not messages:
            assert self.replies == sum(n > SERVER_INITIATED for n in self.went), "replies leave at once"
            assert self.queue.queued_bytes == 0
            assert self.queue.empty
        return bool(messages)

    def take(self, count: int) -> None:
        new, self.arrived = self.arrived[:count], self.arrived[count:]
        self.taken += len(new)
        self.backlog += sum(new)

    def handle(self, part: int) -> None:
        self.backlog = self.backlog * part // 4

    def acknowledge(self) -> None:
        assert self.kept.acknowledge(self.taken)
        self.queue.acknowledged(max(WINDOW - self.backlog, 0))

    def look(self) -> None:
        """Whoever asks what waits disturbs nothing."""
        waiting = [owner.number for owner in self.queue.waiting() if isinstance(owner, Call) and not owner.withdrawn]
        went = set(self.went)
        assert waiting == [call.number for call in self.put_in if not call.withdrawn and call.number not in went]
        assert self.queue.held_bytes == 0

    def another_stream(self) -> None:
        """All that was written has arrived, and the session goes on."""
        self.take(len(self.arrived))
        self.queue.keep(None)
        self.queue.detach()
        assert self.kept.resume(self.taken) == ([], [])
        self.credit.tell(max(WINDOW - self.backlog, 0))
        self.begin()


STEPS = st.one_of(
    st.tuples(st.just("put"), st.booleans(), st.sampled_from([1, 30, 600, 1500, 5000])),
    st.tuples(st.sampled_from(["give_up", "decided"]), st.integers(0, 50)),
    st.tuples(st.sampled_from(["take", "handle"]), st.integers(0, 4)),
    st.tuples(st.sampled_from(["reply", "write", "write", "acknowledge", "look", "another_stream"])),
)


@given(st.lists(STEPS, max_size=50))
def test_against_lists(steps: Sequence[tuple[str, *tuple[int, ...]]]) -> None:
    ends = Ends()
    for name, *arguments in steps:
        getattr(ends, name)(*arguments)
    for _ in range(2 * len(ends.calls) + 2):
        while ends.write():
            pass
        ends.take(len(ends.arrived))
        ends.handle(0)
        ends.acknowledge()
    assert ends.queue.held_bytes == ends.queue.queued_bytes == 0
    went = set(ends.went)
    assert all(call.number in went for call in ends.put_in if not call.withdrawn)
    assert all(call.told == (call.number in went) for call in ends.calls if call.one_way)


def test_who_sends_is_woken_by_credit() -> None:
    queue: SendQueue = SendQueue(1, LIMIT)
    kept: Kept[Outgoing] = Kept(1 << 20)
    queue.keep(kept, credit_of_opener(kept, 1000))
    woken: list[bool] = []
    for number in range(1, 4):
        queue.put(encode_message(number, b"", bytes(300)), UNOWNED)
    while queue.next_messages(0):
        queue.wrote()
    queue.wake = lambda: woken.append(True)
    assert queue.held_bytes > 600
    assert kept.acknowledge(1)
    queue.acknowledged(None)
    assert woken == [True], "though nothing was said but that it was taken"
    while queue.next_messages(0):
        queue.wrote()
    queue.acknowledged(0)
    assert queue.held_bytes > 300
    queue.keep(kept)
    assert len(woken) == 3, "nothing needs credit any more"
    while queue.next_messages(0):
        queue.wrote()
    assert (queue.held_bytes, queue.queued_bytes) == (0, 0)


def test_what_waits_for_credit_leaves_though_somebody_has_looked_at_it() -> None:
    ends, woken = Ends(), 0

    def wake() -> None:
        nonlocal woken
        woken += 1

    for _ in range(2):
        ends.put(False, 3000)
    assert ends.write()
    assert not ends.write()
    ends.queue.wake = wake
    ends.look()
    ends.take(1)
    ends.handle(0)
    ends.acknowledge()
    assert woken == 1
    assert ends.write()
    assert ends.went == [1, 2]
