"""What takes longer than the suite has time for: python -m tests.simulation.prove [WHAT ...]

promises    what docs/delivery.md promises, for 100,000 seeds (half of them on each wire with --wire both)
sessions    what it promises of sessions, for 100,000 seeds (the same), and what callers were told in them
clean       a register that is right, for 50,000 seeds
twice       10,000 seeds in two processes that hash strings differently: the same has to happen in both
mistakes    how many seeds it takes until each planted mistake is found, and how long
replays     a seed that fails, a hundred times
shrinking   what part of the faults it takes for the planted mistakes to fail
day         a day of heartbeats
rate        schedules a minute, in one process, of 3 replicas and 3 clients of 10 operations under 3 partitions

Without arguments, all. A part that is stopped by --seconds tells where to go on with --first.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path

from pygorums import testing
from pygorums.testing.simulation.running import Runner, Settings
from tests.protos.calls_gorums import ask
from tests.protos.calls_pb2 import Text
from tests.simulation import sessions
from tests.simulation.promises import PROMISES
from tests.simulation.protocols import RIGHT, TIMEOUT, WRONG, Register, read_register
from tests.simulation.support import TOLD, Echo

ROOT = Path(__file__).parents[2]
CHUNK = 50


async def busy(world: testing.World) -> None:
    """What schedules a minute are counted of."""
    replicas = await world.servers(3, lambda _: Register(world.here.disk))
    history = testing.History()

    async def client(index: int) -> None:
        name = f"c{index}"
        config = world.connect(replicas, host=name)
        for number in range(5):
            await world.sleep(world.random.uniform(0, 0.05))
            request = Text(text=f"write {name}-{number}", number=3 * number + index + 1)
            await history.call(name, "write", request.text, ask(config, request, timeout=TIMEOUT).threshold(2))
            await history.call(name, "read", None, read_register(config, 2, write_back=False))

    async with world.faults(partitions=3):
        await asyncio.gather(*(client(index) for index in range(3)))


async def day(world: testing.World) -> None:
    replicas = await world.servers(3, lambda _: Echo())
    config = world.connect(replicas, host="client")
    await world.sleep(24 * 3600)
    await ask(config, Text(text="hello"), timeout=1).threshold(3)


PARTS_OF_PROMISES = {"order": 0.5, "crashes": 0.4, "calls back": 0.1}
SCENARIOS = {**PROMISES, **sessions.SCENARIOS, **RIGHT, **WRONG}


class Failed(Exception):  # noqa: N818 - it says what a part has done
    """Something does not hold."""


def _chunk(name: str, wire: str, first: int, count: int) -> tuple[list[str], Counter[str]]:
    """Run seeds, in a process of its own; what was wrong with some, and what callers were told."""
    logging.getLogger("pygorums").addHandler(logging.NullHandler())
    wrong = []
    TOLD.clear()
    with Runner(SCENARIOS[name], Settings(wire=wire)).ready() as runner:  # type: ignore[arg-type]  # one of both
        for seed in range(first, first + count):
            error = runner.run(seed).error
            if error is not None:
                wrong.append(f"{name}, {wire}, seed {seed}: {error!r:.300}")
    return wrong, Counter(TOLD)


def spread(name: str, wire: str, given: argparse.Namespace, seeds: int) -> None:
    """Run many seeds over processes."""
    began, end = time.perf_counter(), given.first + seeds
    left: Iterator[int] = iter(range(given.first, end, CHUNK))
    done, at, told = 0, given.first, Counter[str]()
    with ProcessPoolExecutor(given.processes) as pool:
        waiting: dict[Future[tuple[list[str], Counter[str]]], int] = {}
        while True:
            late = time.perf_counter() - began > given.seconds
            while not late and len(waiting) < 2 * given.processes and (first := next(left, None)) is not None:
                at = min(first + CHUNK, end)
                waiting[pool.submit(_chunk, name, wire, first, at - first)] = at - first
            if not waiting:
                break
            for each in wait(waiting, return_when=FIRST_COMPLETED).done:
                done += waiting.pop(each)
                wrong, more = each.result()
                told += more
                if wrong:
                    raise Failed("\n".join(wrong))
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{name}, {wire}: {done} of {seeds} ")
    rate = done / (time.perf_counter() - began) * 60
    stopped = "" if at == end else f"; the time is up: go on with --first {at}"
    print(f"{name}, {wire}: {done} seeds from {given.first} are clean, {rate:,.0f} a minute{stopped}", flush=True)
    if told:
        print(
            "    told: " + ", ".join(f"{count:,} {word or 'nothing'}" for word, count in told.most_common()), flush=True
        )


def shares(parts: Mapping[str, float], given: argparse.Namespace) -> None:
    """Run a number of seeds, of which each scenario has its part."""
    seeds = given.seeds or 100_000
    wires = ["messages", "http2"] if given.wire == "both" else [given.wire]
    for wire in wires:
        for name, part in parts.items():
            spread(name, wire, given, max(1, int(seeds * part / len(wires))))


def promises(given: argparse.Namespace) -> None:
    shares(PARTS_OF_PROMISES, given)


def exactly_once(given: argparse.Namespace) -> None:
    shares(sessions.PARTS, given)


def clean(given: argparse.Namespace) -> None:
    spread("register", "messages", given, given.seeds or 50_000)


def digests(given: argparse.Namespace) -> None:
    with Runner(RIGHT["register"], Settings()).ready() as runner:
        for seed in range(given.first, given.first + given.seeds):
            print(runner.run(seed, steps=True).digest, flush=True)


def twice(given: argparse.Namespace) -> None:
    seeds, began = given.seeds or 10_000, time.perf_counter()
    command = [sys.executable, "-m", __spec__.name, "digests", "--first", str(given.first), "--seeds", str(seeds)]
    processes = [
        subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": number}, stdout=subprocess.PIPE, text=True
        )
        for number in ("1", "2")
    ]
    seed = given.first
    try:
        one, other = (process.stdout for process in processes)
        assert one is not None
        assert other is not None
        while time.perf_counter() - began < given.seconds and (digest := one.readline()):
            if digest != other.readline():
                raise Failed(f"seed {seed}: not the same in both processes")
            seed += 1
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    stopped = "" if seed == given.first + seeds else f"; it ended early: go on with --first {seed}"
    print(f"{seed - given.first} seeds from {given.first} are the same in two processes{stopped}")


def mistakes(given: argparse.Namespace) -> None:
    for name, scenario in WRONG.items():
        began = time.perf_counter()
        with Runner(scenario, Settings()).ready() as runner:
            for seed in range(given.first, given.first + (given.seeds or 2000)):
                if runner.run(seed).error is not None:
                    print(f"{name}: found after {seed - given.first + 1} seeds, {time.perf_counter() - began:.1f} s")
                    break
            else:
                raise Failed(f"{name}: not found")


def _failures(name: str, most: int) -> list[testing.SimulationFailure]:
    found: list[testing.SimulationFailure] = []
    seed = 0
    while len(found) < most:
        try:
            testing.check(WRONG[name], range(seed, seed + 5000))
        except testing.SimulationFailure as failure:
            found.append(failure)
            seed = failure.seed + 1
    return found


def replays(given: argparse.Namespace) -> None:
    count = given.seeds or 100
    for name, scenario in WRONG.items():
        (failure,) = _failures(name, 1)
        for _ in range(count):
            with Runner(scenario, Settings()).ready() as runner:
                if repr(runner.run(failure.seed).error) != repr(runner.run(failure.seed, trace=True).error):
                    raise Failed(f"{name}: seed {failure.seed} does not fail as it did")
        print(f"{name}: seed {failure.seed} has failed {count} times of {count}")


def shrinking(given: argparse.Namespace) -> None:
    for name in WRONG:
        failures = _failures(name, given.seeds or 8)
        kept, drawn = sum(len(each.faults) for each in failures), sum(each.drawn for each in failures)
        print(f"{name}: {kept} of {drawn} faults of {len(failures)} runs, {kept / drawn:.0%}", flush=True)


def heartbeats(given: argparse.Namespace) -> None:
    began = time.perf_counter()
    with Runner(day, Settings(longest=math.inf)).ready() as runner:
        run = runner.run(0)
    if run.error is not None:
        raise Failed(repr(run.error))
    print(f"a day of heartbeats of 3 connections: {run.steps} steps, {time.perf_counter() - began:.1f} s")


def rate(given: argparse.Namespace) -> None:
    seeds = given.seeds or 500
    with Runner(busy, Settings()).ready() as runner:
        runner.run(0)
        sent = sum(event.kind == "send" for event in runner.run(1, trace=True).events)
        began = time.process_time()
        for seed in range(seeds):
            if (error := runner.run(seed).error) is not None:
                raise Failed(repr(error))
        taken = time.process_time() - began
    print(f"{seeds / taken * 60:,.0f} schedules a minute of processor time, with {sent} messages each")


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "rate": rate,
    "day": heartbeats,
    "mistakes": mistakes,
    "shrinking": shrinking,
    "replays": replays,
    "twice": twice,
    "clean": clean,
    "promises": promises,
    "sessions": exactly_once,
}


def main() -> int:
    """Run the program: 1 if something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=[*PARTS, "digests", []], help="by default, all")
    parser.add_argument("--seeds", type=int, default=0, help="instead of the numbers above")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3600, help="most that a number of seeds may take")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--wire", choices=["messages", "http2", "both"], default="messages")
    given = parser.parse_args()
    logging.getLogger("pygorums").addHandler(logging.NullHandler())
    parts = {**PARTS, "digests": digests}
    try:
        for name in given.what or PARTS:
            parts[name](given)
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
