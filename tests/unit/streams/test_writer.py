"""The queue of one stream: order, envelopes, limits, receipts, and what a broken stream leaves behind."""

import asyncio

from pygorums.base.errors import StreamDownError
from pygorums.streams.outgoing import UNOWNED
from pygorums.streams.send_queue import SendQueue
from pygorums.streams.writer import Writer
from pygorums.wire.batching import MAX_ENVELOPE
from pygorums.wire.framing import encode_message, split
from pygorums.wire.handshake import EXTENSIONS, NO_LIMIT, Terms
from tests.support.waiting import until

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


class Wire:
    """A transport that takes one frame each time it is told to, or fails."""

    def __init__(self) -> None:
        self.writes: list[list[int]] = []
        self._gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.begun = asyncio.Event()

    async def send(self, data: bytes) -> None:
        self.begun.set()
        await self._gate
        self.writes.append(numbers(data))

    def open(self) -> None:
        self._gate.set_result(None)

    def fail(self) -> None:
        self._gate.set_exception(DOWN)


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def test_a_lone_message_goes_at_once_and_what_queued_meanwhile_as_one_envelope() -> None:
    queue, wire = SendQueue(NODE, 1 << 20), Wire()
    queue.agree(BATCHING)
    task = asyncio.create_task(Writer(queue, wire.send).run())
    queue.put(frame(1), UNOWNED)
    await wire.begun.wait()
    for number in (2, 3, 4):
        queue.put(frame(number), UNOWNED)
    wire.open()
    await until(lambda: len(wire.writes) == 2)
    assert wire.writes == [[1], [2, 3, 4]]
    await until(lambda: queue.queued_bytes == 0)
    await stop(task)


async def test_messages_of_the_same_turn_go_together_in_the_next() -> None:
    queue, wire = SendQueue(NODE, 1 << 20), Wire()
    queue.agree(BATCHING)
    wire.open()
    task = asyncio.create_task(Writer(queue, wire.send).run())
    await asyncio.sleep(0)
    for numbers_together in ([1], [2, 3, 4], [5]):
        for number in numbers_together:
            queue.put(frame(number), UNOWNED)
        await asyncio.sleep(0)
        assert wire.writes[-1] == numbers_together
        assert queue.queued_bytes == 0
    await stop(task)


async def test_stopping_cancels_a_write_and_what_it_waits_for() -> None:
    queue, gate = SendQueue(NODE, 1 << 20), asyncio.get_running_loop().create_future()
    cancelled = []

    async def send(data: bytes) -> None:
        try:
            await gate
        except asyncio.CancelledError:
            cancelled.append(data)
            raise

    task = asyncio.create_task(Writer(queue, send).run())
    await asyncio.sleep(0)
    queue.put(frame(1), UNOWNED)
    await stop(task)
    assert cancelled == [frame(1)]
    assert gate.cancelled()
    wire = Wire()
    wire.open()
    queue.put(frame(2), UNOWNED)
    task = asyncio.create_task(Writer(queue, wire.send).run())
    await until(lambda: wire.writes == [[2]])
    await stop(task)


async def test_a_write_may_let_others_have_their_turn() -> None:
    queue, sent = SendQueue(NODE, 1 << 20), []

    async def send(data: bytes) -> None:
        await asyncio.sleep(0)
        sent.append(numbers(data))

    task = asyncio.create_task(Writer(queue, send).run())
    await asyncio.sleep(0)
    for number in (1, 2):
        queue.put(frame(number), UNOWNED)
    await until(lambda: sent == [[1], [2]])
    await stop(task)


async def test_without_batching_each_message_goes_alone() -> None:
    queue, wire = SendQueue(NODE, 1 << 20), Wire()
    for number in (1, 2, 3):
        queue.put(frame(number), UNOWNED)
    wire.open()
    task = asyncio.create_task(Writer(queue, wire.send).run())
    await until(lambda: queue.queued_bytes == 0)
    assert wire.writes == [[1], [2], [3]]
    await stop(task)


