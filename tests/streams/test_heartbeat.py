"""Signs of life: negotiated in milliseconds, sent when there is silence, missed when there are none."""

import asyncio

import pytest

from pygorums.streams.heartbeat import PATIENCE, SHORTEST, Heartbeat, SilenceWatch, heartbeat_of
from pygorums.streams.writer import UNOWNED, Writer
from pygorums.wire.framing import split
from tests.support.waiting import until


@pytest.mark.parametrize(
    ("metadata", "seconds"),
    [
        ([("pygorums-heartbeat", "10000")], 10.0),
        ([("other", "1"), ("pygorums-heartbeat", "250")], 0.25),
        ([("pygorums-heartbeat", "0")], SHORTEST),
        ([("pygorums-heartbeat", "1")], SHORTEST),
        ([("pygorums-heartbeat", "")], None),
        ([("pygorums-heartbeat", "-5")], None),
        ([("pygorums-heartbeat", "1e3")], None),
        ([("pygorums-heartbeat", "\u00b2")], None),
        ([("pygorums-heartbeat", "9" * 400)], None),
        ([], None),
    ],
)
def test_what_a_peer_offers(metadata: list[tuple[str, str]], seconds: float | None) -> None:
    assert heartbeat_of(metadata) == seconds


def test_a_heartbeat_is_a_message_that_means_nothing() -> None:
    for batching in (True, False):
        (message,) = split(b"", batching=batching)
        assert (message.message_seq_no, message.method, message.payload) == (0, "", b"")


async def test_silence_is_broken_and_talk_is_not_interrupted() -> None:
    sent: list[bytes] = []

    async def send(data: bytes) -> None:
        sent.append(data)

    writer = Writer(1, 1 << 20)
    task = asyncio.create_task(writer.run(send))
    heartbeat = Heartbeat(writer, 0.02)
    await until(lambda: sent.count(b"") >= 3)
    heartbeat.stop()
    task.cancel()
    await asyncio.wait({task})

    busy = Writer(1, 1 << 20)
    heartbeat = Heartbeat(busy, 0.02)
    before = busy.write_count
    busy.write_count += 1  # something was written since
    heartbeat._beat()
    assert not busy.waiting()
    heartbeat._beat()
    assert len(busy.waiting()) == 1
    heartbeat.stop()
    assert busy.write_count == before + 1
    assert busy.put(b"x", UNOWNED)


async def test_a_watch_waits_from_what_was_heard_last() -> None:
    loop = asyncio.get_running_loop()
    heard = [loop.time()]
    silences: list[float] = []
    watch = SilenceWatch(0.02, lambda: heard[-1], silences.append)
    await until(lambda: silences)
    assert silences[0] >= 0.02 * PATIENCE
    watch.stop()

    heard.append(loop.time() + 1000)
    watch = SilenceWatch(0.02, lambda: heard[-1], silences.append)
    watch._check()
    watch.stop()
    assert len(silences) == 1
