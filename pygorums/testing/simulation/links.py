"""Streams between two processes, and what is on its way on them.

Each direction of a stream keeps its order, and takes its time for each message. Nothing is lost on a stream that
stands: where a partition hinders it, it waits for the partition to end, as TCP does by sending again. Streams break
when a process dies or the connection is reset, and then what is on its way may be lost.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from pygorums.testing.simulation.hosts import Process
from pygorums.testing.simulation.loop import SimulatedLoop
from pygorums.transports.interface import ConnectionLostError

__all__ = ["ACCEPTED", "Direction", "Link", "Ways"]

ACCEPTED = "accepted"
"""What an acceptor sends first: that it is there."""


_TEMPERS = ((0.0, 1.0), (0.0, 1.0), (0.0, 0.1), (0.9, 0.1))
"""What part of the range of latencies a direction uses, as its least and its spread: some are always quick, some always
slow, since it takes that for some orders to come about."""


class Ways(Protocol):
    """The network, as streams see it."""

    @property
    def loop(self) -> SimulatedLoop:
        """The loop that all run on."""

    @property
    def trace(self) -> Callable[[str, str, str, int, Any], None] | None:
        """What is told of all that is sent and received."""

    def hindered(self, source: str, target: str, /) -> bool:
        """Whether nothing gets from one host to another."""

    def latency_of(self, source: str, target: str, /) -> tuple[float, float]:
        """The range in seconds for messages from one host to another."""

    def wait_for_heal(self, direction: Direction, /) -> None:
        """Have a direction told when it may go on."""


class Direction:
    """One way of a stream: what is on it, in order."""

    def __init__(self, link: Link, source: Process, target: Process, number: int) -> None:
        self.link = link
        self.source = source
        self.target = target
        self.number = number
        self.receive: Callable[[Any], None] | None = None  # what is told of what arrives
        self.writable: Callable[[], None] | None = None  # what is told that there is room again
        self._bytes = 0  # that the other side has not taken
        self._full = False
        self._way: deque[Any] = deque()
        self._last = 0.0  # when what is on its way will all have arrived
        self._held = False  # by a partition
        chance = random.Random(number)
        self._least, self._spread = chance.choice(_TEMPERS)
        # What each message takes is kept at hand.
        self._chance = chance.random
        self._network = link.network
        self._clock = link.network.loop.time
        self._call_at = link.network.loop.call_at
        self._between = source.host.name, target.host.name
        self._context = target._context

    def send(self, what: Any) -> bool:
        """Put something on its way: messages as a list, bytes, `None` at their end, metadata as pairs, or an error.

        Returns:
            Whether there is room for more.
        """
        if self.link.over:
            return False
        self._way.append(what)
        if type(what) is list or type(what) is bytes:
            self._bytes += len(what) if type(what) is bytes else sum(map(len, what))
            self._full = self._bytes > MOST_ON_THE_WAY
        trace = self._network.trace
        if trace is not None:
            trace("send", *self._between, self.number, what)
        if not self._held:
            self._schedule()
        return not self._full

    def taken(self, size: int) -> None:
        """The other side has taken bytes that had arrived."""
        self._bytes -= size
        if self._full and self._bytes <= MOST_ON_THE_WAY and self.writable is not None:
            self._full = False
            network = self._network
            low = network.latency_of(*self._between)[0]
            network.loop.call_later(low, self.writable, context=self.source._context)

    def _schedule(self) -> None:
        low, high = self._network.latency_of(*self._between)
        when = self._clock() + low + (high - low) * (self._least + self._spread * self._chance())
        if when < self._last:
            when = self._last
        self._last = when
        self._call_at(when, self._arrive, context=self._context)

    def _arrive(self) -> None:
        network = self._network
        if not self._way:
            return  # it was lost
        if self._held or network.hindered(*self._between):
            self._held = True
            network.wait_for_heal(self)
            return
        what = self._way.popleft()
        if network.trace is not None:
            network.trace("receive", *self._between, self.number, what)
        if self.receive is not None:
            self.receive(what)

    def heal(self) -> None:
        """The partition is over: all that waited sets out again."""
        self._held = False
        for _ in self._way:
            self._schedule()

    def lose(self) -> None:
        """Lose what is on its way."""
        self._way.clear()
        self._held = False


MOST_ON_THE_WAY = 1 << 20
"""Bytes that buffers on the way take before a sender has to wait."""


class Link:
    """A stream, with both its directions."""

    def __init__(self, network: Ways, opener: Process, acceptor: Process, number: int) -> None:
        self.network = network
        self.number = number
        self.there = Direction(self, opener, acceptor, 2 * number)
        self.back = Direction(self, acceptor, opener, 2 * number + 1)
        self.over = False
        opener.links[self] = None
        acceptor.links[self] = None

    def between(self, one: str, other: str) -> bool:
        """Whether it goes from one host to another, or back."""
        names = (self.there.source.host.name, self.there.target.host.name)
        return names in ((one, other), (other, one))

    def end(self) -> None:
        """Nothing more happens on it."""
        self.over = True
        self.there.source.links.pop(self, None)
        self.there.target.links.pop(self, None)

    def reset(self) -> None:
        """Break the connection: what is on its way is lost, and both ends are told."""
        for direction in (self.there, self.back):
            direction.lose()
            self._tell(direction)
        self.end()

    def _tell(self, direction: Direction, delay: float = 0.0) -> None:
        receive = direction.receive
        if receive is not None:
            loop = self.network.loop
            error = ConnectionLostError("the connection was reset")
            loop.call_later(delay, receive, error, context=direction.target._context)

    def died(self, process: Process, chance: random.Random) -> None:
        """One of the processes has died: the other one is told, once it can be, with or without what was on its way."""
        away, towards = (self.there, self.back) if self.there.source is process else (self.back, self.there)
        towards.lose()
        if chance.random() < 0.5:
            away.lose()
        away.send(ConnectionLostError("the connection was reset: the other side is gone"))
        process.links.pop(self, None)
