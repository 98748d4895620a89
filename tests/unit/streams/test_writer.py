"""The queue of one stream: order, envelopes, limits, receipts, and what a broken stream leaves behind."""

import asyncio

from pygorums.base.errors import StreamDownError
from pygorums.streams.writer import UNOWNED, Writer
from pygorums.wire.batching import MAX_ENVELOPE
from pygorums.wire.framing import encode_message, split
from tests.support.waiting import until

NODE = 3
DOWN = StreamDownError("down")


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
    writer, wire = Writer(NODE, 1 << 20), Wire()
    writer.batching = True
    task = asyncio.create_task(writer.run(wire.send))
    writer.put(frame(1), UNOWNED)
    await wire.begun.wait()
    for number in (2, 3, 4):
        writer.put(frame(number), UNOWNED)
    wire.open()
    await until(lambda: len(wire.writes) == 2)
    assert wire.writes == [[1], [2, 3, 4]]
    await until(lambda: writer.queued_bytes == 0)
    await stop(task)


async def test_messages_of_the_same_turn_go_together_in_the_next() -> None:
    writer, wire = Writer(NODE, 1 << 20), Wire()
    writer.batching = True
    wire.open()
    task = asyncio.create_task(writer.run(wire.send))
    await asyncio.sleep(0)
    for numbers_together in ([1], [2, 3, 4], [5]):
        for number in numbers_together:
            writer.put(frame(number), UNOWNED)
        await asyncio.sleep(0)
        assert wire.writes[-1] == numbers_together
        assert writer.queued_bytes == 0
    await stop(task)


async def test_stopping_cancels_a_write_and_what_it_waits_for() -> None:
    writer, gate = Writer(NODE, 1 << 20), asyncio.get_running_loop().create_future()
    cancelled = []

    async def send(data: bytes) -> None:
        try:
            await gate
        except asyncio.CancelledError:
            cancelled.append(data)
            raise

    task = asyncio.create_task(writer.run(send))
    await asyncio.sleep(0)
    writer.put(frame(1), UNOWNED)
    await stop(task)
    assert cancelled == [frame(1)]
    assert gate.cancelled()
    wire = Wire()
    wire.open()
    writer.put(frame(2), UNOWNED)
    task = asyncio.create_task(writer.run(wire.send))
    await until(lambda: wire.writes == [[2]])
    await stop(task)


async def test_a_write_may_let_others_have_their_turn() -> None:
    writer, sent = Writer(NODE, 1 << 20), []

    async def send(data: bytes) -> None:
        await asyncio.sleep(0)
        sent.append(numbers(data))

    task = asyncio.create_task(writer.run(send))
    await asyncio.sleep(0)
    for number in (1, 2):
        writer.put(frame(number), UNOWNED)
    await until(lambda: sent == [[1], [2]])
    await stop(task)


async def test_without_batching_each_message_goes_alone() -> None:
    writer, wire = Writer(NODE, 1 << 20), Wire()
    for number in (1, 2, 3):
        writer.put(frame(number), UNOWNED)
    wire.open()
    task = asyncio.create_task(writer.run(wire.send))
    await until(lambda: writer.queued_bytes == 0)
    assert wire.writes == [[1], [2], [3]]
    await stop(task)


