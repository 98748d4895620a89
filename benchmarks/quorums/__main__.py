"""``python -m benchmarks.quorums``: quorum calls that ask all, few, or few first; and what a predicate costs.

Five servers in processes of their own answer after some time, two of a hundred answers after twenty times that. The
runs alternate, so that what else happens on the machine meets all of them alike.
"""

import argparse
import asyncio
import math
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pygorums as gorums
from benchmarks.quorums.servers import SLOWER, STRAGGLERS, stragglers
from benchmarks.quorums.stragglers_gorums import count, read, touch
from benchmarks.quorums.stragglers_pb2 import ReadReply, ReadRequest
from pygorums import quorums as q

__all__ = ["main"]

SIZE = 5
CALLERS = 40

Call = Callable[[], Awaitable[Any]]


def main() -> None:
    """Measure, and tell the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quorums", description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help="calls of each kind in each round (2000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each kind has its turn (3)")
    parser.add_argument("--mean", type=float, default=0.02, help="seconds that an answer takes on average (0.02)")
    given = parser.parse_args()
    asyncio.run(_measure(given.calls, given.rounds, given.mean))


async def _measure(calls: int, rounds: int, mean: float) -> None:
    async with stragglers(SIZE, mean) as addresses, gorums.connect(addresses) as config:
        await config.wait_connected(timeout=30)
        print(f"{SIZE} servers, {mean * 1000:g} ms on average, {STRAGGLERS:.0%} of the answers {SLOWER} times as long")
        await _stragglers(config, calls, rounds, mean)
        await _refusal(config, calls)
        await _predicates(config, calls, rounds)
        _strategies()


async def _stragglers(config: gorums.Configuration, calls: int, rounds: int, mean: float) -> None:
    system = q.majority(config)
    kinds: Mapping[str, Call] = {
        "all at once": lambda: read(config, ReadRequest()).majority(),
        "a bare majority": lambda: read(config, ReadRequest()).majority(hedge=math.inf),
        f"hedged after {4 * mean * 1000:g} ms": lambda: read(config, ReadRequest()).majority(hedge=4 * mean),
        "the same, by a system": lambda: read(config, ReadRequest()).quorum(system.reads, hedge=4 * mean),
        'hedged by "p95"': lambda: read(config, ReadRequest()).majority(hedge="p95"),
    }
    latencies: dict[str, list[float]] = {name: [] for name in kinds}
    requests = dict.fromkeys(kinds, 0)
    for _ in range(rounds):
        for name, call in kinds.items():
            latencies[name] += await _latencies(call, calls)
            replies = await count(config, ReadRequest()).collect_all()
            requests[name] += sum(reply.requests for reply in replies.values())
    p99_of_all = _percentile(latencies["all at once"], 0.99)
    print(f"\n{'':24}  requests a call   p50 ms   p99 ms   p99 × all")
    for name, taken in latencies.items():
        p50, p99 = _percentile(taken, 0.5), _percentile(taken, 0.99)
        figures = f"{requests[name] / len(taken):15.2f}  {p50 * 1000:7.1f}  {p99 * 1000:7.1f}  {p99 / p99_of_all:10.2f}"
        print(f"{name:24}  {figures}")


async def _refusal(config: gorums.Configuration, calls: int) -> None:
    """What it costs that one of the first refuses, where nobody would be asked for a second."""
    first = [1, 2, 3]
    kinds = {
        "nobody refuses": ReadRequest(),
        "one of the first refuses": ReadRequest(refused_by=1),
    }
    medians = {}
    for name, request in kinds.items():

        def call(request: ReadRequest = request) -> Awaitable[ReadReply]:
            return touch(config, request).majority(hedge=1, first=first)

        medians[name] = statistics.median(await _latencies(call, max(calls // 10, 100), callers=1))
    print("\nmedians of calls that are hedged after a second: ", end="")
    print(", ".join(f"{name} {median * 1000:.2f} ms" for name, median in medians.items()))


async def _predicates(config: gorums.Configuration, calls: int, rounds: int) -> None:
    system = q.majority(config)
    kinds: Mapping[str, Call] = {
        "majority()": lambda: touch(config, ReadRequest()).majority(),
        "quorum(majority)": lambda: touch(config, ReadRequest()).quorum(system.reads),
    }
    used: dict[str, list[float]] = {name: [] for name in kinds}
    for call in kinds.values():
        await _latencies(call, calls)
    for _ in range(4 * rounds):
        for name, call in kinds.items():
            began = time.process_time()
            await _latencies(call, calls)
            used[name].append((time.process_time() - began) / calls)
    best = {name: statistics.median(seconds) for name, seconds in used.items()}
    print("\nprocessor time of a call: ", end="")
    print(", ".join(f"{name} {seconds * 1e6:.1f} µs" for name, seconds in best.items()), end="; ")
    print(f"throughput × majority(): {best['majority()'] / best['quorum(majority)']:.3f}")
    grid = q.grid([range(start, start + 5) for start in range(1, 26, 5)])
    zones = q.zones({"a": [1, 2, 3], "b": [4, 5, 6], "c": [7, 8, 9]})
    figures = {}
    for name, quorums in {"majority of 5": system.reads, "3 zones": zones.reads, "5 × 5 grid": grid.writes}.items():
        enough, mask = quorums.rule.enough, quorums.rule.everyone >> 1
        began = time.thread_time()
        for _ in range(100_000):
            enough(mask)
        figures[name] = (time.thread_time() - began) / 100_000
    print("a predicate, loop included: " + ", ".join(f"{name} {s * 1e6:.2f} µs" for name, s in figures.items()))


def _strategies() -> None:
    """What it takes to find the best strategy, once scipy is imported."""
    q.majority(3).strategy()
    grid = q.grid([range(start, start + 5) for start in range(1, 26, 5)])
    taken = {}
    for name, system in {"a majority of 13": q.majority(13), "a 5 × 5 grid": grid}.items():
        began = time.thread_time()
        system.strategy()
        taken[name] = time.thread_time() - began
    print("best strategies: " + ", ".join(f"{name} {seconds:.3f} s" for name, seconds in taken.items()))


async def _latencies(call: Call, calls: int, callers: int = CALLERS) -> list[float]:
    taken: list[float] = []

    async def caller(share: int) -> None:
        for _ in range(share):
            began = time.perf_counter()
            await call()
            taken.append(time.perf_counter() - began)

    await asyncio.gather(*(caller(calls // callers) for _ in range(callers)))
    return taken


def _percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(int(part * len(values)), len(values) - 1)]


if __name__ == "__main__":
    main()
