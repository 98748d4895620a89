"""Suspecting a silent node, under a clock that a test turns."""

import asyncio

import pytest

from pygorums.streams.suspicion import LOOKS_APART, SECOND_LOOK, Suspicion


class Timer:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """An event loop that has one timer, and runs it when the test says how late it is."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due: tuple[float, object, Timer] | None = None

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, callback: object) -> Timer:
        timer = Timer()
        self.due = (self.now + seconds, callback, timer)
        return timer

    def until(self, now: float) -> None:
        while self.due is not None and self.due[0] <= now and not self.due[2].cancelled:
            at, callback, _ = self.due
            self.due = None
            self.now = max(at, self.now)
            callback()  # type: ignore[operator] # it is one
        self.now = now


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return loop


class Node:
    def __init__(self, loop: Loop, level: float = 8) -> None:
        self.loop = loop
        self.heard_at = loop.time()
        self.said: list[bool] = []
        self.suspicion = Suspicion(level, 2.0, lambda: self.heard_at, self.said.append)

    def beats(self, count: int, every: float = 1.0) -> None:
        for _ in range(count):
            self.loop.until(self.loop.now + every)
            self.suspicion.beat(self.loop.now - self.heard_at)
            self.heard_at = self.loop.now


def test_a_node_that_gives_signs_is_not_suspected(loop: Loop) -> None:
    node = Node(loop)
    node.beats(1000)
    assert node.said == []


def test_a_node_that_falls_silent_is_suspected_and_not_any_more_when_it_is_heard(loop: Loop) -> None:
    node = Node(loop)
    node.beats(300)
    patience = 1 + 5.612 * 0.1
    loop.until(node.heard_at + patience)
    assert node.said == []
    loop.until(node.heard_at + patience + SECOND_LOOK + 0.01)
    assert node.said == [True]
    loop.until(loop.now + 60)
    node.heard_at = loop.now
    loop.until(loop.now + LOOKS_APART)
    assert node.said == [True, False]
    loop.until(loop.now + 60)
    assert node.said == [True, False, True]


def test_other_messages_are_signs_too(loop: Loop) -> None:
    node = Node(loop)
    for _ in range(100):
        loop.until(loop.now + 0.9)
        node.heard_at = loop.now
    assert node.said == []


def test_a_process_that_was_held_up_itself_looks_again(loop: Loop) -> None:
    """What has come meanwhile is read before that."""
    node = Node(loop)
    node.beats(300)
    loop.now += 30
    loop.until(loop.now + SECOND_LOOK / 2)
    node.heard_at = loop.now
    loop.until(loop.now + 1)
    assert node.said == []


def test_stopped(loop: Loop) -> None:
    node = Node(loop)
    node.suspicion.stop()
    loop.until(loop.now + 100)
    assert node.said == []
