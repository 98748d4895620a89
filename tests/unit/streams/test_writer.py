"""The queue of one stream: order, envelopes, limits, receipts, and what a broken stream leaves behind."""

import asyncio
from collections.abc import Sequence

import pytest

from pygorums.base.errors import StreamDownError
from pygorums.streams.outgoing import UNOWNED
from pygorums.streams.send_queue import SendQueue
from pygorums.streams.writer import Writer
from pygorums.transports.telling import Telling
from pygorums.wire.batching import MAX_ENVELOPE
from pygorums.wire.framing import encode_announcement, encode_message, split
from pygorums.wire.handshake import EXTENSIONS, NO_LIMIT, Terms
from tests.support.waiting import turns

NODE = 3
DOWN = StreamDownError("down")
BATCHING = Terms(EXTENSIONS, NO_LIMIT, None, 10, 1).opened(EXTENSIONS)


def frame(number: int) -> bytes:
    return encode_message(number, b"", b"x" * 10)


def numbers(data: bytes) -> list[int]:
    return [message.message_seq_no for message in split(data, batching=True)]


class Receipts:
    """Writes down what became of each message."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def of(self, name: str) -> "Receipt":
        return Receipt(self.log, name)


class Receipt:
    one_way = True
    withdrawn = False

    def __init__(self, log: list[str], name: str) -> None:
        self.log, self.name = log, name

    def sent(self, node_id: int) -> None:
        assert node_id == NODE
        self.log.append(f"{self.name} sent")

    def fail(self, node_id: int, error: Exception) -> None:
        assert node_id == NODE
        self.log.append(f"{self.name} failed")


class Wire(Telling):
    """A stream that takes what is written only once it is open."""

    heard_at = 0.0

    def __init__(self, queue: SendQueue, *, is_open: bool = False, at_once: int = 0) -> None:
        super().__init__()
        self.at_once = at_once
        self.writes: list[list[int]] = []
        self._is_open = is_open
        self.writer = Writer(queue, self)

    def write(self, messages: Sequence[bytes], /) -> bool:
        self.writes.append([number for data in messages for number in numbers(data)])
        return self._is_open

    def open(self) -> None:
        self._is_open = True
        self.writer.writable()


async def test_a_lone_message_goes_at_once_and_what_queued_meanwhile_as_one_envelope() -> None:
    queue = SendQueue(NODE, 1 << 20)
    queue.agree(BATCHING)
    wire = Wire(queue)
    wire.writer.begin()
    queue.put(frame(1), UNOWNED)
    await turns(1)
    assert wire.writes == [[1]]
    for number in (2, 3, 4):
        queue.put(frame(number), UNOWNED)
    await turns(2)
    assert wire.writes == [[1]]
    wire.open()
    assert wire.writes == [[1], [2, 3, 4]]
    assert queue.queued_bytes == 0


async def test_messages_of_the_same_turn_go_together_in_the_next() -> None:
    queue = SendQueue(NODE, 1 << 20)
    queue.agree(BATCHING)
    wire = Wire(queue, is_open=True)
    wire.writer.begin()
    for numbers_together in ([1], [2, 3, 4], [5]):
        for number in numbers_together:
            queue.put(frame(number), UNOWNED)
        await turns(1)
        assert wire.writes[-1] == numbers_together
        assert queue.queued_bytes == 0


async def test_a_writer_that_is_stopped_writes_nothing_more_and_leaves_the_rest_to_the_next() -> None:
    queue = SendQueue(NODE, 1 << 20)
    wire = Wire(queue)
    wire.writer.begin()
    queue.put(frame(1), UNOWNED)
    await turns(1)
    queue.put(frame(2), UNOWNED)
    wire.writer.stop()
    wire.open()
    await turns(2)
    assert wire.writes == [[1]]
    queue.stream_broke(DOWN)
    following = Wire(queue, is_open=True)
    following.writer.begin()
    assert following.writes == [[2]]


async def test_a_writer_that_is_stopped_in_the_turn_before_writes_nothing() -> None:
    queue = SendQueue(NODE, 1 << 20)
    wire = Wire(queue, is_open=True)
    wire.writer.begin()
    queue.put(frame(1), UNOWNED)
    wire.writer.stop()
    await turns(2)
    assert wire.writes == []
    assert len(queue.waiting()) == 1


@pytest.mark.parametrize(
    ("at_once", "expected"),
    [
        pytest.param(0, [[1], [2], [3], [4]], id="each alone"),
        pytest.param(40, [[1, 2], [3, 4]], id="some together"),
        pytest.param(1 << 16, [[1, 2, 3, 4]], id="all together"),
    ],
)
async def test_without_batching_messages_stay_what_they_are(at_once: int, expected: list[list[int]]) -> None:
    queue = SendQueue(NODE, 1 << 20)
    for number in (1, 2, 3, 4):
        queue.put(frame(number), UNOWNED)
    wire = Wire(queue, is_open=True, at_once=at_once)
    wire.writer.begin()
    assert wire.writes == expected
    assert queue.queued_bytes == 0


async def test_without_batching_a_large_message_is_announced_and_goes_alone() -> None:
    queue = SendQueue(NODE, 1 << 20)
    queue.announce(100)
    large = encode_message(2, b"", bytes(200))
    for data in (frame(1), large, frame(3)):
        queue.put(data, UNOWNED)
    written: list[Sequence[bytes]] = []
    while messages := queue.next_messages(1 << 16):
        written.append(list(messages))
        queue.wrote()
    assert written == [[frame(1)], [encode_announcement(len(large))], [large], [frame(3)]]


async def test_envelopes_stay_under_their_limit() -> None:
    queue = SendQueue(NODE, 1 << 30)
    queue.agree(BATCHING)
    for number in (1, 2, 3):
        queue.put(encode_message(number, b"", bytes(MAX_ENVELOPE // 2 - 100)), UNOWNED)
    wire = Wire(queue, is_open=True)
    wire.writer.begin()
    assert wire.writes == [[1, 2], [3]]


def test_what_does_not_fit_is_refused_and_changes_nothing() -> None:
    queue, receipts = SendQueue(NODE, 2 * len(frame(1))), Receipts()
    assert queue.put(frame(1), UNOWNED)
    assert queue.put_one_way(frame(2), receipts.of("2"))
    assert not queue.put(frame(3), UNOWNED)
    assert not queue.put_one_way(frame(3), receipts.of("3"))
    assert [owner.one_way for owner in queue.waiting()] == [False, True]
    assert receipts.log == []


async def test_what_is_being_written_counts_against_the_limit() -> None:
    queue = SendQueue(NODE, len(frame(1)))
    wire = Wire(queue)
    wire.writer.begin()
    assert queue.put(frame(1), UNOWNED)
    await turns(1)
    assert not queue.put(frame(2), UNOWNED)
    wire.open()
    assert queue.put(frame(3), UNOWNED)


async def test_receipts_are_told_when_their_message_was_written() -> None:
    queue, receipts = SendQueue(NODE, 1 << 20), Receipts()
    wire = Wire(queue)
    queue.put_one_way(frame(1), receipts.of("1"))
    queue.put(frame(2), UNOWNED)
    wire.writer.begin()
    queue.put_one_way(frame(3), receipts.of("3"))
    assert receipts.log == []
    wire.open()
    assert queue.queued_bytes == 0
    assert receipts.log == ["1 sent", "3 sent"]


async def test_when_the_stream_breaks_what_was_being_written_fails_and_the_rest_waits() -> None:
    queue, receipts = SendQueue(NODE, 1 << 20), Receipts()
    queue.agree(BATCHING)
    wire = Wire(queue)
    for number in (1, 2):
        queue.put_one_way(frame(number), receipts.of(str(number)))
    wire.writer.begin()
    for number in (3, 4):
        queue.put_one_way(frame(number), receipts.of(str(number)))
    wire.writer.stop()
    queue.stream_broke(DOWN)
    assert receipts.log == ["1 failed", "2 failed"]
    assert len(queue.waiting()) == 2
    assert queue.queued_bytes == 2 * len(frame(3))

    # On the next stream what the old one had taken goes first; receipts still find their messages.
    queue.resend([frame(10), frame(11)], [UNOWNED, UNOWNED])
    following = Wire(queue, is_open=True)
    following.writer.begin()
    assert queue.queued_bytes == 0
    assert following.writes == [[10], [11], [3], [4]]
    assert receipts.log == ["1 failed", "2 failed", "3 sent", "4 sent"]


async def test_when_the_stream_breaks_between_two_writes_what_was_taken_for_the_second_waits() -> None:
    queue = SendQueue(NODE, 1 << 20)
    for number in (1, 2, 3):
        queue.put(frame(number), UNOWNED)
    wire = Wire(queue)
    wire.writer.begin()
    assert wire.writes == [[1]]
    wire.writer.stop()
    queue.stream_broke(DOWN)
    assert len(queue.waiting()) == 2
    assert queue.queued_bytes == 2 * len(frame(2))


async def test_withdrawn_messages_are_not_sent_and_make_room() -> None:
    queue, receipts = SendQueue(NODE, 4 * len(frame(1))), Receipts()
    queue.agree(BATCHING)
    wire = Wire(queue)
    owners = [receipts.of(str(number)) for number in range(5)]
    wire.writer.begin()
    queue.put_one_way(frame(1), owners[1])
    await turns(1)
    for number in (2, 3, 4):
        assert queue.put_one_way(frame(number), owners[number])
    for owner in owners[1:4]:  # the first is being written, which cannot be taken back
        owner.withdrawn = True
        queue.withdraw()
    assert queue.put(frame(5), UNOWNED)
    wire.open()
    assert queue.queued_bytes == 0
    assert wire.writes == [[1], [4, 5]]
    assert receipts.log == ["1 sent", "4 sent"]


async def test_discarded_messages_fail_and_whoever_waits_for_the_queue_goes_on() -> None:
    queue, receipts = SendQueue(NODE, 1 << 20), Receipts()
    queue.put_one_way(frame(1), receipts.of("1"))
    waiting = asyncio.create_task(queue.drained(0))
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.discard(DOWN)
    async with asyncio.timeout(10):
        await waiting
    assert receipts.log == ["1 failed"]
    assert queue.queued_bytes == 0
