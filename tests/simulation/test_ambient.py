"""Time, randomness and threads, as code sees them that knows nothing of simulations."""

import asyncio
import os
import random
import secrets
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from pygorums import testing
from tests.simulation.support import run

SOURCES: list[Callable[[], Any]] = [
    random.random,
    lambda: random.sample(range(100), 5),
    lambda: random.Random().random(),
    lambda: random.SystemRandom().random(),
    uuid.uuid4,
    lambda: os.urandom(8),
    lambda: secrets.token_hex(8),
    lambda: time.time(),
    lambda: time.time_ns(),
    lambda: time.monotonic(),
    lambda: time.perf_counter_ns(),
]


def drawn(seed: int) -> list[list[Any]]:
    seen: list[list[Any]] = []

    async def scenario(world: testing.World) -> None:
        for _ in range(2):
            await world.sleep(1)
            seen.append([source() for source in SOURCES])

    run(scenario, seed)
    return seen


def test_chance_and_time_follow_from_the_seed() -> None:
    first = drawn(1)
    assert drawn(1) == first
    other = drawn(2)
    chance = 7  # the first of them are left to chance, the others are clocks
    assert all(one != another for one, another in zip(first[0][:chance], other[0][:chance], strict=True))
    assert first[0][chance:] == other[0][chance:]
    assert all(later > sooner for sooner, later in zip(first[0][chance:], first[1][chance:], strict=True))
    assert first[1][chance] - first[0][chance] == pytest.approx(1)


def test_all_is_as_it_was_afterwards() -> None:
    owned = [
        (time, "time"), (time, "monotonic"), (time, "sleep"), (os, "urandom"), (os, "fork"), (os, "system"),
        (threading.Thread, "start"), (socket.socket, "__init__"), (subprocess.Popen, "__init__"),
        (random.Random, "seed"),
    ]  # fmt: skip
    before = [getattr(owner, name) for owner, name in owned]
    random.seed(5)
    expected = random.random()
    random.seed(5)
    drawn(1)
    assert random.random() == expected
    assert [getattr(owner, name) for owner, name in owned] == before
    assert abs(time.time() - time.clock_gettime(time.CLOCK_REALTIME)) < 5


def test_other_threads_see_what_they_always_see() -> None:
    started, seen = threading.Event(), []

    def watch() -> None:
        started.wait(10)
        seen.append(time.time())

    thread = threading.Thread(target=watch)
    thread.start()

    async def scenario(world: testing.World) -> None:
        await world.sleep(10**6)
        started.set()
        while not seen:
            pass

    run(scenario, longest=1e7)
    thread.join(10)
    assert abs(seen[0] - time.time()) < 60


def make_thread() -> None:
    threading.Thread(target=print).start()


def make_socket() -> None:
    socket.socket()


def make_process() -> None:
    subprocess.run([sys.executable, "--version"], check=False)


def sleep() -> None:
    time.sleep(0)


def fork() -> None:
    os.fork()


@pytest.mark.parametrize("use", [make_thread, make_socket, make_process, sleep, fork], ids=lambda use: use.__name__)
def test_what_a_simulation_has_not_is_refused_by_line(use: Callable[[], None]) -> None:
    async def scenario(world: testing.World) -> None:
        try:
            use()
        except testing.AuditError:
            await asyncio.sleep(1)  # to be content with that does not help

    with pytest.raises(testing.AuditError, match=rf"in a simulation, at .*test_ambient\.py:\d+ in {use.__name__}"):
        run(scenario)


def test_the_audit_can_be_left_out() -> None:
    async def scenario(world: testing.World) -> None:
        sleep()
        socket.socket().close()

    run(scenario, audit=False)
