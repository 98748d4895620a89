"""Signs of life: negotiated in milliseconds, sent when there is silence, missed when there are none."""

from collections.abc import Callable

import pytest

from pygorums.base.errors import StreamDownError
from pygorums.streams.heartbeat import (
    PATIENCE,
    SLOWEST,
    Heartbeat,
    SilenceWatch,
    heartbeat_of,
    unannounced,
)
from pygorums.streams.writer import Writer
from pygorums.wire.batching import MAX_ENVELOPE
from pygorums.wire.framing import split

SHORTEST = 0.1


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
    assert heartbeat_of(metadata, SHORTEST) == seconds


def test_a_heartbeat_is_a_message_that_means_nothing() -> None:
    for batching in (True, False):
        (message,) = split(b"", batching=batching)
        assert (message.message_seq_no, message.method, message.payload) == (0, "", b"")


class Timer:
    def cancel(self) -> None: ...


class Clock:
    """Stands for the event loop: timers run when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> "Timer":
        self.timers.append((when, callback))
        return Timer()

    def call_later(self, delay: float, callback: Callable[[], None]) -> "Timer":
        return self.call_at(self.now + delay, callback)

    def run(self, until: float) -> None:
        """Lets time pass, timer by timer."""
        while self.timers and min(self.timers, key=lambda timer: timer[0])[0] <= until:
            when, callback = timer = min(self.timers, key=lambda timer: timer[0])
            self.timers.remove(timer)
            self.now = max(self.now, when)
            callback()
        self.now = until

    def stall(self, until: float) -> None:
        """Lets time pass in which nothing runs; what was due then runs late."""
        self.now = until
        self.run(until)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("asyncio.get_running_loop", lambda: clock)
    monkeypatch.setattr("pygorums.streams.heartbeat.monotonic", clock.time)
    return clock


def test_whatever_is_written_puts_off_the_next_sign_of_life(clock: Clock) -> None:
    writer = Writer(1, 1 << 20)
    heartbeat = Heartbeat(writer, 10)

    def beats() -> int:
        count = len(writer.waiting())
        if count:
            writer.discard(StreamDownError("sent"))
            writer.wrote_at = clock.now
        return count

    signs = []
    for second in range(1, 31):
        clock.run(1000 + second)
        if second in (7, 16, 17):
            writer.wrote_at = clock.now  # something else was written
        if beats():
            signs.append(second)
    assert signs == [5, 12, 22, 27], "silent for 5 seconds, never longer, and no more often"
    heartbeat.stop()


def test_signs_of_life_do_not_pile_up(clock: Clock) -> None:
    writer = Writer(1, 1 << 20)
    Heartbeat(writer, 10)
    clock.run(1100)
    assert len(writer.waiting()) == 1


class Watched:
    """A watch on a peer that was heard at the beginning."""

    def __init__(self, clock: Clock) -> None:
        self.heard_at = clock.now
        self.silences: list[float] = []
        self.watch = SilenceWatch(10, lambda: self.heard_at, self.silences.append)


def test_a_peer_that_says_nothing_is_given_up_within_twice_its_time(clock: Clock) -> None:
    watched = Watched(clock)
    clock.run(1003)
    watched.heard_at = clock.now
    clock.run(1003 + 10 * PATIENCE - 0.1)
    assert not watched.silences
    clock.run(1003 + 20)
    (silence,) = watched.silences
    assert 10 * PATIENCE <= silence <= 20
    assert not clock.timers, "it is told once"


def test_time_in_which_nobody_could_look_is_not_the_peers_silence(clock: Clock) -> None:
    """Held up four times for two minutes, and each time what waited is read soon afterwards."""
    watched = Watched(clock)
    for _ in range(4):
        clock.stall(clock.now + 120)
        clock.run(clock.now + 8)
        assert not watched.silences
        watched.heard_at = clock.now
    clock.stall(clock.now + 120)
    clock.run(clock.now + 20)
    assert watched.silences, "but one that stays silent is noticed"


def test_what_was_announced_may_take_its_time(clock: Clock) -> None:
    watched = Watched(clock)
    watched.heard_at = clock.now + 4_000_000 / SLOWEST
    clock.run(clock.now + 4_000_000 / SLOWEST + 10)
    assert not watched.silences
    clock.run(clock.now + 15)
    assert watched.silences


@pytest.mark.parametrize("interval", [0.05, 0.2, 1, 2, 10, 60, 3600])
def test_what_comes_unannounced_arrives_in_time_at_the_slowest_rate(interval: float) -> None:
    """A sign of life is due after half the interval, and may have to wait behind that much."""
    assert interval / 2 + unannounced(interval) / SLOWEST <= interval * PATIENCE
    assert unannounced(interval) <= MAX_ENVELOPE
