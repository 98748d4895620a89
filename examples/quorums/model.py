"""Calls to nodes that handle one request at a time, played event by event: no network, no clock, no chance but a seed.

What a call needs, when it is decided and whom it asks next is what pygorums itself decides by. The times are those of
queues: calls come at random, each request takes a node a time at random, and now and then a reply is long on its way.
"""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from pygorums import quorums as q
from pygorums.quorum.asking import Asking
from pygorums.quorum.tally import Tally

__all__ = ["Outcome", "Subject", "play"]

MEAN = 1.0
"""How long a request takes a node on average. All times are in this unit."""

STRAGGLERS = 0.02
"""Which part of the replies is late,"""

SLOWER = 20
"""and by how much."""


@dataclass(frozen=True)
class Subject:
    """A way of calling.

    Attributes:
        name: What the picture calls it.
        quorums: What each call needs.
        hedge: After which time more nodes are asked; None if all are asked at once.
    """

    name: str
    quorums: q.Quorums
    hedge: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What has come of the calls.

    Attributes:
        latencies: Of each, in order of their ends.
        requests: How many nodes a call has asked on average.
    """

    latencies: list[float]
    requests: float

    def percentile(self, part: float) -> float:
        """What so large a part of the calls did not exceed."""
        values = sorted(self.latencies)
        return values[min(int(part * len(values)), len(values) - 1)]


class _Call:
    def __init__(self, subject: Subject, began: float, chance: random.Random) -> None:
        self.began = began
        self.tally = Tally(subject.quorums.rule)
        self.asking = Asking(self.tally)
        self.order = list(subject.quorums.nodes)
        chance.shuffle(self.order)
        self.done = False


def play(subject: Subject, rate: float, calls: int, seed: int = 1) -> Outcome:
    """Play calls, and tell how long they took.

    Args:
        subject: How they are made.
        rate: How many come in a unit of time.
        calls: How many.
        seed: What chance follows from.
    """
    chance = random.Random(seed)
    free = dict.fromkeys(subject.quorums.nodes, 0.0)  # when each node has done what it was asked
    numbers = count()  # so that what happens at the same moment keeps its order
    events: list[tuple[float, int, str, _Call, int]] = []
    latencies: list[float] = []
    requests = 0

    def happens(when: float, what: str, call: _Call, node_id: int = 0) -> None:
        heapq.heappush(events, (when, next(numbers), what, call, node_id))

    for moment in _arrivals(chance, rate, calls):
        happens(moment, "call", _Call(subject, moment, chance))
    while events:
        now, _, what, call, node_id = heapq.heappop(events)
        if what == "reply":
            if not call.done and call.tally.count_success(node_id):
                call.done = True
                latencies.append(now - call.began)
            continue
        if call.done:
            continue
        if subject.hedge is None:
            asked = call.asking.everyone(call.order)
        elif what == "call":
            asked = call.asking.first(call.order)
        else:
            asked = call.asking.waited(call.order)
        for each in asked:
            requests += 1
            free[each] = max(free[each], now) + chance.expovariate(1 / MEAN)
            late = SLOWER * MEAN if chance.random() < STRAGGLERS else 0.0
            happens(free[each] + late, "reply", call, each)
        if subject.hedge is not None and asked:
            happens(now + subject.hedge, "wait", call)
    return Outcome(latencies, requests / calls)


def _arrivals(chance: random.Random, rate: float, calls: int) -> Iterator[float]:
    now = 0.0
    for _ in range(calls):
        now += chance.expovariate(rate)
        yield now