async def test_envelopes_stay_under_their_limit() -> None:
    writer, wire = Writer(NODE, 1 << 30), Wire()
    writer.batching = True
    for number in (1, 2, 3):
        writer.put(encode_message(number, b"", bytes(MAX_ENVELOPE // 2 - 100)), UNOWNED)
    wire.open()
    task = asyncio.create_task(writer.run(wire.send))
    await until(lambda: writer.queued_bytes == 0)
    assert wire.writes == [[1, 2], [3]]
    await stop(task)


def test_what_does_not_fit_is_refused_and_changes_nothing() -> None:
    writer, receipts = (
        Writer(
            NODE,
            2 * len(frame(1)),
        ),
        Receipts(),
    )
    assert writer.put(frame(1), UNOWNED)
    assert writer.put_one_way(frame(2), receipts.of("2"))
    assert not writer.put(frame(3), UNOWNED)
    assert not writer.put_one_way(frame(3), receipts.of("3"))
    assert [owner.one_way for owner in writer.waiting()] == [False, True]
    assert receipts.log == []


async def test_what_is_being_written_counts_against_the_limit() -> None:
    writer, wire = Writer(NODE, len(frame(1))), Wire()
    task = asyncio.create_task(writer.run(wire.send))
    assert writer.put(frame(1), UNOWNED)
    await wire.begun.wait()
    assert not writer.put(frame(2), UNOWNED)
    wire.open()
    await until(lambda: writer.put(frame(3), UNOWNED))
    await stop(task)


async def test_receipts_are_told_when_their_message_was_written() -> None:
    writer, wire, receipts = Writer(NODE, 1 << 20), Wire(), Receipts()
    writer.put_one_way(frame(1), receipts.of("1"))
    writer.put(frame(2), UNOWNED)
    task = asyncio.create_task(writer.run(wire.send))
    await wire.begun.wait()
    writer.put_one_way(frame(3), receipts.of("3"))
    assert receipts.log == []
    wire.open()
    await until(lambda: writer.queued_bytes == 0)
    assert receipts.log == ["1 sent", "3 sent"]
    await stop(task)


async def test_when_the_stream_breaks_what_was_being_written_fails_and_the_rest_waits() -> None:
    writer, wire, receipts = Writer(NODE, 1 << 20), Wire(), Receipts()
    writer.batching = True
    for number in (1, 2):
        writer.put_one_way(frame(number), receipts.of(str(number)))
    task = asyncio.create_task(writer.run(wire.send))
    await wire.begun.wait()
    for number in (3, 4):
        writer.put_one_way(frame(number), receipts.of(str(number)))
    wire.fail()
    await asyncio.wait({task})
    assert task.exception() is DOWN
    writer.stream_broke(DOWN)
    assert receipts.log == ["1 failed", "2 failed"]
    assert len(writer.waiting()) == 2
    assert not writer.batching

    # On the next stream what the old one had taken goes first; receipts still find their messages.
    writer.resend([frame(10), frame(11)], [UNOWNED, UNOWNED])
    next_wire = Wire()
    next_wire.open()
    task = asyncio.create_task(writer.run(next_wire.send))
    await until(lambda: writer.queued_bytes == 0)
    assert next_wire.writes == [[10], [11], [3], [4]]
    assert receipts.log == ["1 failed", "2 failed", "3 sent", "4 sent"]
    await stop(task)


async def test_cancelled_in_the_middle_of_a_batch_the_unwritten_part_waits() -> None:
    writer, wire = Writer(NODE, 1 << 20), Wire()
    for number in (1, 2, 3):
        writer.put(frame(number), UNOWNED)
    task = asyncio.create_task(writer.run(wire.send))
    await wire.begun.wait()
    await stop(task)
    writer.stream_broke(DOWN)
    assert len(writer.waiting()) == 2
    assert writer.queued_bytes == 2 * len(frame(2))


async def test_withdrawn_messages_are_not_sent_and_make_room() -> None:
    writer, wire, receipts = Writer(NODE, 4 * len(frame(1))), Wire(), Receipts()
    writer.batching = True
    owners = [receipts.of(str(number)) for number in range(5)]
    task = asyncio.create_task(writer.run(wire.send))
    writer.put_one_way(frame(1), owners[1])
    await wire.begun.wait()
    for number in (2, 3, 4):
        assert writer.put_one_way(frame(number), owners[number])
    for owner in owners[1:4]:  # the first is being written, which cannot be taken back
        owner.withdrawn = True
        writer.withdraw()
    assert writer.put(frame(5), UNOWNED)
    wire.open()
    await until(lambda: writer.queued_bytes == 0)
    assert wire.writes == [[1], [4, 5]]
    assert receipts.log == ["1 sent", "4 sent"]
    await stop(task)


async def test_discarded_messages_fail_and_whoever_waits_for_the_queue_goes_on() -> None:
    writer, receipts = Writer(NODE, 1 << 20), Receipts()
    writer.put_one_way(frame(1), receipts.of("1"))
    waiting = asyncio.create_task(writer.drained(0))
    await asyncio.sleep(0)
    assert not waiting.done()
    writer.discard(DOWN)
    async with asyncio.timeout(10):
        await waiting
    assert receipts.log == ["1 failed"]
    assert writer.queued_bytes == 0