async def test_envelopes_stay_under_their_limit() -> None:
    queue, wire = SendQueue(NODE, 1 << 30), Wire()
    queue.agree(BATCHING)
    for number in (1, 2, 3):
        queue.put(encode_message(number, b"", bytes(MAX_ENVELOPE // 2 - 100)), UNOWNED)
    wire.open()
    task = asyncio.create_task(Writer(queue, wire.send).run())
    await until(lambda: queue.queued_bytes == 0)
    assert wire.writes == [[1, 2], [3]]
    await stop(task)


def test_what_does_not_fit_is_refused_and_changes_nothing() -> None:
    queue, receipts = SendQueue(NODE, 2 * len(frame(1))), Receipts()
    assert queue.put(frame(1), UNOWNED)
    assert queue.put_one_way(frame(2), receipts.of("2"))
    assert not queue.put(frame(3), UNOWNED)
    assert not queue.put_one_way(frame(3), receipts.of("3"))
    assert [owner.one_way for owner in queue.waiting()] == [False, True]
    assert receipts.log == []


async def test_what_is_being_written_counts_against_the_limit() -> None:
    queue, wire = SendQueue(NODE, len(frame(1))), Wire()
    task = asyncio.create_task(Writer(queue, wire.send).run())
    assert queue.put(frame(1), UNOWNED)
    await wire.begun.wait()
    assert not queue.put(frame(2), UNOWNED)
    wire.open()
    await until(lambda: queue.put(frame(3), UNOWNED))
    await stop(task)


async def test_receipts_are_told_when_their_message_was_written() -> None:
    queue, wire, receipts = SendQueue(NODE, 1 << 20), Wire(), Receipts()
    queue.put_one_way(frame(1), receipts.of("1"))
    queue.put(frame(2), UNOWNED)
    task = asyncio.create_task(Writer(queue, wire.send).run())
    await wire.begun.wait()
    queue.put_one_way(frame(3), receipts.of("3"))
    assert receipts.log == []
    wire.open()
    await until(lambda: queue.queued_bytes == 0)
    assert receipts.log == ["1 sent", "3 sent"]
    await stop(task)


async def test_when_the_stream_breaks_what_was_being_written_fails_and_the_rest_waits() -> None:
    queue, wire, receipts = SendQueue(NODE, 1 << 20), Wire(), Receipts()
    queue.agree(BATCHING)
    for number in (1, 2):
        queue.put_one_way(frame(number), receipts.of(str(number)))
    task = asyncio.create_task(Writer(queue, wire.send).run())
    await wire.begun.wait()
    for number in (3, 4):
        queue.put_one_way(frame(number), receipts.of(str(number)))
    wire.fail()
    await asyncio.wait({task})
    assert task.exception() is DOWN
    queue.stream_broke(DOWN)
    assert receipts.log == ["1 failed", "2 failed"]
    assert len(queue.waiting()) == 2

    # On the next stream what the old one had taken goes first; receipts still find their messages.
    queue.resend([frame(10), frame(11)], [UNOWNED, UNOWNED])
    next_wire = Wire()
    next_wire.open()
    task = asyncio.create_task(Writer(queue, next_wire.send).run())
    await until(lambda: queue.queued_bytes == 0)
    assert next_wire.writes == [[10], [11], [3], [4]]
    assert receipts.log == ["1 failed", "2 failed", "3 sent", "4 sent"]
    await stop(task)


async def test_cancelled_in_the_middle_of_a_batch_the_unwritten_part_waits() -> None:
    queue, wire = SendQueue(NODE, 1 << 20), Wire()
    for number in (1, 2, 3):
        queue.put(frame(number), UNOWNED)
    task = asyncio.create_task(Writer(queue, wire.send).run())
    await wire.begun.wait()
    await stop(task)
    queue.stream_broke(DOWN)
    assert len(queue.waiting()) == 2
    assert queue.queued_bytes == 2 * len(frame(2))


async def test_withdrawn_messages_are_not_sent_and_make_room() -> None:
    queue, wire, receipts = SendQueue(NODE, 4 * len(frame(1))), Wire(), Receipts()
    queue.agree(BATCHING)
    owners = [receipts.of(str(number)) for number in range(5)]
    task = asyncio.create_task(Writer(queue, wire.send).run())
    queue.put_one_way(frame(1), owners[1])
    await wire.begun.wait()
    for number in (2, 3, 4):
        assert queue.put_one_way(frame(number), owners[number])
    for owner in owners[1:4]:  # the first is being written, which cannot be taken back
        owner.withdrawn = True
        queue.withdraw()
    assert queue.put(frame(5), UNOWNED)
    wire.open()
    await until(lambda: queue.queued_bytes == 0)
    assert wire.writes == [[1], [4, 5]]
    assert receipts.log == ["1 sent", "4 sent"]
    await stop(task)


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
