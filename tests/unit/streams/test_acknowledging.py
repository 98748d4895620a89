"""When the other side is told what was taken: with a clock that a test moves."""

from types import SimpleNamespace
from typing import Any

import pytest

from pygorums.streams import acknowledging
from pygorums.streams.acknowledging import DELAY, Acknowledging
from pygorums.streams.send_queue import SendQueue
from pygorums.wire.framing import encode_ack


class Clock:
    """A loop that calls what is due when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, Any, list[bool]]] = []

    def call_later(self, delay: float, callback: Any) -> Any:
        cancelled: list[bool] = []
        self._due.append((self.now + delay, callback, cancelled))
        return SimpleNamespace(cancel=lambda: cancelled.append(True))

    def pass_by(self, seconds: float) -> None:
        end = self.now + seconds
        while ready := sorted((entry for entry in self._due if entry[0] <= end), key=lambda entry: entry[0]):
            self._due.remove(ready[0])
            self.now, callback, cancelled = ready[0]
            if not cancelled:
                callback()
        self.now = end


class End:
    """What takes messages, and what leaves of it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.queue = SendQueue(1, 1000)
        self.woken: list[float] = []
        self.queue.wake = self._wake
        self.acks = Acknowledging(SimpleNamespace(taken=0), self.queue)

    def _wake(self) -> None:
        self.woken.append(self.clock.now)

    def leaves(self) -> list[bytes]:
        """What the next write has; and it is written."""
        messages = [*self.queue.next_messages(0)]
        self.queue.wrote()
        return messages


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch) -> End:
    clock = Clock()
    monkeypatch.setattr(acknowledging, "asyncio", SimpleNamespace(get_running_loop=lambda: clock))
    return End(clock)


def test_many_are_told_with_what_is_sent_next(end: End) -> None:
    for _ in range(255):
        end.acks.took(1, 0)
    assert end.leaves() == []
    end.acks.took(1, 0)
    assert end.leaves() == [encode_ack(256)]
    assert not end.woken


def test_much_is_told_with_what_is_sent_next(end: End) -> None:
    end.acks.took(1, 60_000)
    assert end.leaves() == []
    end.acks.took(2, 6_000)
    assert end.leaves() == [encode_ack(3)]


def test_few_are_told_in_a_while_and_then_by_themselves(end: End) -> None:
    end.acks.took(3, 10)
    end.clock.pass_by(DELAY)
    assert not end.woken
    end.acks.took(1, 10)
    end.clock.pass_by(0.02)
    assert len(end.woken) == 1
    assert end.leaves() == [encode_ack(4)]
    end.clock.pass_by(10)
    assert end.leaves() == []


def test_what_is_taken_after_others_were_told_is_told_too(end: End) -> None:
    end.acks.took(1, 10)
    end.clock.pass_by(DELAY)
    assert end.leaves() == [encode_ack(1)]
    end.acks.took(1, 10)
    end.clock.pass_by(0.02 + DELAY + 0.02)
    assert len(end.woken) == 1
    assert end.leaves() == [encode_ack(2)]


def test_nothing_is_told_after_the_stream(end: End) -> None:
    end.acks.took(1, 10)
    end.acks.stop()
    end.clock.pass_by(10)
    assert end.leaves() == []
    end.acks.took(1, 10)
    end.clock.pass_by(10)
    assert end.leaves() == [encode_ack(2)]
