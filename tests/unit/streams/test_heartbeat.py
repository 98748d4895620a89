"""Signs of life: negotiated in milliseconds, sent when there is silence, missed when there are none."""

from collections.abc import Callable

import pytest

from pygorums.streams.heartbeat import Heartbeat, SilenceWatch
from pygorums.streams.send_queue import SendQueue
from pygorums.wire.framing import split
from pygorums.wire.handshake import PATIENCE, SLOWEST


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
    return clock


def test_whatever_is_written_puts_off_the_next_sign_of_life(clock: Clock) -> None:
    queue = SendQueue(1, 1 << 20)
    heartbeat = Heartbeat(queue, 10)

    def beats() -> int:
        count = len(queue.next_messages(0))
        if count:
            queue.wrote()
            queue.wrote_at = clock.now
        return count

    signs = []
    for second in range(1, 31):
        clock.run(1000 + second)
        if second in (7, 16, 17):
            queue.wrote_at = clock.now  # something else was written
        if beats():
            signs.append(second)
    assert signs == [5, 12, 22, 27], "silent for 5 seconds, never longer, and no more often"
    heartbeat.stop()


def test_signs_of_life_do_not_pile_up(clock: Clock) -> None:
    queue = SendQueue(1, 1 << 20)
    Heartbeat(queue, 10)
    clock.run(1100)
    assert list(queue.next_messages(0)) == [b""]
    assert not queue.next_messages(0)


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
